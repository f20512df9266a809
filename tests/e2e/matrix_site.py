"""What can be restored, cell by cell: the ways a VM can be now, the ways it was then, and a served cluster for each cell."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from borg_cluster.borg import Borg, Heed, ListedArchive
from borg_cluster.bridge import Bridge
from borg_cluster.catalog import Catalog
from borg_cluster.core.event import Event
from borg_cluster.simulator import machines, roles, storage
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.simulator.wire import Nodes, serve
from tests import direct
from tests.e2e.restore_site import BEFORE, MovingClock, RestoreSite, Stock, distinguish, make_stock, policy_of, recognise
from tests.wire.conftest import settings_for

HIGHLY_AVAILABLE = 'shop "1"; $(rm)'
PLAIN = "NO"
_DISKS = (DiskSpec(size=2 * MIB, content=MIB // 2), DiskSpec(size=2 * MIB, content=MIB // 2, volume="Volume2"))


def fill(cluster: SimulatedCluster) -> None:
    """Add a VM that is highly available, with settings of its own, and one that isn't; each with disks on two volumes."""
    shop = cluster.add_vm(HIGHLY_AVAILABLE, node="node2", disks=_DISKS, home=r"C:\ClusterStorage\Volume1\shop")
    cluster.edit_role(shop, distinguish)
    plain = cluster.add_vm(PLAIN, node="node1", disks=_DISKS, home=r"C:\ClusterStorage\Volume1\plain", highly_available=False)
    for vm_id in (shop, plain):
        cluster.guest_write(vm_id, data=BEFORE)


def _with_role(cluster: SimulatedCluster, vm_id: str) -> None:
    if cluster.find_role(vm_id) is None:
        cluster.make_highly_available(vm_id)


def _without_role(cluster: SimulatedCluster, vm_id: str) -> None:
    if cluster.find_role(vm_id) is not None:
        cluster.end_highly_available(vm_id)


def _files_gone(cluster: SimulatedCluster, vm_id: str) -> None:
    """Somebody deletes the disks of a VM that is off; Hyper-V holds its configuration."""
    _without_role(cluster, vm_id)
    cluster.stop(vm_id, "TurnOff")
    cluster.give_up(vm_id)
    with cluster.change("disks deleted", vm_id=vm_id):
        for path in cluster.machine(vm_id).definition.disk_paths():
            cluster.real_path(path).unlink()


def _role_without_vm(cluster: SimulatedCluster, vm_id: str) -> None:
    """Somebody removes a highly available VM by Hyper-V alone, with its files: the cluster keeps its role, which fails."""
    _with_role(cluster, vm_id)
    cluster.stop(vm_id, "TurnOff")
    cluster.give_up(vm_id)
    with cluster.change("removed by Hyper-V", vm_id=vm_id):
        storage.delete_files(cluster, cluster.machine(vm_id))
        roles.set_states(cluster, vm_id, vm="Failed", configuration="Failed")


def _vm_without_role(cluster: SimulatedCluster, vm_id: str) -> None:
    """The role was removed, and the VM stopped where it was."""
    _with_role(cluster, vm_id)
    _without_role(cluster, vm_id)
    cluster.stop(vm_id, "Save")


def _another_node(cluster: SimulatedCluster, vm_id: str) -> None:
    _with_role(cluster, vm_id)
    cluster.migrate(vm_id, "node3")


def _clustered_disk(cluster: SimulatedCluster, vm_id: str) -> None:
    _with_role(cluster, vm_id)
    cluster.add_clustered_disk("Cluster Disk 9", "S", vm_id=vm_id)
    cluster.move_storage(vm_id, "S:")


NOW: Mapping[str, Callable[[SimulatedCluster, str], None]] = {
    "highly_available": _with_role,
    "plain": _without_role,
    "gone": lambda cluster, vm_id: cluster.destroy(vm_id),
    "files_gone": _files_gone,
    "role_without_vm": _role_without_vm,
    "vm_without_role": _vm_without_role,
    "another_node": _another_node,
    "clustered_disk": _clustered_disk,
}
THEN = {"highly_available": HIGHLY_AVAILABLE, "plain": PLAIN}
TARGET: Mapping[str, dict[str, Any]] = {
    "in_place": {},
    "volume": {"volume": "Volume2"},
    "node": {"node": "node3"},
    "copy": {"copy_name": "copy of\n'it'"},
}
CELLS = [(now, then, target) for now in NOW for then in THEN for target in TARGET]


class Shown:
    """The cluster that the nodes on the wire are just now: one server for all cells. The attributes are the cluster's."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.current = cluster

    def __getattr__(self, name: str) -> Any:
        """Return what the current cluster has."""
        return getattr(self.current, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixStock:
    """The world that each cell gets a copy of, and the wire on which it is shown."""

    stock: Stock
    shown: Shown
    nodes: Nodes
    bridge: Bridge

    @contextmanager
    def cell(self, folder: Path, now: str, then: str) -> Iterator[tuple[RestoreSite, str]]:
        """Yield a copy of the world in which the VM has become what ``now`` says, and the VM's id."""
        shutil.copytree(self.stock.folder, folder, dirs_exist_ok=True)
        cluster = SimulatedCluster.open(folder / "cluster")
        cluster.pace = 0
        recognise(cluster)
        self.shown.current = cluster
        vm_id = cluster.find_vm(THEN[then])
        NOW[now](cluster, vm_id)
        events: list[Event] = []
        with Catalog.open(folder / "state" / "catalog.sqlite") as catalog:
            context = direct.context(cluster, catalog, folder / "state", events=events, clock=MovingClock())
            policy = replace(policy_of(context.policy, self.stock.borg), remoting=settings_for(self.nodes))
            context = replace(context, policy=policy, bridge=self.bridge)
            yield RestoreSite(cluster=cluster, context=context, then=self.stock.then, events=events), vm_id
        cluster.check()


@contextmanager
def open_matrix(folder: Path) -> Iterator[MatrixStock]:
    """Make the world, back it up with the real borg, and serve it."""
    stock = make_stock(folder, fill=fill)
    shown = Shown(SimulatedCluster.open(stock.folder / "cluster"))
    with serve(shown, folder=folder / "wire") as nodes:
        bridge = Bridge(settings_for(nodes), domain=shown.domain, secret=lambda _: nodes.password)
        yield MatrixStock(stock=stock, shown=shown, nodes=nodes, bridge=bridge)


class UnpackedArchives:
    """A repository's archives, each extracted once by the real borg and copied from there: borg's own start costs the most."""

    def __init__(self, stock: Stock, folder: Path) -> None:
        self._borg, self._folder = stock.borg.borg, folder
        self._listed = self._borg.list_archives()
        for archive in self._listed:
            (folder / archive.name).mkdir(parents=True)
            self._borg.extract(archive.name, (), folder / archive.name)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let `Borg` look and extract here."""
        patch.setattr(Borg, "check_repository", lambda _borg: None)
        patch.setattr(Borg, "list_archives", self._list)
        patch.setattr(Borg, "extract", self._extract)

    def _list(self, glob: str = "*") -> tuple[ListedArchive, ...]:
        return tuple(one for one in self._listed if glob in {"*", one.name})

    def _extract(self, archive: str, paths: tuple[str, ...], destination: Path, *, heed: Heed | None = None) -> None:
        del heed
        for path in paths:
            target = destination / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((self._folder / archive / path).read_bytes())


def off(cluster: SimulatedCluster, vm_id: str) -> bool:
    """Return whether nothing of a VM runs."""
    return all(machine.state in machines.OFF_STATES for machine in cluster.registrations(vm_id))
