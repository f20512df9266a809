"""Verb: list and get single files out of the disks of an archived VM, of which no more is read than they need."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from borg_cluster.context import Context
from borg_cluster.core.event import Warned
from borg_cluster.core.file_system import READABLE, FileSystem
from borg_cluster.errors import BorgClusterError, Refused
from borg_cluster.guest_files.disks import OpenDisks, Volume, open_disks
from borg_cluster.guest_files.file_system import GuestVolume, NotInVolume, open_volume

__all__ = ["GuestPath", "OpenDisks", "Volume", "choose", "open_disks", "opened", "parse_path"]

_SYSTEM_DRIVE = "C"
_WINDOWS = ("Windows", "System32", "config")
"""What tells the volume that Windows calls C: from the others. Letters themselves stand in its registry only."""
_SPECIAL = frozenset({"EFI system", "Microsoft reserved", "Windows recovery"})
"""Partitions that are meant only if they are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestPath:
    """A path inside a guest: ``drive`` a letter such as C, or None."""

    text: str
    drive: str | None
    names: tuple[str, ...]


def parse_path(text: str) -> GuestPath:
    r"""Return a path as Windows (``C:\x``, ``\x``) or as Linux (``/x``) writes it."""
    drive, rest = (text[0].upper(), text[2:]) if text[1:2] == ":" and text[0].isalpha() and text[0].isascii() else (None, text)
    if drive is not None or text.startswith("\\"):
        rest = rest.replace("\\", "/")
    return GuestPath(text=text, drive=drive, names=tuple(name for name in rest.split("/") if name not in {"", "."}))


def choose(disks: OpenDisks, path: GuestPath, *, partition: int | None) -> Volume:
    """Return the volume that is meant: the only one, or the only one that has the path.

    Raises Refused, which says what there is, or why it can't be read.
    """
    named = list(disks.volumes)
    if partition is not None:
        numbers = [0 if volume.partition is None else volume.partition.number for volume in named]
        named = [volume for volume, number in zip(named, numbers, strict=True) if number == partition]
        if not named:
            raise Refused(f"there is no partition {partition}", hint=f"there are: {', '.join(map(str, numbers))}")
    if len(named) == 1:
        return named[0]
    readable = [volume for volume in named if _may_be_meant(volume, path.drive, named=partition is not None)]
    if not readable:
        raise Refused(f"no volume of {disks.archive} can be read: {_reasons(named)}")
    return readable[0] if len(readable) == 1 else _only_with(readable, path)


def _may_be_meant(volume: Volume, drive: str | None, *, named: bool) -> bool:
    if volume.file_system not in READABLE or volume.partition is None:
        return False
    if not named and volume.partition.kind in _SPECIAL:
        return False
    return drive is None or volume.file_system is FileSystem.NTFS


def _only_with(volumes: list[Volume], path: GuestPath) -> Volume:
    having = [volume for volume in volumes if _has(volume, path.names)]
    if len(having) > 1 and path.drive == _SYSTEM_DRIVE:
        having = [volume for volume in having if _has(volume, _WINDOWS)] or having
    if not having:
        raise Refused(f"no volume has {path.text}", hint=f"looked for on {', '.join(volume.name for volume in volumes)}")
    if len(having) > 1:
        first = having[0]
        number = 0 if first.partition is None else first.partition.number
        hint = f"say which: --disk {first.disk} --partition {number}"
        raise Refused(f"{len(having)} volumes have {path.text}: {', '.join(volume.name for volume in having)}", hint=hint)
    return having[0]


def _has(volume: Volume, names: tuple[str, ...]) -> bool:
    with _opened(volume) as guest:
        try:
            return any(True for _ in guest.list(names, children=False))
        except NotInVolume:
            return False


def _reasons(volumes: list[Volume]) -> str:
    return "; ".join(f"{volume.name}: {volume.problem or 'not meant by that path'}" for volume in volumes)


@contextmanager
def opened(context: Context, volume: Volume) -> Iterator[GuestVolume]:
    """Open a volume's file system. Raises Refused, by name, if it is none that can be read here."""
    if volume.problem is not None:
        raise Refused(f"the files of {volume.name} can't be read: {volume.problem}", hint=_HINTS.get(volume.file_system))
    for warning in () if volume.found is None else volume.found.warnings:
        context.emit(Warned(subject=volume.name, message=warning, hint=None))
    with _opened(volume) as guest:
        yield guest


@contextmanager
def _opened(volume: Volume) -> Iterator[GuestVolume]:
    if volume.read is None or volume.partition is None:
        raise Refused(f"the files of {volume.name} can't be read: {volume.problem}")
    try:
        with open_volume(volume.file_system, volume.read, volume.partition.length) as guest:
            yield guest
    except NotInVolume as error:
        raise NotInVolume(f"{volume.name}: {error.message}", hint=error.hint) from error
    except BorgClusterError as error:
        if type(error) is not BorgClusterError:
            raise
        raise BorgClusterError(f"{volume.name}: {error.message}", hint=error.hint) from error


_WHOLE_DISK = "the whole disk is needed: borg-cluster extract VM --to DIR, or borg-cluster mount"
_HINTS = {
    FileSystem.BITLOCKER: "restore the VM as a copy, and unlock it there",
    FileSystem.STORAGE_SPACES: "restore the VM as a copy: only Windows puts the pool together",
    FileSystem.REFS: _WHOLE_DISK,
    FileSystem.LVM: _WHOLE_DISK,
    FileSystem.LUKS: _WHOLE_DISK,
    FileSystem.RAID: _WHOLE_DISK,
    FileSystem.DYNAMIC_DISK: _WHOLE_DISK,
    FileSystem.BTRFS: _WHOLE_DISK,
    FileSystem.EXFAT: _WHOLE_DISK,
    FileSystem.FAT: _WHOLE_DISK,
}
