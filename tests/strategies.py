"""Strategies for hypothesis: any well-typed report, with few ids, nodes and paths so that they meet each other.

Reports are made from a drawn seed, not drawn field by field: that is a hundred times faster, and a failing example still names
the seed that makes it again.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from random import Random
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from borg_cluster.core import report as wire
from borg_cluster.core.inventory import Inventory, Unanswered
from borg_cluster.core.merge import merge
from borg_cluster.core.policy import Mount
from tests.reports import HYPERV_WRITER, TAKEN_AT, vm_id

T = TypeVar("T")

HOSTILE = ("web[1]*", 'it\'s "q"', "two\nlines", "$(x)", "NO", "é", "a" * 100, "web01", "WEB01", "#", "..", "-x", "pf:+ *", "")
"""Names of VMs and files that break what is not careful."""
NODES = ("node1", "NODE1", "node2", "node3", "node4")
ROLES = tuple(f"role-{number}" for number in range(4))
IDS = tuple(vm_id(number) for number in range(5)) + tuple("{" + vm_id(number).upper() + "}" for number in range(5))
FOLDERS = (
    r"C:\ClusterStorage\Volume1",
    r"c:\clusterstorage\volume1\web",
    r"C:\ClusterStorage\Volume2",
    r"\\files\vms",
    "D:",
    "S:\\",
    "",
)
LEAVES = ("a.vhdx", "a_1.avhdx", "b.vhdx", "b.vhd", "x.vmcx", "x.vmgs", "x.rct", "d.iso", "Snapshots\\s.vmcx", "web[1]*.vhdx")
PATHS = (*(f"{folder}\\{leaf}" for folder in FOLDERS for leaf in LEAVES), *HOSTILE)
SIZES = (None, 0, 4096, 1 << 41)
MOUNTS = (
    Mount(windows=r"C:\ClusterStorage\Volume1", path="/mnt/Volume1", name="Volume1", node=None, writable=True),
    Mount(windows="D:\\", path="/mnt/node1", name="node1", node="node1", writable=True),
)

BY_FIELD: dict[tuple[type, str], tuple[object, ...]] = {
    (wire.ClusterNode, "name"): NODES,
    (wire.ClusterNode, "state"): ("Up", "Up", "Down", "Paused", "Unknown"),
    (wire.Role, "id"): ROLES,
    (wire.Role, "group_type"): ("VirtualMachine", "VirtualMachine", "FileServer"),
    (wire.Role, "state"): ("Online", "Offline", "Failed"),
    (wire.VMResource, "resource_type"): ("Virtual Machine", "Virtual Machine Configuration"),
    (wire.VMResource, "vm_id"): (None, *IDS),
    (wire.VMResource, "role_id"): ROLES,
    (wire.ClusterDisk, "paths"): ((), ("S:\\",), ("S:\\x",), ("",)),
    (wire.Checkpoint, "disk_paths"): ((), (PATHS[0],), (PATHS[2], PATHS[3])),
    (wire.VMFile, "kind"): ("configuration", "guest_state", "iso", "change_tracking", "unheard of"),
    (wire.Disk, "disk_number"): (None, None, None, 3),
    (wire.Disk, "chain_error"): (None, None, "0xC03A000D"),
    (wire.DiskFile, "type"): (None, "Fixed", "Dynamic", "Differencing"),
    (wire.VM, "id"): IDS,
    (wire.VM, "operational_status"): ((), (2,), (11, 32774)),
    (wire.VM, "state"): ("Running", "Off", "Saved", "RunningCritical", "x"),
    (wire.VM, "notes"): ("", "#nobackup #Gold, see # and wiki#x", "#\n#a"),
    (wire.NodeReport, "node"): NODES,
    (wire.WriterReport, "node"): NODES,
    (wire.WriterComponent, "vm_id"): (*IDS, "Host Component"),
    (wire.WriterFile, "path"): (*FOLDERS, *HOSTILE),
    (wire.WriterFile, "filespec"): (*LEAVES, "*", "*.vhdx", "[a]*", ""),
    (wire.WriterStatus, "writer_id"): (HYPERV_WRITER,),
    (Unanswered, "node"): NODES,
    (Unanswered, "reason"): ("down", "refused", "timed_out", "unreachable", "failed", "unheard of"),
}
"""Fields whose values have to meet those of other reports."""
BY_NAME: dict[str, tuple[object, ...]] = {
    "owner_node": (None, *NODES),
    "answered_by": NODES,
    "path": PATHS,
    "parent_path": (None, *PATHS),
    "taken_at": (TAKEN_AT, "2026-03-01T02:00:05Z"),
    "schema": (wire.SCHEMA,),
    "file_size": SIZES,
    "size": SIZES,
    "migration_state": (None, 0, 1, 3, 5),
}


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes values of any report's class from one source of chance."""

    chance: Random

    def make(self, cls: type[T]) -> T:
        """Return a value: each field by its name where that matters, else by its type."""
        recipe: Recipe = _recipe(cls)  # type: ignore[arg-type]  # a class is hashable; mypy doubts it of type[T]
        return cls(**{name: pick(self) for name, pick in recipe})

    def several(self, cls: type[T], most: int = 3) -> tuple[T, ...]:
        """Return up to ``most`` values."""
        return tuple(self.make(cls) for _ in range(self.chance.randint(0, most)))

    def text(self) -> str:
        """Return a name, mostly a hostile one."""
        if self.chance.random() < 0.8:
            return self.chance.choice(HOSTILE)
        return "".join(
            chr(self.chance.choice((self.chance.randint(0, 255), self.chance.randint(0x10000, 0x1FFFF)))) for _ in range(4)
        )


Recipe = tuple[tuple[str, Callable[[Maker], Any]], ...]


@cache
def _recipe(cls: type) -> Recipe:
    hints = get_type_hints(cls)
    return tuple((field.name, _picker(cls, field.name, hints[field.name])) for field in fields(cls))


def _picker(cls: type, name: str, hint: Any) -> Callable[[Maker], Any]:
    values = BY_FIELD.get((cls, name), BY_NAME.get(name))
    return _of_type(hint) if values is None else lambda maker: maker.chance.choice(values)


def _of_type(hint: Any) -> Callable[[Maker], Any]:
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        one = _of_type(arguments[0])
        return lambda maker: tuple(one(maker) for _ in range(maker.chance.randint(0, 3)))
    if get_origin(hint) is UnionType:
        either = [_of_type(argument) for argument in arguments]
        return lambda maker: maker.chance.choice(either)(maker)
    if is_dataclass(hint) and isinstance(hint, type):
        return lambda maker: maker.make(hint)
    simple: dict[Any, Callable[[Maker], Any]] = {
        str: Maker.text,
        int: lambda maker: maker.chance.randint(0, 9),
        bool: lambda maker: maker.chance.random() < 0.5,
        NoneType: lambda _: None,
    }
    return simple[hint]


def seeded(made: Callable[[Maker], T]) -> st.SearchStrategy[T]:
    """Return a strategy of what ``made`` makes from a seed."""
    return st.integers(0, 1 << 32).map(lambda seed: made(Maker(Random(seed))))  # noqa: S311 - test data, no secret


def _inventory(maker: Maker) -> Inventory:
    return merge(
        maker.make(wire.ClusterReport),
        maker.several(wire.NodeReport),
        maker.several(wire.WriterReport),
        maker.several(Unanswered),
        mounts=maker.chance.choice(((), MOUNTS)),
        taken_at=TAKEN_AT,
    )


cluster_reports: st.SearchStrategy[wire.ClusterReport] = seeded(lambda maker: maker.make(wire.ClusterReport))
node_reports: st.SearchStrategy[tuple[wire.NodeReport, ...]] = seeded(lambda maker: maker.several(wire.NodeReport))
writer_reports: st.SearchStrategy[tuple[wire.WriterReport, ...]] = seeded(lambda maker: maker.several(wire.WriterReport))
unanswered_nodes: st.SearchStrategy[tuple[Unanswered, ...]] = seeded(lambda maker: maker.several(Unanswered))
mounts: st.SearchStrategy[tuple[Mount, ...]] = st.sampled_from(((), MOUNTS))
paths: st.SearchStrategy[str] = st.sampled_from(PATHS) | st.text(alphabet="aA.\\/: ?", max_size=12)
inventories: st.SearchStrategy[Inventory] = seeded(_inventory)
"""Inventories of arbitrary reports: every contradiction is among them."""
