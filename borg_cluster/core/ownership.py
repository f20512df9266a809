"""Which files belong to a VM: what Hyper-V reports and what the VSS writer lists, together."""

import ntpath
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from borg_cluster.core.inventory import FileKind, OwnedFile, path_key
from borg_cluster.core.report import VM, Disk, VMFile, WriterFile

HYPERV = "hyperv"
VSS = "vss"

_BY_EXTENSION = {
    ".vhd": FileKind.DISK,
    ".vhdx": FileKind.DISK,
    ".vhds": FileKind.DISK,
    ".avhd": FileKind.DISK,
    ".avhdx": FileKind.DISK,
    ".vmcx": FileKind.CONFIGURATION,
    ".xml": FileKind.CONFIGURATION,
    ".vmgs": FileKind.GUEST_STATE,
    ".vmrs": FileKind.RUNTIME_STATE,
    ".bin": FileKind.RUNTIME_STATE,
    ".vsv": FileKind.RUNTIME_STATE,
    ".rct": FileKind.CHANGE_TRACKING,
    ".mrt": FileKind.CHANGE_TRACKING,
    ".slp": FileKind.SMART_PAGING,
    ".iso": FileKind.ISO,
}
_IN_CHECKPOINT = {
    FileKind.CONFIGURATION: FileKind.CHECKPOINT_CONFIGURATION,
    FileKind.RUNTIME_STATE: FileKind.CHECKPOINT_STATE,
}
_KINDS = {kind.value: kind for kind in FileKind}


def owned_files(vm: VM | None, listed: tuple[WriterFile, ...]) -> tuple[OwnedFile, ...]:
    """Return a VM's files in order of their key: the union of what Hyper-V (``vm``) and the VSS writer (``listed``) name.

    Where both name a file, Hyper-V's facts count. A file that one disk writes to and another reads counts as written.
    """
    owned: dict[str, OwnedFile] = {}
    for file in _reported(vm) if vm else ():
        key = path_key(file.path)
        if key not in owned or (owned[key].read_only and not file.read_only):
            owned[key] = file
    for item in listed:
        for key in _named(item, owned):
            owned[key] = replace(owned[key], sources=owned[key].sources | {VSS})
    return tuple(owned[key] for key in sorted(owned))


def _named(item: WriterFile, owned: dict[str, OwnedFile]) -> tuple[str, ...]:
    """Return the keys of the files that the writer means, adding the one that Hyper-V did not name.

    A filespec with wildcards means what is known in that folder; it can't be looked into from here.
    """
    if "*" in item.filespec or "?" in item.filespec:
        folder, pattern = path_key(item.path), item.filespec.lower().replace("[", "[[]")
        return tuple(key for key in owned if ntpath.dirname(key) == folder and fnmatchcase(ntpath.basename(key), pattern))
    path = ntpath.join(item.path, item.filespec)
    if not path:
        return ()
    key = path_key(path)
    if key not in owned:
        owned[key] = _from_writer(path)
    return (key,)


def _reported(vm: VM) -> Iterator[OwnedFile]:
    for disk in vm.disks:
        yield from _of_disk(disk)
    for file in vm.files:
        if file.path:
            yield _of_file(file)


def _of_disk(disk: Disk) -> Iterator[OwnedFile]:
    """Yield a disk's chain; what only a path tells of (a leaf without a chain, a parent that was not reached) comes bare."""
    if disk.disk_number is not None:
        return
    for depth, file in enumerate(disk.chain):
        if file.path:
            yield OwnedFile(
                path=file.path,
                kind=FileKind.DISK if depth == 0 else FileKind.PARENT_DISK,
                size=file.file_size,
                modified=file.modified,
                exists=file.exists,
                read_only=depth > 0,
                identifier=file.identifier,
                sources=frozenset({HYPERV}),
            )
    if disk.path and (not disk.chain or path_key(disk.path) != path_key(disk.chain[0].path)):
        yield _bare(disk.path, FileKind.DISK, HYPERV)
    if disk.chain and disk.chain[-1].parent_path:
        yield _bare(disk.chain[-1].parent_path, FileKind.PARENT_DISK, HYPERV)


def _of_file(file: VMFile) -> OwnedFile:
    kind = _KINDS.get(file.kind, FileKind.OTHER)
    return OwnedFile(
        path=file.path,
        kind=kind,
        size=file.size,
        modified=file.modified,
        exists=file.exists,
        read_only=kind is FileKind.ISO,
        identifier=None,
        sources=frozenset({HYPERV}),
    )


def _from_writer(path: str) -> OwnedFile:
    kind = _BY_EXTENSION.get(ntpath.splitext(path)[1].lower(), FileKind.OTHER)
    if ntpath.basename(ntpath.dirname(path)).lower() == "snapshots":
        kind = _IN_CHECKPOINT.get(kind, kind)
    return _bare(path, kind, VSS)


def _bare(path: str, kind: FileKind, source: str) -> OwnedFile:
    return OwnedFile(
        path=path,
        kind=kind,
        size=None,
        modified=None,
        exists=None,
        read_only=kind in {FileKind.PARENT_DISK, FileKind.ISO},
        identifier=None,
        sources=frozenset({source}),
    )
