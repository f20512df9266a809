"""Proving staged files: exact lengths, whole VHDX structures, chains whose links agree. Only reads."""

import ntpath
import os
from collections.abc import Iterator
from pathlib import Path

from borg_cluster.core import vhdx
from borg_cluster.core.inventory import path_key
from borg_cluster.core.policy import Mount, locate
from borg_cluster.core.step import StagedFile

_VHDX = (".vhdx", ".avhdx")
_VHD = (".vhd", ".avhd")
_FOOTER = 512


def faults(files: tuple[StagedFile, ...], mounts: tuple[Mount, ...], *, node: str) -> Iterator[str]:
    """Yield what is wrong with the staged files, for people; nothing if they may take the VM's place."""
    disks: dict[str, vhdx.VHDX] = {}
    for file in files:
        try:
            disk = _proven(file)
        except vhdx.VHDXDamaged as error:
            yield f"{file.archive_path}: {error}"
            continue
        if disk is not None:
            disks[path_key(file.final)] = disk
    for file in files:
        child = disks.get(path_key(file.final))
        if child is not None and child.parent is not None:
            yield from _link_faults(file, child, disks, mounts, node)


def _proven(file: StagedFile) -> vhdx.VHDX | None:
    """Return what a VHDX says of itself, None for another file. Raises VHDXDamaged for anything wrong with the file."""
    path = Path(file.local_path)
    if not path.is_file():
        raise vhdx.VHDXDamaged("it was not staged")
    length = path.stat().st_size
    if file.size is not None and length != file.size:
        raise vhdx.VHDXDamaged(f"it has {length} bytes, its manifest says {file.size}")
    if file.final.lower().endswith(_VHD) and not _has_footer(path, length):
        raise vhdx.VHDXDamaged("it does not end with a VHD footer")
    if not file.final.lower().endswith(_VHDX):
        return None
    disk = _inspect(path)
    if file.identifier is not None and disk.disk_id.hex != file.identifier.strip("{}").replace("-", "").lower():
        raise vhdx.VHDXDamaged(f"it is the disk {disk.disk_id}, its manifest says {file.identifier}")
    return disk


def _link_faults(
    file: StagedFile, child: vhdx.VHDX, disks: dict[str, vhdx.VHDX], mounts: tuple[Mount, ...], node: str
) -> Iterator[str]:
    """Yield why a differencing disk's parent is not the one that it was made from."""
    paths = _parent_paths(file, child)
    parent = next((disks[path_key(path)] for path in paths if path_key(path) in disks), None)
    if parent is None:
        parent = next((disk for path in paths if (disk := _kept(path, mounts, node)) is not None), None)
    if parent is None:
        yield f"{file.archive_path} needs its parent {paths[0] if paths else ''}, which is neither in the archive nor there"
    elif not vhdx.links(child, parent):
        yield f"{file.archive_path} holds differences to another state of its parent {paths[0]}"


def _parent_paths(file: StagedFile, child: vhdx.VHDX) -> tuple[str, ...]:
    folder = ntpath.dirname(file.final)
    found = child.parent.paths if child.parent is not None else ()
    return tuple(ntpath.normpath(path if ntpath.isabs(path) else ntpath.join(folder, path)) for path in found)


def _kept(path: str, mounts: tuple[Mount, ...], node: str) -> vhdx.VHDX | None:
    """Return a parent that stays where it is, read through its mount."""
    located = locate(path, mounts, node=node)
    if located is None or not Path(located.local_path).is_file():
        return None
    try:
        return _inspect(Path(located.local_path))
    except vhdx.VHDXDamaged:
        return None  # told as 'neither in the archive nor there'


def _inspect(path: Path) -> vhdx.VHDX:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return vhdx.inspect(lambda offset, length: os.pread(handle, length, offset), path.stat().st_size)
    finally:
        os.close(handle)


def _has_footer(path: Path, length: int) -> bool:
    with path.open("rb") as file:
        file.seek(max(length - _FOOTER, 0))
        return file.read(8) == b"conectix"
