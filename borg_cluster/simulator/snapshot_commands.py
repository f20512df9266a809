"""The commands of recovery snapshots and reference points; they go to the node that has the VM."""

from borg_cluster.simulator import snapshots
from borg_cluster.simulator.chains import exists, find_chain
from borg_cluster.simulator.checkpoints import configuration_files
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.definition import CheckpointEntry, DiskSlot, ReferencePointEntry
from borg_cluster.simulator.failure import ours, vm_not_registered
from borg_cluster.simulator.model import Machine, Node
from borg_cluster.simulator.node_reports import listed
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.role_commands import need_hyper_v
from borg_cluster.simulator.world import World


def machine_here(world: World, node: Node, vm_id: str) -> Machine:
    """Return the VM as this node lists it; raises CommandError."""
    need_hyper_v(node)
    found = next((one for one in listed(world, node.name) if one.id == vm_id), None)
    if found is None:
        raise vm_not_registered(vm_id, node.name)
    return found


def get_snapshot(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterSnapshot."""
    return _snapshots(world, node, machine_here(world, node, arguments.text("VMId")))


def new_snapshot(world: World, node: Node, arguments: Arguments) -> Json:
    """New-BorgClusterSnapshot; one that the same run made before is found."""
    machine = machine_here(world, node, arguments.text("VMId"))
    run_id = arguments.text("RunId")
    made = next((one.id for one in machine.definition.snapshots() if snapshots.run_of(one) == run_id), None)
    if made is None:
        made = snapshots.take(
            world,
            machine,
            name=f"borg-cluster {run_id}",
            consistency=arguments.text("Consistency"),
            timeout=arguments.number("TimeoutSecond"),
        )
    return _snapshots(world, node, machine, made=made)


def remove_snapshot(world: World, node: Node, arguments: Arguments) -> Json:
    """Remove-BorgClusterSnapshot; one that isn't there is fine, one that isn't ours stays."""
    machine = machine_here(world, node, arguments.text("VMId"))
    snapshot = _ours(machine, arguments.text("SnapshotId"))
    if snapshot is not None:
        snapshots.remove(world, machine, snapshot)
    return _snapshots(world, node, machine)


def wait_for_merge(world: World, node: Node, arguments: Arguments) -> Json:
    """Wait-BorgClusterMerge; ``merging`` is still true when the time ran out."""
    machine = machine_here(world, node, arguments.text("VMId"))
    if machine.definition.merging():
        world.pause(arguments.number("TimeoutSecond"))
    return _snapshots(world, node, machine)


def convert_snapshot(world: World, node: Node, arguments: Arguments) -> Json:
    """ConvertTo-BorgClusterReferencePoint; the snapshot is gone afterwards."""
    machine = machine_here(world, node, arguments.text("VMId"))
    snapshot_id = arguments.text("SnapshotId")
    snapshot = _ours(machine, snapshot_id)
    if snapshot is None:
        message = f"The virtual machine {machine.id} has no recovery snapshot {snapshot_id}."
        raise ours("SnapshotMissing", message, category="ObjectNotFound", target=snapshot_id)
    return _reference_points(world, node, machine, made=snapshots.convert(world, machine, snapshot))


def get_reference_point(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterReferencePoint."""
    return _reference_points(world, node, machine_here(world, node, arguments.text("VMId")))


def remove_point(world: World, node: Node, arguments: Arguments) -> Json:
    """Remove-BorgClusterReferencePoint; one that isn't there is fine."""
    machine = machine_here(world, node, arguments.text("VMId"))
    for point in list(machine.definition.reference_points):
        if point.id == arguments.text("ReferencePointId"):
            snapshots.remove_reference_point(world, machine, point)
    return _reference_points(world, node, machine)


def _ours(machine: Machine, snapshot_id: str) -> CheckpointEntry | None:
    """Return the snapshot, None if there is none; raises CommandError for somebody else's."""
    found = next((one for one in machine.definition.snapshots() if one.id == snapshot_id), None)
    if found is not None and snapshots.run_of(found) is None:
        message = f"The snapshot '{found.name}' ({snapshot_id}) is not ours, and never touched."
        raise ours("SnapshotForeign", message, category="PermissionDenied", target=snapshot_id)
    return found


def _snapshots(world: World, node: Node, machine: Machine, made: str | None = None) -> Json:
    return {
        "schema": SCHEMA,
        "node": node.name,
        "vm_id": machine.id,
        "taken_at": world.now_text(),
        "snapshots": [_snapshot(world, machine, one) for one in machine.definition.snapshots()],
        "made": made,
        "state": machine.state,
        "merging": bool(machine.definition.merging()),
        "disk_paths": machine.definition.disk_paths(),
    }


def _snapshot(world: World, machine: Machine, snapshot: CheckpointEntry) -> Json:
    files = configuration_files(machine, snapshot)
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "run_id": snapshots.run_of(snapshot),
        "created": snapshot.created,
        "consistency": snapshot.consistency,
        "disks": [_frozen(world, machine, slot) for slot in snapshot.disks],
        "configuration_files": [path for path in files if exists(world, path, machine.node)],
    }


def _frozen(world: World, machine: Machine, slot: DiskSlot) -> Json:
    path = str(slot.path)
    return {
        "controller_type": slot.controller_type,
        "controller_number": slot.controller_number,
        "controller_location": slot.controller_location,
        "path": path,
        "chain": [link.path for link in find_chain(world, path, machine.node).links],
    }


def _reference_points(world: World, node: Node, machine: Machine, made: str | None = None) -> Json:
    return {
        "schema": SCHEMA,
        "node": node.name,
        "vm_id": machine.id,
        "reference_points": [_reference_point(world, one) for one in machine.definition.reference_points],
        "made": made,
    }


def _reference_point(world: World, point: ReferencePointEntry) -> Json:
    complete = world.switches.reference_arrays_agree
    disks = point.disks if complete else []
    return {
        "id": point.id,
        "run_id": snapshots.run_of(point),
        "created": point.created,
        "disks": [{"path": disk.path, "rct_id": disk.rct_id} for disk in disks],
        "complete": complete,
    }
