"""Partitions and file systems are told from their first bytes; hostile tables end, and are told."""

import random
import struct
from collections.abc import Callable

import pytest

from borg_cluster.core.file_system import READABLE, UNREADABLE, FileSystem, recognise
from borg_cluster.core.partition import Partition, PartitionsDamaged, partitions
from tests import guest_disks
from tests.guest_disks import MIB, SECTOR

EXTENDED = 0x0F


def reader(disk: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: disk[offset : offset + length]


def found(disk: bytes) -> list[tuple[int, int, int, str]]:
    return [(one.number, one.offset, one.length, one.kind) for one in partitions(reader(disk), len(disk))]


def table(disk: bytearray, at: int, *rows: tuple[int, int, int]) -> None:
    """Write an MBR-like table at a sector: (type, first sector, sectors) of each row."""
    for number, (kind, start, count) in enumerate(rows):
        struct.pack_into("<B3sB3sII", disk, at * SECTOR + 446 + 16 * number, 0, bytes(3), kind, bytes(3), start, count)
    disk[at * SECTOR + 510 : at * SECTOR + 512] = b"\x55\xaa"


def test_a_gpt_is_read_and_its_copy_if_it_is_damaged() -> None:
    disk = bytearray(guest_disks.gpt((guest_disks.LINUX, bytes(MIB)), (guest_disks.BASIC, bytes(3 * MIB)), size=8 * MIB))
    expected = [(1, MIB, MIB, "Linux"), (2, 2 * MIB, 3 * MIB, "basic data")]

    assert found(bytes(disk)) == expected
    disk[SECTOR + 80] ^= 1
    assert found(bytes(disk)) == expected, "the copy at the end"
    disk[-SECTOR + 80] ^= 1
    with pytest.raises(PartitionsDamaged, match="neither copy of its GPT"):
        found(bytes(disk))


def test_an_mbr_is_read_with_its_logical_partitions() -> None:
    disk = bytearray(8 * MIB)
    table(disk, 0, (0x07, 2048, 2048), (EXTENDED, 4096, 8192), (0x83, 12288, 1024))
    table(disk, 4096, (0x83, 64, 1000), (EXTENDED, 2048, 2048))
    table(disk, 6144, (0x8E, 64, 500))

    assert found(bytes(disk)) == [
        (1, MIB, MIB, "NTFS or exFAT"),
        (3, 6 * MIB, MIB // 2, "Linux"),
        (5, (4096 + 64) * SECTOR, 1000 * SECTOR, "Linux"),
        (6, (6144 + 64) * SECTOR, 500 * SECTOR, "Linux LVM"),
    ]


def test_logical_partitions_that_lead_in_a_circle_end() -> None:
    disk = bytearray(8 * MIB)
    table(disk, 0, (EXTENDED, 4096, 8192))
    table(disk, 4096, (0x83, 64, 1000), (EXTENDED, 2048, 2048))
    table(disk, 6144, (0x83, 64, 500), (EXTENDED, 0, 2048))

    assert [number for number, *_ in found(bytes(disk))] == [5, 6]


def test_what_lies_beyond_the_disk_is_cut() -> None:
    disk = bytearray(4 * MIB)
    table(disk, 0, (0x83, 2048, 0xFFFFFFFF), (0x83, 0xFFFFFFF0, 5))

    assert found(bytes(disk)) == [(1, MIB, 3 * MIB, "Linux")]


@pytest.mark.parametrize("boot", [b"\xeb\x52\x90NTFS    ", b"\xeb\x58\x90-FVE-FS-", b""])
def test_a_disk_without_a_table_is_one_volume(boot: bytes) -> None:
    disk = bytearray(random.Random(1).randbytes(MIB))  # noqa: S311 - code, as in a boot sector
    disk[: len(boot)] = boot
    disk[510:512] = b"\x55\xaa"

    assert found(bytes(disk)) == [(0, 0, MIB, "the whole disk")]
    assert found(bytes(MIB)) == [(0, 0, MIB, "the whole disk")]
    assert found(b"") == [(0, 0, 0, "the whole disk")]


def test_no_table_that_chance_makes_raises_anything_else() -> None:
    chance = random.Random(2)  # noqa: S311 - no secret
    whole = guest_disks.gpt((guest_disks.LINUX, bytes(MIB)), size=4 * MIB)
    for _ in range(300):
        disk = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            disk[chance.choice((446, 512, 1024)) + chance.randrange(64)] = chance.randrange(256)
        try:
            kept = found(bytes(disk))
        except PartitionsDamaged:
            continue
        assert all(offset >= 0 and offset + length <= len(disk) for _, offset, length, _ in kept)


SIGNED = {
    FileSystem.NTFS: (3, b"NTFS    "),
    FileSystem.EXT: (1080, b"\x53\xef"),
    FileSystem.XFS: (0, b"XFSB"),
    FileSystem.REFS: (3, b"ReFS\0\0\0\0"),
    FileSystem.BITLOCKER: (3, b"-FVE-FS-"),
    FileSystem.LVM: (512, b"LABELONE"),
    FileSystem.LUKS: (0, b"LUKS\xba\xbe"),
    FileSystem.RAID: (4096, b"\xfc\x4e\x2b\xa9"),
    FileSystem.STORAGE_SPACES: (0, b"SPACEDB "),
    FileSystem.BTRFS: (65600, b"_BHRfS_M"),
    FileSystem.EXFAT: (3, b"EXFAT   "),
    FileSystem.FAT: (82, b"FAT32   "),
    FileSystem.SWAP: (4086, b"SWAPSPACE2"),
}


def volume(kind: str = "Linux", *, at: int = 0, content: bytes = b"") -> FileSystem:
    disk = bytearray(MIB)
    disk[at : at + len(content)] = content
    return recognise(reader(bytes(disk)), Partition(number=1, offset=MIB, length=MIB, kind=kind)).file_system


@pytest.mark.parametrize("file_system", SIGNED)
def test_each_file_system_is_known_by_its_signature(file_system: FileSystem) -> None:
    at, signature = SIGNED[file_system]

    assert volume(at=at, content=signature) is file_system


def test_windows_own_ways_are_known_by_the_partition() -> None:
    assert volume("Storage Spaces", at=3, content=b"NTFS    ") is FileSystem.STORAGE_SPACES
    assert volume("dynamic disk", at=3, content=b"NTFS    ") is FileSystem.DYNAMIC_DISK
    assert volume() is FileSystem.UNKNOWN
    assert set(FileSystem) == READABLE | UNREADABLE.keys(), "a reason for each that can't be read"


def test_a_mounted_ext4_and_its_encrypted_folders_are_told() -> None:
    disk = bytearray(MIB)
    disk[1080:1082] = b"\x53\xef"
    struct.pack_into("<I", disk, 1024 + 96, 0x4 | 0x10000)
    told = recognise(reader(bytes(disk)), Partition(number=1, offset=0, length=MIB, kind="Linux")).warnings

    assert len(told) == 2
    assert "journal" in told[0]
    assert "encrypted" in told[1]
