"""The commands that copy, rename and remove files: never over anything, never outside a restore's own folder on both sides."""

import re
import shutil
from pathlib import Path

from borg_cluster.simulator.chains import exists
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.failure import CommandError, ours, sharing_violation
from borg_cluster.simulator.machines import in_use, users_below
from borg_cluster.simulator.model import Node
from borg_cluster.simulator.places import normalised
from borg_cluster.simulator.reports import Json
from borg_cluster.simulator.vm_answers import file_result
from borg_cluster.simulator.world import World


def _is_of_restore(path: str, restore_id: str, below: str = r"\\.+") -> bool:
    return re.fullmatch(rf".+\\\.borg-cluster\\{re.escape(restore_id)}{below}", path, re.IGNORECASE | re.DOTALL) is not None


def _refused(path: str, restore_id: str) -> CommandError:
    message = f"'{path}' does not lie in the folder of the restore {restore_id}."
    return ours("PathNotAllowed", message, category="PermissionDenied", target=path)


def move_files(world: World, node: Node, arguments: Arguments) -> Json:
    """Move-BorgClusterFile: a rename per pair, in order; pairs before one that fails stay renamed."""
    pairs = _pairs(arguments)
    restore_id = arguments.text("RestoreId")
    for source, destination in pairs:
        if not (_is_of_restore(source, restore_id) or _is_of_restore(destination, restore_id)):
            raise _refused(source, restore_id)
    for source, destination in pairs:
        _move(world, node.name, source, destination)
    paths = [source for source, _ in pairs] + [destination for _, destination in pairs]
    return file_result(world, node.name, restore_id, paths)


def _pairs(arguments: Arguments) -> list[tuple[str, str]]:
    sources, destinations = arguments.texts("Source"), arguments.texts("Destination")
    if len(sources) != len(destinations):
        message = f"{len(sources)} sources, but {len(destinations)} destinations."
        raise ours("UnequalPairs", message, category="InvalidArgument", target=str(len(sources)))
    return [(normalised(source), normalised(destination)) for source, destination in zip(sources, destinations, strict=True)]


def _move(world: World, node: str, source: str, destination: str) -> None:
    there, here = exists(world, destination, node), exists(world, source, node)
    if not here and there:
        return  # it was renamed before
    if not here:
        raise ours("SourceMissing", f"'{source}' does not exist.", category="ObjectNotFound", target=source)
    if there:
        raise ours("DestinationExists", f"'{destination}' exists already.", category="ResourceExists", target=destination)
    if world.places.root(source, node)[0] != world.places.root(destination, node)[0]:
        raise ours("DifferentVolume", f"'{destination}' is on another volume.", category="InvalidArgument", target=destination)
    _refuse_if_open(world, node, source)
    real = world.real(source, node)
    target = world.real(destination, node)
    target.parent.mkdir(parents=True, exist_ok=True)
    real.rename(target)
    _carry_grants(world, real, target)


def _refuse_if_open(world: World, node: str, path: str) -> None:
    real = world.real(path, node)
    if (real.is_dir() and users_below(world, real)) or (not real.is_dir() and in_use(world, path, node)):
        raise sharing_violation(path)


def _carry_grants(world: World, old: Path, new: Path) -> None:
    """A rename keeps a file's access list."""
    before, after = (str(path.relative_to(world.folder)) for path in (old, new))
    for key in list(world.state.access):
        if key == before or key.startswith(f"{before}/"):
            world.state.access[after + key.removeprefix(before)] = world.state.access.pop(key)


def copy_configuration(world: World, node: Node, arguments: Arguments) -> Json:
    """Copy-BorgClusterConfiguration: into the restore's folder; what was copied before is left as it is."""
    pairs = _pairs(arguments)
    restore_id = arguments.text("RestoreId")
    for _, destination in pairs:
        if not _is_of_restore(destination, restore_id):
            raise _refused(destination, restore_id)
    for source, destination in pairs:
        if not exists(world, destination, node.name):
            _copy(world, node.name, source, destination)
    return file_result(world, node.name, restore_id, [destination for _, destination in pairs])


def _copy(world: World, node: str, source: str, destination: str) -> None:
    if not exists(world, source, node):
        message = f"Neither '{source}' nor a copy of it exists."
        raise ours("SourceMissing", message, category="ObjectNotFound", target=source)
    real, target = world.real(source, node), world.real(destination, node)
    target.parent.mkdir(parents=True, exist_ok=True)
    if real.is_dir():
        shutil.copytree(real, target)
        return
    holder = in_use(world, source, node)
    if holder is not None and (holder.held[world.places.key(source, node)].running or not world.switches.configuration_readable):
        raise sharing_violation(source)
    shutil.copy2(real, target)


def remove_restore_folder(world: World, node: Node, arguments: Arguments) -> Json:
    """Remove-BorgClusterRestoreFolder; a folder that isn't there is fine."""
    restore_id = arguments.text("RestoreId")
    folders = [normalised(folder) for folder in arguments.texts("Folder")]
    for folder in folders:
        if not _is_of_restore(folder, restore_id, r"(\\.+)?"):
            raise _refused(folder, restore_id)
    for folder in folders:
        if exists(world, folder, node.name):
            _remove(world, node.name, folder)
    return file_result(world, node.name, restore_id, folders)


def _remove(world: World, node: str, folder: str) -> None:
    _refuse_if_open(world, node, folder)
    real = world.real(folder, node)
    prefix = str(real.relative_to(world.folder))
    if real.is_dir():
        shutil.rmtree(real)
    else:
        real.unlink()
    for key in list(world.state.access):
        if key == prefix or key.startswith(f"{prefix}/"):
            del world.state.access[key]
