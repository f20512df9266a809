"""Resilient change tracking: which ranges of each disk were written since each cut, and what makes that worth nothing.

A disk is tracked from its first recovery snapshot on. Its tracking belongs to the base file and its .rct: a restored or copied
file in its place, or an .rct that was moved away, knows nothing of what was.
"""

import hashlib
import uuid
from pathlib import Path

from borg_cluster.simulator.chains import find_chain
from borg_cluster.simulator.definition import DiskSlot
from borg_cluster.simulator.model import Machine, Mark, Range, TrackedDisk
from borg_cluster.simulator.world import World

GRANULE = 64 * 1024
"""Ranges are told in whole granules of that many bytes."""
RCT_SIZE, MRT_SIZE = 4096, 77_824


def cut(world: World, machine: Machine, slot: DiskSlot) -> str:
    """Begin a new generation of a disk, when it is frozen; returns its opaque id."""
    tracked = _find(world, machine, slot) or _begin(world, machine, slot)
    rct_id = _new_id(world)
    tracked.marks.append(Mark(rct_id=rct_id))
    return rct_id


def _new_id(world: World) -> str:
    digest = hashlib.sha256(world.new_id().encode()).hexdigest()
    if world.switches.tracking_ids == "guid":
        return f"{{{uuid.UUID(digest[:32])}}}".upper()
    return f"rctX:{digest[:8]}:{digest[8:12]}:{digest[12:16]}:{digest[16:24]}"


def keep(world: World, machine: Machine, slot: DiskSlot, rct_id: str) -> None:
    """Let changes be asked since a cut, for good: the disk gets its .rct and .mrt."""
    tracked, base = _find(world, machine, slot), _base(world, machine, slot)
    if tracked is None or base is None:
        return
    rct, mrt = (base.with_name(f"{base.name}{end}") for end in (".rct", ".mrt"))
    if not rct.exists():
        at = next((number for number, mark in enumerate(tracked.marks) if mark.rct_id == rct_id), 0)
        del tracked.marks[:at]  # what the old file knew is lost with it
    rct.write_bytes(rct_id.encode().ljust(RCT_SIZE, b"\0"))
    mrt.write_bytes(bytes(MRT_SIZE))


def drop(world: World, machine: Machine, rct_id: str) -> None:
    """Forget a cut: what was written since then counts for the one before it."""
    for tracked in _of(world, machine.id):
        for number, mark in enumerate(tracked.marks):
            if mark.rct_id == rct_id:
                if number:
                    earlier = tracked.marks[number - 1]
                    earlier.ranges = _joined([*earlier.ranges, *mark.ranges])
                del tracked.marks[number]
                break


def note_write(world: World, machine: Machine, slot: DiskSlot, offset: int, length: int) -> None:
    """Note what the guest wrote."""
    tracked = _find(world, machine, slot)
    if tracked is not None and tracked.marks and length:
        first, end = offset // GRANULE * GRANULE, -(-(offset + length) // GRANULE) * GRANULE
        mark = tracked.marks[-1]
        mark.ranges = _joined([*mark.ranges, Range(offset=first, length=end - first)])


def changes(world: World, machine: Machine, slot: DiskSlot, *, since: str, until: str | None) -> list[Range] | None:
    """Return what was written from one cut to another (None: till now), in order; None when the first one isn't known."""
    tracked, base = _find(world, machine, slot), _base(world, machine, slot)
    if tracked is None or base is None or not base.with_name(f"{base.name}.rct").exists():
        return None
    ids = [mark.rct_id for mark in tracked.marks]
    if since not in ids or (until is not None and until not in ids):
        return None
    end = len(ids) if until is None else ids.index(until)
    if end < ids.index(since):
        return None
    return _joined([one for mark in tracked.marks[ids.index(since) : end] for one in mark.ranges])


def lose(world: World, machine: Machine, slot: DiskSlot) -> None:
    """Forget all about a disk."""
    world.state.tracking[:] = [one for one in world.state.tracking if (one.vm_id, one.position) != (machine.id, slot.position)]


def forget(world: World, vm_id: str) -> None:
    """Forget all about a VM that is gone."""
    world.state.tracking[:] = [one for one in world.state.tracking if one.vm_id != vm_id]


def move_storage(world: World, machine: Machine) -> None:
    """Follow the VM's disks to where its storage has moved, or lose their tracking: a doubt."""
    if not world.switches.tracking_survives_move_storage:
        forget(world, machine.id)
        return
    slots = {slot.position: slot for slot in machine.definition.disks}
    for tracked in _of(world, machine.id):
        base = _base(world, machine, slots[tracked.position]) if tracked.position in slots else None
        if base is not None:
            tracked.key, tracked.inode = str(base.relative_to(world.folder)), base.stat().st_ino


def _of(world: World, vm_id: str) -> list[TrackedDisk]:
    return [one for one in world.state.tracking if one.vm_id == vm_id]


def _find(world: World, machine: Machine, slot: DiskSlot) -> TrackedDisk | None:
    base = _base(world, machine, slot)
    found = next((one for one in _of(world, machine.id) if one.position == slot.position), None)
    if base is None or found is None:
        return None
    same = (found.key, found.inode) == (str(base.relative_to(world.folder)), base.stat().st_ino)
    return found if same else None


def _begin(world: World, machine: Machine, slot: DiskSlot) -> TrackedDisk:
    lose(world, machine, slot)
    base = _base(world, machine, slot)
    tracked = TrackedDisk(
        vm_id=machine.id,
        controller_type=slot.controller_type,
        controller_number=slot.controller_number,
        controller_location=slot.controller_location,
        key="" if base is None else str(base.relative_to(world.folder)),
        inode=0 if base is None else base.stat().st_ino,
    )
    world.state.tracking.append(tracked)
    return tracked


def _base(world: World, machine: Machine, slot: DiskSlot) -> Path | None:
    chain = None if slot.path is None else find_chain(world, slot.path, machine.node)
    return None if chain is None or chain.error is not None else chain.links[-1].real


def _joined(ranges: list[Range]) -> list[Range]:
    """Return the ranges in order, those that touch as one."""
    joined: list[Range] = []
    for one in sorted(ranges, key=lambda one: one.offset):
        if joined and one.offset <= joined[-1].offset + joined[-1].length:
            end = max(joined[-1].offset + joined[-1].length, one.offset + one.length)
            joined[-1] = Range(offset=joined[-1].offset, length=end - joined[-1].offset)
        else:
            joined.append(Range(offset=one.offset, length=one.length))
    return joined
