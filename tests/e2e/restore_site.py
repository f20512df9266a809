"""Sites for restores: a simulated cluster whose VMs are backed up once; each test gets a copy of that world of its own."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from borg_cluster.catalog import Catalog
from borg_cluster.context import Context
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import Event, RestoreFinished, StepBegun
from borg_cluster.core.policy import Job, JobKind, Policy, Selection
from borg_cluster.create import create
from borg_cluster.discover import discover
from borg_cluster.simulator.fingerprint import fingerprint
from borg_cluster.simulator.making import DiskSpec, noise
from borg_cluster.simulator.model import ClusterRole
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests import direct
from tests.e2e.borg_site import BorgSite, make_site

SMALL = DiskSpec(size=3 * MIB, content=MIB)
OTHER = DiskSpec(size=2 * MIB, content=MIB, volume="Volume2")
BEFORE = b"before the backup"
SINCE = b"written since the backup"
WEB = "web[1]* 'a' \"$(x)\"\n{now}"
"""Highly available, with disks on two volumes and settings of its role that a new one doesn't have."""
PLAIN = "NO"
"""Not highly available."""
CHAIN = "files01"
"""Highly available, with a checkpoint, an ISO that PLAIN has too, and change tracking."""
SAVED = "sleeper"
"""Highly available; saved when it was backed up."""
ISO = r"C:\ClusterStorage\Volume2\ISO\installer.iso"
_NEEDLE = 256
"""Bytes that tell one disk from all others: its noise isn't compressed."""
_RUN = "20260301-0200-4000-8000-000000000001"
_JOB = Job(
    name="nightly",
    kind=JobKind.VIRTUAL_MACHINES,
    repository="main",
    select=Selection(include=(), exclude=()),
    volumes=(),
    max_age=None,
    compression="lz4",
    chunker_params=None,
    extra_borg_options=(),
)


class MovingClock(direct.Clock):
    """Goes on a second with each look, so that waiting ends and what came later is later."""

    def __call__(self) -> datetime:
        """Return the time, a second after the last one."""
        self.advance(1)
        return self.now


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreSite:
    """One test's world. ``then`` is how it was when it was backed up."""

    cluster: SimulatedCluster
    context: Context
    then: Any
    events: list[Event] = field(default_factory=list)

    def id_of(self, name: str) -> str:
        """Return a VM's id."""
        return self.cluster.find_vm(name)

    def fingerprint(self) -> Any:
        """Return the whole world, as far as it matters."""
        return fingerprint(self.cluster)

    def own_files(self) -> list[str]:
        """Return what lies in our folders on the volumes, claims included."""
        roots = [self.cluster.volume_folder(name) / ".borg-cluster" for name in self.cluster.volume_names]
        return [str(path) for root in roots for path in root.rglob("*") if path.is_file()]

    def steps(self) -> list[str]:
        """Return the steps that were begun, in order."""
        return [event.step for event in self.events if isinstance(event, StepBegun)]

    def finished(self) -> RestoreFinished:
        """Return how the last restore ended."""
        return [event for event in self.events if isinstance(event, RestoreFinished)][-1]

    def others(self, vm_id: str, world: Any) -> Any:
        """Return a fingerprint without one VM: the files, but for change tracking, and all the others."""
        files = [path for path in world["files"] if not path.endswith((".rct", ".mrt"))]
        return {"files": files, "vms": {key: vm for key, vm in world["vms"].items() if key != vm_id}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The world that each test gets a copy of, and the repository that all read."""

    folder: Path
    borg: BorgSite
    then: Any

    @contextmanager
    def copy(self, folder: Path, **changes: Any) -> Iterator[RestoreSite]:
        """Yield a copy below ``folder``; ``changes`` are the policy's. What must always hold is checked at the end."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        cluster = SimulatedCluster.open(folder / "cluster")
        recognise(cluster)
        events: list[Event] = []
        with Catalog.open(folder / "state" / "catalog.sqlite") as catalog:
            context = direct.context(cluster, catalog, folder / "state", events=events, clock=MovingClock())
            policy = replace(policy_of(context.policy, self.borg), **changes)
            yield RestoreSite(cluster=cluster, context=replace(context, policy=policy), then=self.then, events=events)
        cluster.check()


def recognise(cluster: SimulatedCluster) -> None:
    """Let a copied world know its files again: who holds them and who may open them is kept by inode."""
    for machine in cluster.state.machines:
        for key, held in machine.held.items():
            status = (cluster.folder / key).stat()
            held.inode, held.size, held.modified_ns = status.st_ino, status.st_size, status.st_mtime_ns
    for key, grant in cluster.state.access.items():
        path = cluster.folder / key
        grant.inode = path.stat().st_ino if path.exists() else 0


def make_stock(folder: Path, *, fill: Callable[[SimulatedCluster], None] | None = None) -> Stock:
    """Make the world, back up all of it, and let the guests write on; ``fill`` adds other VMs than the usual ones."""
    cluster = SimulatedCluster.create(folder / "world" / "cluster")
    cluster.write_file(ISO, noise("installer", 65536))
    (fill or populate)(cluster)
    borg = make_site(folder)
    events: list[Event] = []
    with Catalog.open(folder / "world" / "state" / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, folder / "world" / "state", events=events, clock=direct.Clock())
        back_up(replace(context, policy=policy_of(context.policy, borg)), events)
    then = fingerprint(cluster)
    for machine in list(cluster.state.machines):
        if machine.state == "Running":
            cluster.guest_write(machine.id, data=SINCE)
    cluster.check()
    return Stock(folder=folder / "world", borg=borg, then=then)


def populate(cluster: SimulatedCluster) -> None:
    """Add the VMs."""
    web = cluster.add_vm(WEB, node="node2", disks=(SMALL, OTHER), home=r"C:\ClusterStorage\Volume1\web")
    cluster.edit_role(web, distinguish)
    cluster.add_vm(PLAIN, node="node3", volume="Volume2", disks=(SMALL,), highly_available=False, iso=ISO)
    chain = cluster.add_vm(CHAIN, node="node1", disks=(SMALL,), iso=ISO, change_tracking=True)
    cluster.add_vm(SAVED, node="node1", disks=(SMALL,), state="Saved")
    for vm_id in (web, cluster.find_vm(PLAIN), chain):
        cluster.guest_write(vm_id, data=BEFORE)
    cluster.take_checkpoint(chain, "before update")


def distinguish(role: ClusterRole) -> None:
    """Give a role settings that a new one doesn't have."""
    role.description = "the shop's front end"
    role.properties |= {"Priority": 3000, "AutoFailbackType": 1, "FailbackWindowStart": 22, "FailbackWindowEnd": 5}
    role.preferred_owners = ["node2", "node3"]
    role.anti_affinity_class_names = ["web"]


def back_up(context: Context, events: list[Event]) -> None:
    """Make an archive of every VM."""
    inventory = discover(context)
    at = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    plan = plan_backup(
        inventory, context.policy, jobs=("nightly",), good=(), at=at, run_id="20260301-0200-4000-8000-000000000001"
    )
    outcome = create(context, plan, inventory)
    assert outcome.failed == 0, events


def damage(repository: Path, disks: Iterable[Path]) -> Callable[[], None]:
    """Damage a repository where it holds the end of what is in these disks; return what makes it whole again."""
    ends = (disk.read_bytes().rstrip(b"\0")[-_NEEDLE:] for disk in disks)
    needles = [end for end in ends if len(end) == _NEEDLE]
    segments = {path: path.read_bytes() for path in repository.glob("data/*/*")}
    whole = {path: content for path, content in segments.items() if any(needle in content for needle in needles)}
    assert whole, "no segment holds any of these disks"
    for path, content in whole.items():
        damaged = content
        for needle in needles:
            damaged = damaged.replace(needle, bytes(len(needle)))
        path.write_bytes(damaged)

    def mend() -> None:
        for path, content in whole.items():
            path.write_bytes(content)

    return mend


def policy_of(policy: Policy, borg: BorgSite) -> Policy:
    """Return a configuration that backs up to this repository."""
    return replace(
        policy, repositories=(borg.repository,), borg=borg.settings, jobs=(_JOB,), keep_parked=True, stop_action="turn_off"
    )


def at_step(site: RestoreSite, step: str, act: Callable[[], object]) -> None:
    """Let something happen when a step begins, once."""
    waiting = [act]
    plain = site.context.emit

    def emit(event: Event) -> None:
        plain(event)
        if isinstance(event, StepBegun) and event.step == step and waiting:
            waiting.pop()()

    object.__setattr__(site.context, "emit", emit)
