"""The worlds that are hit: a virtual machine, its archive, and what its guest has written since."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from borg_cluster.catalog import Catalog
from borg_cluster.core.event import Event
from borg_cluster.core.policy import Policy
from borg_cluster.core.restore_request import Part, RestoreRequest
from borg_cluster.simulator.making import DiskSpec
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests import direct
from tests.e2e.borg_site import make_site
from tests.e2e.restore_site import BEFORE, SINCE, WEB, back_up, distinguish, policy_of

NODES = ("node1", "node2")
"""Two, so that each look asks no more of them than it must."""
DISK = DiskSpec(size=MIB, content=MIB // 4)
OTHER = DiskSpec(size=MIB, content=MIB // 4, volume="Volume2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A world, ready to be restored. ``begin``: when the product's clock starts; ``without``: blows that mean nothing to it."""

    name: str
    vm_id: str
    policy: Policy
    begin: datetime
    request: RestoreRequest
    without: frozenset[str]


def make_world(folder: Path, name: str) -> Scenario:
    """Make a world below ``folder``/now, back it up, and let the guest write on."""
    now = folder / "now"
    cluster = SimulatedCluster.create(now / "cluster", nodes=NODES)
    cluster.switches.reregister_after = 16  # a node takes its time to list a VM again that lost its role
    vm_id = _SCENARIOS[name](cluster)
    bystander = cluster.add_vm("bystander", node="node1", volume="Volume2", disks=(DISK,))
    cluster.guest_write(vm_id, data=BEFORE)
    borg = make_site(folder / "borg")
    events: list[Event] = []
    (now / "state").mkdir()
    with Catalog.open(now / "state" / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, now / "state", events=events, clock=direct.Clock())
        context = replace(context, policy=policy_of(context.policy, borg))
        back_up(context, events)
    for one in (vm_id, bystander):
        cluster.guest_write(one, data=SINCE)
    cluster.check()
    request, without = _REQUESTS.get(name, (RestoreRequest(vm=vm_id), frozenset()))
    return Scenario(
        name=name,
        vm_id=vm_id,
        policy=context.policy,
        begin=direct.BEGIN,
        request=replace(request, vm=vm_id),
        without=without,
    )


def _highly_available(cluster: SimulatedCluster) -> str:
    """A role with settings of its own, disks on two volumes."""
    vm_id = cluster.add_vm(WEB, node="node2", disks=(DISK, OTHER), home=r"C:\ClusterStorage\Volume1\web")
    cluster.edit_role(vm_id, distinguish)
    cluster.edit_role(vm_id, lambda role: setattr(role, "preferred_owners", ["node2", "node1"]))
    return vm_id


def _plain(cluster: SimulatedCluster) -> str:
    """Not highly available, with a checkpoint: what is unregistered would be merged."""
    vm_id = cluster.add_vm("NO", node="node2", disks=(DISK,), highly_available=False, change_tracking=True)
    # as Windows makes it: a node that was down starts it again
    cluster.edit(vm_id, lambda machine: setattr(machine.definition, "automatic_start_action", "StartIfRunning"))
    cluster.guest_write(vm_id, data=b"before the checkpoint")
    cluster.take_checkpoint(vm_id, "before update")
    return vm_id


def _without_room(cluster: SimulatedCluster) -> str:
    """Between the old disks' deletion and its registration there is neither an old VM nor a new one."""
    vm_id = _highly_available(cluster)
    cluster.give_up(vm_id)
    return vm_id


_SCENARIOS = {
    "available": _highly_available,
    "plain": _plain,
    "copy": _highly_available,
    "disk": _highly_available,
    "in-place": _without_room,
}
_REQUESTS = {
    # what was placed of a copy is not what is registered; it is started, so that it's listed after a failover, too
    "copy": (RestoreRequest(vm="", copy_name="a copy", start=True), frozenset({"stale"})),
    "disk": (RestoreRequest(vm="", part=Part.DISKS, disks=("SCSI:0:1",)), frozenset({"stale", "misfit"})),
    "in-place": (RestoreRequest(vm="", in_place=True), frozenset()),
}
SCENARIOS = tuple(_SCENARIOS)
WEIGHTS = {"available": 16, "plain": 4, "copy": 2, "disk": 2, "in-place": 1}
"""How much of the time each of them may take, about as it has cells."""

__all__ = ["SCENARIOS", "WEIGHTS", "Scenario", "make_world"]
