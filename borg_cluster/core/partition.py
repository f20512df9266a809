"""The partitions of a disk, by its GPT or MBR. Pure: bytes come from a ``read(offset, length)``; hostile tables are bounded.

GPT as the UEFI specification lays it out (section 5.3); MBR with its extended partitions as every system since DOS has it.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

Read = Callable[[int, int], bytes]

_GPT = b"EFI PART"
_GPT_HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
_GPT_ENTRY = struct.Struct("<16s16sQQQ72s")
_MOST_ENTRIES = 1024
_LONGEST_ENTRY = 4096
_MBR_SIZE = 512
_MBR_TABLE = 446
_MBR_ENTRY = struct.Struct("<B3sB3sII")
_PROTECTIVE = 0xEE
_EXTENDED = frozenset({0x05, 0x0F, 0x85})
_MOST_LOGICAL = 128
_SECTORS = (512, 4096)

_NAMES = {
    UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"): "EFI system",
    UUID("e3c9e316-0b5c-4db8-817d-f92df00215ae"): "Microsoft reserved",
    UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"): "basic data",
    UUID("de94bba4-06d1-4d40-a16a-bfd50179d6ac"): "Windows recovery",
    UUID("e75caf8f-f680-4cee-afa3-b001e56efc2d"): "Storage Spaces",
    UUID("5808c8aa-7e8f-42e0-85d2-e1e90434cfb3"): "dynamic disk's database",
    UUID("af9b60a0-1431-4f62-bc68-3311714a69ad"): "dynamic disk",
    UUID("0fc63daf-8483-4772-8e79-3d69d8477de4"): "Linux",
    UUID("e6d6d379-f507-44c2-a23c-238f2a3df928"): "Linux LVM",
    UUID("a19d880f-05fc-4d3b-a006-743f0f84911e"): "Linux RAID",
    UUID("0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"): "Linux swap",
}
_MBR_NAMES = {
    0x07: "NTFS or exFAT",
    0x0B: "FAT",
    0x0C: "FAT",
    0x27: "Windows recovery",
    0x42: "dynamic disk",
    0x82: "Linux swap",
    0x83: "Linux",
    0x8E: "Linux LVM",
    0xEF: "EFI system",
    0xFD: "Linux RAID",
}
STORAGE_SPACES = "Storage Spaces"
DYNAMIC = frozenset({"dynamic disk", "dynamic disk's database"})


class PartitionsDamaged(Exception):
    """The disk has a partition table that can't be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A partition. ``number`` as Windows' and Linux's tools count (0: the whole disk, which has no table); bytes."""

    number: int
    offset: int
    length: int
    kind: str
    """What the table says it is for; an unknown type's own number."""


def partitions(read: Read, size: int) -> tuple[Partition, ...]:
    """Return the partitions of a disk of ``size`` bytes in the order of their numbers; one of number 0 if it has no table.

    Raises PartitionsDamaged.
    """
    first = read(0, _MBR_SIZE)
    if len(first) < _MBR_SIZE or first[510:] != b"\x55\xaa":
        return (_whole(size),)
    rows = tuple(_rows(first))
    if any(kind == _PROTECTIVE for kind, _, _ in rows):
        return tuple(_gpt(read, size))
    # the boot sector of a file system without a partition table has the same signature, and code where the table would be
    if not rows or any(first[_MBR_TABLE + 16 * row] & 0x7F for row in range(4)) or any(not start for _, start, _ in rows):
        return (_whole(size),)
    return tuple(_clipped(_mbr(read, first), size))


def _whole(size: int) -> Partition:
    return Partition(number=0, offset=0, length=size, kind="the whole disk")


def _clipped(found: Iterator[Partition], size: int) -> Iterator[Partition]:
    """A table that claims more than the disk has: what lies on it may still be read."""
    for one in found:
        if one.offset < size and one.length > 0:
            length = min(one.length, size - one.offset)
            yield Partition(number=one.number, offset=one.offset, length=length, kind=one.kind)


def _gpt(read: Read, size: int) -> Iterator[Partition]:
    for sector in _SECTORS:
        for place in (sector, size - sector):
            entries = _gpt_entries(read, place, sector)
            if entries is not None:
                return _clipped(_gpt_partitions(entries, sector), size)
    raise PartitionsDamaged("neither copy of its GPT has the right checksum")


def _gpt_entries(read: Read, place: int, sector: int) -> tuple[bytes, ...] | None:
    """Return the entries of the table whose header lies at ``place``; None if it isn't whole."""
    header = read(place, sector)
    if len(header) < _GPT_HEADER.size or not header.startswith(_GPT):
        return None
    _, _, length, checksum, _, _, _, _, _, _, at, count, entry, entries_checksum = _GPT_HEADER.unpack_from(header)
    if not _GPT_HEADER.size <= length <= sector or not count <= _MOST_ENTRIES or not _GPT_ENTRY.size <= entry <= _LONGEST_ENTRY:
        return None
    if zlib.crc32(header[:16] + bytes(4) + header[20:length]) != checksum:
        return None
    table = read(at * sector, count * entry)
    if len(table) != count * entry or zlib.crc32(table) != entries_checksum:
        return None
    return tuple(table[start : start + entry] for start in range(0, len(table), entry))


def _gpt_partitions(entries: tuple[bytes, ...], sector: int) -> Iterator[Partition]:
    for number, entry in enumerate(entries, start=1):
        kind, _, first, last, _, _ = _GPT_ENTRY.unpack_from(entry)
        if any(kind):
            name = UUID(bytes_le=kind)
            length = (last - first + 1) * sector
            yield Partition(number=number, offset=first * sector, length=length, kind=_NAMES.get(name, str(name)))


def _rows(sector: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (type, first sector, sectors) of the rows of a table that are in use."""
    for row in range(4):
        _, _, kind, _, start, count = _MBR_ENTRY.unpack_from(sector, _MBR_TABLE + 16 * row)
        if kind and count:
            yield kind, start, count


def _mbr(read: Read, first: bytes) -> Iterator[Partition]:
    sector = 512
    extended = None
    for row in range(4):
        _, _, kind, _, start, count = _MBR_ENTRY.unpack_from(first, _MBR_TABLE + 16 * row)
        if kind in _EXTENDED:
            extended = start
        elif kind and count:
            yield _mbr_partition(row + 1, kind, start, count)
    if extended is not None:
        yield from _logical(read, extended, sector)


def _logical(read: Read, extended: int, sector: int) -> Iterator[Partition]:
    """Yield the logical partitions: each has a table of its own, with itself and the way to the next one's table."""
    at, number = extended, 5
    seen: set[int] = set()
    while at not in seen and len(seen) < _MOST_LOGICAL:
        seen.add(at)
        table = read(at * sector, _MBR_SIZE)
        if len(table) < _MBR_SIZE or table[510:] != b"\x55\xaa":
            return
        following = None
        for kind, start, count in _rows(table):
            if kind in _EXTENDED:
                following = extended + start
            else:
                yield _mbr_partition(number, kind, at + start, count)
                number += 1
        if following is None:
            return
        at = following


def _mbr_partition(number: int, kind: int, start: int, count: int) -> Partition:
    sector = 512
    return Partition(number=number, offset=start * sector, length=count * sector, kind=_MBR_NAMES.get(kind, f"0x{kind:02x}"))
