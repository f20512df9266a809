"""Room on a volume: what a guest, a new leaf and a merge take of it, and what becomes of a VM that finds none.

Only a volume that was made small is measured: the others have room for all that a test writes.
"""

import ntpath
from collections.abc import Iterable
from pathlib import Path

from borg_cluster.simulator.failure import INVALID_STATE, CommandError, job_failed, method_failed
from borg_cluster.simulator.model import BOUNDLESS, Machine, Volume
from borg_cluster.simulator.places import files_below
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.simulator.world import World

DISK_FULL = "0x80070070"
_FULL = "There is not enough space on the disk."
_NEW_LEAF = 4 * MIB
"""What a differencing disk takes at least: headers, region tables, log, metadata and block allocation table."""
PAUSED_CRITICAL = "PausedCritical"


def used(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(map(_size, files_below(folder)))


def _size(path: Path) -> int:
    """Return a file's size; none if it was removed since it was found."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def free(world: World, path: str) -> int:
    """Return the bytes that are left on the Cluster Shared Volume that holds Windows' ``path``, BOUNDLESS if nobody counts."""
    volume = next((one for one in world.state.volumes if path.lower().startswith(one.path.lower() + "\\")), None)
    return BOUNDLESS if volume is None or volume.size == BOUNDLESS else max(0, volume.size - _used(world, volume))


def fill(world: World, volume: str, *, left: int) -> None:
    """Let others take all the room of a volume, given by its folder's name, but ``left`` bytes."""
    found = _volume(world, volume)
    found.size = _used(world, found) + left


def clear(world: World, volume: str) -> None:
    """Give a volume all the room again."""
    _volume(world, volume).size = BOUNDLESS


def _volume(world: World, folder: str) -> Volume:
    return next(one for one in world.state.volumes if one.folder.lower() == folder.lower())


def _used(world: World, volume: Volume) -> int:
    return used(world.folder / "volumes" / volume.folder)


def pause(world: World, machine: Machine) -> None:
    """Let Windows pause a VM whose disk can't grow: it stays so until somebody makes room and resumes it."""
    machine.state = PAUSED_CRITICAL
    world.note("change", "volume full", vm_id=machine.id, error=_FULL)


def resume(machine: Machine) -> None:
    """Resume a VM; raises CommandError for one that isn't paused."""
    if machine.state not in {"Paused", PAUSED_CRITICAL}:
        raise method_failed("RequestStateChange", INVALID_STATE, target=machine.id)
    machine.state = "Running"


def refuse_snapshot_without_room(world: World, machine: Machine) -> None:
    """Raise CommandError where the new leaves of a VM's disks would find no room beside the old ones."""
    needed: dict[str, int] = {}
    for path in machine.definition.disk_paths():
        folder = ntpath.dirname(path)
        needed[folder] = needed.get(folder, 0) + _NEW_LEAF
    if any(size > free(world, f"{folder}\\") for folder, size in needed.items()):
        raise no_room("CreateSnapshot", machine)


def has_room(world: World, needed: Iterable[tuple[str, int]]) -> bool:
    """Return whether each file (Windows' path) may grow by so many bytes."""
    return all(size <= free(world, path) for path, size in needed if size)


def no_room(method: str, machine: Machine) -> CommandError:
    """Return the error of a job that found no room."""
    return job_failed(method, _FULL, code=DISK_FULL, target=machine.id)
