"""The commands about change tracking: what changed on a frozen disk, and tracking files that fit their disks no longer."""

import ntpath

from borg_cluster.simulator import tracking
from borg_cluster.simulator.chains import exists, find_chain
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.definition import DiskSlot
from borg_cluster.simulator.failure import FILE_NOT_FOUND, ours, path_not_found, sharing_violation
from borg_cluster.simulator.machines import in_use
from borg_cluster.simulator.model import Machine, Node, Range
from borg_cluster.simulator.places import normalised, volume_root
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.snapshot_commands import machine_here
from borg_cluster.simulator.vm_answers import file_result
from borg_cluster.simulator.world import World

UNKNOWN_ID = "0xC03A0022"
_TRACKING = (".rct", ".mrt")


def get_disk_change(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterDiskChange: asks on from where the last call stopped, until the whole disk was looked at."""
    machine = machine_here(world, node, arguments.text("VMId"))
    path, since = normalised(arguments.text("Path")), arguments.text("Since")
    slot, until = _frozen(world, machine, path)
    info = find_chain(world, str(slot.path), machine.node).links[0].info
    if info is None:
        raise path_not_found(path)
    changed = tracking.changes(world, machine, slot, since=since, until=until)
    if changed is None:
        message = f"'{path}': the change tracking identifier '{since}' is not known."
        raise ours("ChangesUnknown", message, category="ObjectNotFound", code=UNKNOWN_ID, target=path)
    ranges: list[Range] = []
    offset = 0
    while offset < info.size:
        processed = min(world.switches.change_bytes_per_call, info.size - offset)
        if processed <= 0:
            message = f"'{path}': Windows looked at nothing from byte {offset} on."
            raise ours("NoProgress", message, category="InvalidResult", target=path)
        ranges += _inside(changed, offset, offset + processed)
        offset += processed
    return {
        "schema": SCHEMA,
        "node": node.name,
        "vm_id": machine.id,
        "path": path,
        "since": since,
        "virtual_size": info.size,
        "ranges": [{"offset": one.offset, "length": one.length} for one in ranges],
    }


def _frozen(world: World, machine: Machine, path: str) -> tuple[DiskSlot, str | None]:
    """Return the disk that a file belongs to, and the cut at which it was frozen (None: it is written to); or raise."""
    for snapshot in machine.definition.snapshots():
        for slot, rct_id in zip(snapshot.disks, snapshot.rct_ids, strict=True):
            if slot.path is not None and slot.path.lower() == path.lower():
                return slot, rct_id
    for slot in machine.definition.disks:
        if slot.path is not None and slot.path.lower() == path.lower():
            return slot, None
    if not exists(world, path, machine.node):
        message = f"'{path}' does not exist."
        raise ours("PathMissing", message, category="ObjectNotFound", code=FILE_NOT_FOUND, target=path)
    message = f"'{path}' is no disk of the virtual machine {machine.id}."
    raise ours("PathNotAllowed", message, category="InvalidArgument", code="32773", target=path)


def _inside(ranges: list[Range], first: int, end: int) -> list[Range]:
    cut = [(max(one.offset, first), min(one.offset + one.length, end)) for one in ranges]
    return [Range(offset=start, length=stop - start) for start, stop in cut if start < stop]


def clear_tracking(world: World, node: Node, arguments: Arguments) -> Json:
    """Clear-BorgClusterChangeTracking: what lies beside the disks is moved below the restore's folder; absent is fine."""
    restore_id = arguments.text("RestoreId")
    paths = [normalised(path) for path in arguments.texts("Path")]
    files = [f"{path}{end}" for path in paths for end in _TRACKING]
    for path in paths:
        if in_use(world, path, node.name) is not None:
            raise sharing_violation(path)
    for file in files:
        if exists(world, file, node.name):
            _park(world, node, restore_id, file)
    return file_result(world, node.name, restore_id, files)


def _park(world: World, node: Node, restore_id: str, file: str) -> None:
    root = volume_root(file)
    parked = f"{root}\\.borg-cluster\\{restore_id}\\parked\\{ntpath.relpath(file, root)}"
    target, number = parked, 2
    while exists(world, target, node.name):  # an earlier one: nothing is ever overwritten
        target, number = f"{parked}.{number}", number + 1
    real = world.real(target, node.name)
    real.parent.mkdir(parents=True, exist_ok=True)
    world.real(file, node.name).rename(real)
