"""Which file system lies on a volume, told by its first bytes; and why the files of some can't be read here.

Pure: bytes come from a ``read(offset, length)``. The signatures are those that `blkid` goes by.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from borg_cluster.core.partition import DYNAMIC, STORAGE_SPACES, Partition

Read = Callable[[int, int], bytes]

_LOOKED_AT = 68 << 10
_EXT_INCOMPATIBLE = 1024 + 96
_EXT_RECOVER, _EXT_ENCRYPT = 0x4, 0x10000


class FileSystem(StrEnum):
    """What lies on a volume."""

    NTFS = "NTFS"
    EXT = "ext4"
    XFS = "XFS"
    REFS = "ReFS"
    BITLOCKER = "BitLocker"
    LVM = "LVM"
    LUKS = "LUKS"
    RAID = "Linux RAID"
    STORAGE_SPACES = "Storage Spaces"
    DYNAMIC_DISK = "dynamic disk"
    BTRFS = "Btrfs"
    EXFAT = "exFAT"
    FAT = "FAT"
    SWAP = "swap"
    UNKNOWN = "unknown"


READABLE = frozenset({FileSystem.NTFS, FileSystem.EXT, FileSystem.XFS})

UNREADABLE = {
    FileSystem.REFS: "its file system is ReFS, which is not read here",
    FileSystem.BITLOCKER: "it is encrypted with BitLocker",
    FileSystem.LVM: "it is a physical volume of LVM",
    FileSystem.LUKS: "it is encrypted with LUKS",
    FileSystem.RAID: "it is a member of a Linux RAID",
    FileSystem.STORAGE_SPACES: "it belongs to a pool of Storage Spaces",
    FileSystem.DYNAMIC_DISK: "it is a dynamic disk of Windows",
    FileSystem.BTRFS: "its file system is Btrfs, which is not read here",
    FileSystem.EXFAT: "its file system is exFAT, which is not read here",
    FileSystem.FAT: "its file system is FAT, which is not read here",
    FileSystem.SWAP: "it is swap space",
    FileSystem.UNKNOWN: "no file system is known by its first bytes",
}
"""Why there are no files to be had."""

_SIGNATURES = (
    (FileSystem.BITLOCKER, 3, b"-FVE-FS-"),
    (FileSystem.BITLOCKER, 3, b"MSWIN4.1\0\x02\x08"),
    (FileSystem.REFS, 3, b"ReFS\0\0\0\0"),
    (FileSystem.NTFS, 3, b"NTFS    "),
    (FileSystem.EXFAT, 3, b"EXFAT   "),
    (FileSystem.FAT, 82, b"FAT32"),
    (FileSystem.FAT, 54, b"FAT1"),
    (FileSystem.XFS, 0, b"XFSB"),
    (FileSystem.LUKS, 0, b"LUKS\xba\xbe"),
    (FileSystem.STORAGE_SPACES, 0, b"SPACEDB "),
    (FileSystem.LVM, 0, b"LABELONE"),
    (FileSystem.LVM, 512, b"LABELONE"),
    (FileSystem.LVM, 1024, b"LABELONE"),
    (FileSystem.LVM, 1536, b"LABELONE"),
    (FileSystem.RAID, 0, b"\xfc\x4e\x2b\xa9"),
    (FileSystem.RAID, 4096, b"\xfc\x4e\x2b\xa9"),
    (FileSystem.BTRFS, 65600, b"_BHRfS_M"),
    (FileSystem.SWAP, 4086, b"SWAPSPACE2"),
    (FileSystem.EXT, 1080, b"\x53\xef"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What lies on a partition. ``warnings``: what its files may lack, though they can be read."""

    file_system: FileSystem
    warnings: tuple[str, ...] = ()


def recognise(read: Read, partition: Partition) -> Found:
    """Return what lies on a partition, whose bytes ``read`` gives from its beginning on."""
    if partition.kind == STORAGE_SPACES:
        return Found(file_system=FileSystem.STORAGE_SPACES)
    if partition.kind in DYNAMIC:
        return Found(file_system=FileSystem.DYNAMIC_DISK)
    start = read(0, min(_LOOKED_AT, partition.length))
    for file_system, at, signature in _SIGNATURES:
        if start[at : at + len(signature)] == signature:
            return Found(file_system=file_system, warnings=_ext_warnings(start) if file_system is FileSystem.EXT else ())
    return Found(file_system=FileSystem.UNKNOWN)


def _ext_warnings(start: bytes) -> tuple[str, ...]:
    (features,) = struct.unpack_from("<I", start, _EXT_INCOMPATIBLE)
    warnings = []
    if features & _EXT_RECOVER:
        warnings.append(
            "it was mounted when it was archived, and its journal is not replayed: what was written last may be missing"
        )
    if features & _EXT_ENCRYPT:
        warnings.append("folders of it may be encrypted, whose files can't be read")
    return tuple(warnings)
