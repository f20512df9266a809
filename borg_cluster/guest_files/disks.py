"""The disks of an archived VM, opened for reading at any place, and what lies on them. Nothing is extracted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from borg_cluster.borg_reader import ArchiveReader
from borg_cluster.context import Context
from borg_cluster.core.archived_disk import ArchivedDisk, archived_disks
from borg_cluster.core.file_system import READABLE, UNREADABLE, FileSystem, Found, recognise
from borg_cluster.core.partition import Partition, PartitionsDamaged, partitions
from borg_cluster.core.vhdx import VHDXDamaged
from borg_cluster.core.vhdx_map import open_map
from borg_cluster.core.vhdx_reader import DiskReader
from borg_cluster.errors import BorgClusterError, Refused
from borg_cluster.extract import resolve_archive
from borg_cluster.extract.stage import open_repository

Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A partition of a disk, or a whole disk without partitions (number 0), or a disk that can't be read.

    ``problem``: why its files can't be read. ``read`` gives its bytes from its beginning on.
    """

    disk: str
    windows_path: str | None
    partition: Partition | None
    found: Found | None
    problem: str | None
    read: Read | None

    @property
    def name(self) -> str:
        """Its name for people."""
        number = 0 if self.partition is None else self.partition.number
        return f"{self.disk} partition {number}" if number else self.disk

    @property
    def file_system(self) -> FileSystem:
        """What lies on it."""
        return FileSystem.UNKNOWN if self.found is None else self.found.file_system


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDisks:
    """An archive whose disks are open. ``disk_bytes``: of all its disks' files, to hold against what was fetched."""

    repository: str
    archive: str
    vm_id: str
    name: str
    volumes: tuple[Volume, ...]
    disk_bytes: int
    reader: ArchiveReader


@contextmanager
def open_disks(context: Context, vm: str, archive: str, *, disk: str | None = None) -> Iterator[OpenDisks]:
    """Open the disks of an archived VM, or the one that is named (``SCSI:0:1``); ``vm`` and ``archive`` as for ``extract``.

    Raises Refused (no such archive or disk), RepositoryRefused or BorgFailed; a disk that can't be read is a volume with its
    problem.
    """
    label, name, manifest = resolve_archive(context, vm, archive)
    there = archived_disks(manifest)
    disks = [one for one in there if disk is None or one.name.lower() == disk.lower()]
    if not disks:
        names = ", ".join(one.name for one in there) or "none"
        raise Refused(f"{name} has no disk" + ("" if disk is None else f" {disk}"), hint=f"its disks: {names}")
    paths = tuple(dict.fromkeys(path for disk in disks for path in disk.chain))
    with open_repository(context, label).open_archive(name, paths) as reader:
        yield OpenDisks(
            repository=label,
            archive=name,
            vm_id=manifest.subject,
            name=manifest.name,
            volumes=tuple(volume for disk in disks for volume in _volumes(reader, disk)),
            disk_bytes=sum(file.size for file in reader.files.values()),
            reader=reader,
        )


def _volumes(reader: ArchiveReader, disk: ArchivedDisk) -> Iterator[Volume]:
    try:
        opened = _open(reader, disk)
        found = partitions(opened.read, opened.size)
    except (VHDXDamaged, PartitionsDamaged) as error:
        yield Volume(disk=disk.name, windows_path=disk.windows_path, partition=None, found=None, problem=str(error), read=None)
        return
    for partition in found:
        yield _volume(disk, opened, partition)


def _open(reader: ArchiveReader, disk: ArchivedDisk) -> DiskReader:
    if disk.problem is not None:
        raise VHDXDamaged(disk.problem)
    for path in disk.chain:
        if path not in reader.files:
            raise VHDXDamaged(f"the archive does not hold {path}")
        if reader.files[path].mended:
            raise VHDXDamaged(f"parts of {path} were lost, and `borg check --repair` has put zeros there")
    return DiskReader([open_map(partial(reader.read, path), reader.files[path].size) for path in disk.chain])


def _volume(disk: ArchivedDisk, opened: DiskReader, partition: Partition) -> Volume:
    def read(offset: int, length: int) -> bytes:
        left = max(partition.length - offset, 0)
        try:
            return opened.read(partition.offset + offset, min(length, left))
        except VHDXDamaged as error:
            raise BorgClusterError(f"the disk {disk.name} is damaged: {error}") from error

    found = recognise(read, partition)
    problem = None if found.file_system in READABLE else UNREADABLE[found.file_system]
    return Volume(disk=disk.name, windows_path=disk.windows_path, partition=partition, found=found, problem=problem, read=read)
