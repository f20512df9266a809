"""What every VM is owed, whatever is done to it: that it, old or new, can be started.

It can as long as a configuration of it can be read (registered, registrable where it ever lay, or set aside with a restore's
mark) whose disks' chains are whole: each file in its place, or set aside with a restore's mark.
"""

import itertools
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from borg_cluster.simulator.definition import Definition, DefinitionDamaged, read_definition
from borg_cluster.simulator.failure import CommandError
from borg_cluster.simulator.model import Owed
from borg_cluster.simulator.places import volume_root
from borg_cluster.simulator.vhdx import DiskDamaged, DiskInfo, read_info
from borg_cluster.simulator.world import World

OWN_FOLDER = ".borg-cluster"
_ASIDE = ("parked", "saved")
"""Rooms of a restore's folder that hold what was there before."""
_LONGEST_CHAIN = 64


def unstartable(world: World) -> list[str]:
    """Return a text for each VM that is owed and could not be started now, neither the old nor a new one."""
    _follow(world)
    found = []
    for owed in world.state.owed:
        why = _why_not(world, owed)
        if why is not None:
            found.append(f"neither the old nor a new {owed.vm_id} can be started: {why}")
    return found


def owe(world: World, vm_id: str, path: str, node: str) -> None:
    """From now on this VM must always be startable."""
    world.state.owed = [one for one in world.state.owed if one.vm_id != vm_id]
    world.state.owed.append(Owed(vm_id=vm_id, node=node, paths=[path]))


def disown(world: World, vm_id: str) -> None:
    """The VM was lost on purpose."""
    world.state.owed = [one for one in world.state.owed if one.vm_id != vm_id]


def _follow(world: World) -> None:
    """Note where each VM is now, for when nobody has it registered any more."""
    where = {machine.id: machine for machine in world.state.machines}
    for owed in world.state.owed:
        machine = where.get(owed.vm_id)
        if machine is not None:
            owed.node = machine.node
            if machine.configuration_path not in owed.paths:
                owed.paths.append(machine.configuration_path)


def _why_not(world: World, owed: Owed) -> str | None:
    """Return why no configuration of the VM leads to whole disks, or None."""
    why = "no configuration of it can be read"
    for real in _configurations(world, owed):
        definition = _definition(real)
        if definition is None:
            continue
        broken = next((path for path in definition.disk_paths() if not _is_whole(world, path, owed.node)), None)
        if broken is None:
            return None
        why = f"the chain of {broken} is whole neither in its place nor set aside"
    return why


def _configurations(world: World, owed: Owed) -> Iterator[Path]:
    """Yield the files that may hold its configuration: where it is or was, then what is set aside."""
    for path in dict.fromkeys([*reversed(owed.paths), *_of_role(world, owed.vm_id)]):
        yield from _places(world, path, owed.node)
    name = f"{owed.vm_id.upper()}.vmcx"
    for folder in _own_folders(world):
        for room in _ASIDE:
            yield from folder.glob(f"*/{room}/**/{name}")


def _of_role(world: World, vm_id: str) -> Iterator[str]:
    resource = world.configuration_resource(vm_id)
    if resource is not None and resource.vm_store_root_path is not None:
        yield f"{resource.vm_store_root_path}\\Virtual Machines\\{vm_id.upper()}.vmcx"


def _own_folders(world: World) -> Iterator[Path]:
    patterns = ("volumes/*", "disks/*", "local/*/*", "shares/*/*")
    yield from itertools.chain.from_iterable(world.folder.glob(f"{pattern}/{OWN_FOLDER}") for pattern in patterns)


def _places(world: World, path: str, node: str) -> Iterator[Path]:
    """Yield where a file may lie: in its place, or set aside by a restore on the same volume."""
    try:
        real, root = world.real(path, node), world.real(volume_root(path), node)
    except CommandError:
        return  # its volume is away: nothing can be said, see _is_whole
    yield real
    own = root / OWN_FOLDER
    if own.is_dir():
        inside = real.relative_to(root)
        yield from (one for room in _ASIDE for one in own.glob(f"*/{room}") for one in _below(one, inside))


def _below(room: Path, inside: Path) -> Iterator[Path]:
    """Yield the file in a room that was set aside from ``inside`` its volume; mounts have folders of their own there."""
    direct = room / inside
    if direct.exists():
        yield direct
    elif room.is_dir():
        yield from (one / inside for one in room.iterdir() if (one / inside).exists())


def _is_whole(world: World, path: str, node: str) -> bool:
    try:
        world.real(path, node)
    except CommandError:
        return True  # its volume is away, which no restore does
    return any(_goes_on(world, path, real, node, depth=0) for real in _places(world, path, node))


def _goes_on(world: World, path: str, real: Path, node: str, *, depth: int) -> bool:
    """Whether a chain is whole from this file on, whose place is ``path``, wherever it lies now."""
    info = _info(real)
    if info is None or depth > _LONGEST_CHAIN:
        return False
    if info.parent is None:
        return True
    beside = "\\".join((path.rsplit("\\", 1)[0], info.parent.relative_path.removeprefix(".\\")))
    for parent in dict.fromkeys([beside, info.parent.absolute_path]):
        for there in _places(world, parent, node):
            below = _info(there)
            if below is not None and below.data_write == info.parent.linkage:
                return _goes_on(world, parent, there, node, depth=depth + 1)
    return False


def _info(real: Path) -> DiskInfo | None:
    try:
        status = real.stat()
        return _read_info(real, (status.st_ino, status.st_mtime_ns, status.st_size))
    except OSError:
        return None


def _definition(real: Path) -> Definition | None:
    try:
        status = real.stat()
        return _read_definition(real, (status.st_ino, status.st_mtime_ns, status.st_size))
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _read_info(real: Path, _as_it_is: tuple[int, int, int]) -> DiskInfo | None:
    try:
        return read_info(real)
    except DiskDamaged:
        return None


@lru_cache(maxsize=4096)
def _read_definition(real: Path, _as_it_is: tuple[int, int, int]) -> Definition | None:
    try:
        return read_definition(real)
    except (DefinitionDamaged, TypeError, KeyError, ValueError):
        return None
