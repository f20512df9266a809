"""The commands about change tracking: what changed on a frozen disk, and tracking files that fit their disks no longer."""

import ntpath

from borg_cluster.simulator import tracking
from borg_cluster.simulator.chains import exists, find_chain
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.definition import DiskSlot
from borg_cluster.simulator.failure import (
    FILE_CORRUPT,
    FILE_NOT_FOUND,
    disk_unreadable,
    job_failed,
    ours,
    sharing_violation,
)
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
    info = find_chain(world, path, machine.node).links[0].info
    if info is None:
        code = FILE_CORRUPT if exists(world, path, node.name) else FILE_NOT_FOUND
        raise disk_unreadable(path, code=code)
    found = _frozen(machine, path)
    changed = None if found is None else tracking.changes(world, machine, found[0], since=since, until=found[1])
    if changed is None:
        reason = f"'{path}': the change tracking identifier '{since}' is not known."
        raise job_failed("GetVirtualDiskChanges", reason, code=UNKNOWN_ID, target=path)
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


def _frozen(machine: Machine, path: str) -> tuple[DiskSlot, str | None] | None:
    """Return the VM's disk that a file belongs to, and the cut at which it was frozen (None: it is written to)."""
    for snapshot in machine.definition.snapshots():
        for slot, rct_id in zip(snapshot.disks, snapshot.rct_ids, strict=True):
            if slot.path is not None and slot.path.lower() == path.lower():
                return slot, rct_id
    live = (slot for slot in machine.definition.disks if slot.path is not None and slot.path.lower() == path.lower())
    return next(((slot, None) for slot in live), None)


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
    prefix = _prefix(world, node, restore_id, file)
    parked = f"{prefix}\\.borg-cluster\\{restore_id}\\parked\\{ntpath.relpath(file, prefix)}"
    if exists(world, parked, node.name):
        raise ours("DestinationExists", f"'{parked}' exists already.", category="ResourceExists", target=parked)
    real = world.real(parked, node.name)
    real.parent.mkdir(parents=True, exist_ok=True)
    world.real(file, node.name).rename(real)


def _prefix(world: World, node: Node, restore_id: str, file: str) -> str:
    """Return the folder above the file that has the restore's own folder, else the volume's root."""
    root = volume_root(file)
    folder = ntpath.dirname(file)
    while len(folder) > len(root):
        if exists(world, f"{folder}\\.borg-cluster\\{restore_id}", node.name):
            return folder
        folder = ntpath.dirname(folder)
    return root
