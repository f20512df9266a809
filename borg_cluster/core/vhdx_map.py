"""Where the virtual disk of a VHDX file lies in the file: the block allocation table, with its log replayed.

As MS-VHDX lays it out. Pure; the table is read in slices as it is asked for, so that memory does not grow with the disk: one byte
for each MiB of the file while it is checked. A file that contradicts itself is refused as a whole.
"""

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from borg_cluster.core.vhdx import (
    BAT,
    FULLY_PRESENT,
    HEADER_SIZE,
    HEADERS,
    METADATA,
    MIB,
    PARTLY_PRESENT,
    STATE_BITS,
    VHDX,
    Read,
    VHDXDamaged,
    current_header,
    described,
    inspect_start,
    items_of,
    regions_of,
)
from borg_cluster.core.vhdx_log import LogPlace, Replayed, replay

_SECTOR_SIZES = (512, 4096)
_LARGEST_BLOCK = 256 * MIB
_LARGEST_DISK = 64 << 40
_LARGEST_FILE = 80 << 40
"""Of a disk of 64 TiB with all its tables, and room."""
_STATES = {0, 1, 2, 3, FULLY_PRESENT, PARTLY_PRESENT}
"""Not present, undefined, zero, unmapped, and the two that are there."""
_SLICE = 1 << 14
"""Entries of the table that are read at once: 128 KiB."""
_SECTORS_OF_BITMAP = 1 << 23
_SMALLEST_METADATA, _MOST_METADATA = 64 << 10, 64 * MIB


class Place(Enum):
    """Where a part of a virtual disk is."""

    FILE = "file"
    ZERO = "zero"
    PARENT = "parent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """A part of the virtual disk, in bytes; ``offset`` in the file, if it is there."""

    start: int
    length: int
    place: Place
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VHDXMap:
    """An open file: ``read`` gives it as it is once its log is replayed, ``length`` bytes of it."""

    disk: VHDX
    read: Read
    length: int
    replayed: Replayed
    table: int
    """Where the block allocation table begins."""

    @property
    def ratio(self) -> int:
        """Payload blocks for each sector bitmap block."""
        return (1 << 23) * self.disk.sector_size // self.disk.block_size

    @property
    def blocks(self) -> int:
        """Payload blocks of the virtual disk."""
        return -(-self.disk.virtual_size // self.disk.block_size)

    @property
    def entries(self) -> int:
        """Entries of the table that mean something."""
        if self.disk.parent is None:
            return self.blocks + (self.blocks - 1) // self.ratio
        return -(-self.blocks // self.ratio) * (self.ratio + 1)

    def extents(self, start: int, length: int) -> Iterator[Extent]:
        """Yield where a virtual range is, in order and without a gap, up to the end of the disk. Raises VHDXDamaged."""
        end = min(start + length, self.disk.virtual_size)
        if start < 0 or start >= end:
            return
        block_size = self.disk.block_size
        first, last = start // block_size, (end - 1) // block_size
        for block, entry in self.payload(first, last + 1):
            at = max(start, block * block_size)
            stop = min(end, (block + 1) * block_size)
            yield from self._inside(block, entry, at, stop)

    def payload(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield (block, entry) of the payload blocks from ``first`` to before ``end``."""
        block = first
        while block < end:
            chunk, inside = divmod(block, self.ratio)
            count = min(end - block, self.ratio - inside, _SLICE)
            for number, entry in enumerate(self._table(chunk * (self.ratio + 1) + inside, count)):
                yield block + number, entry
            block += count

    def present(self, entry: int) -> int | None:
        """Return the file offset of a payload block that is fully present by its entry, else None. Raises VHDXDamaged."""
        return self._offset(entry) if entry & STATE_BITS == FULLY_PRESENT else None

    def _offset(self, entry: int) -> int:
        offset = (entry >> 20) * MIB
        if offset < MIB or offset + self.disk.block_size > self.length:
            raise VHDXDamaged(f"a block lies at {offset}, and the file has {self.length} bytes")
        return offset

    def _inside(self, block: int, entry: int, start: int, stop: int) -> Iterator[Extent]:
        """Yield where the part of one block is."""
        state = entry & STATE_BITS
        inside = start - block * self.disk.block_size
        if state == FULLY_PRESENT:
            yield Extent(start=start, length=stop - start, place=Place.FILE, offset=self._offset(entry) + inside)
        elif state == PARTLY_PRESENT:
            yield from self._partly(block, self._offset(entry), start, stop)
        elif state == 0 and self.disk.parent is not None:
            yield Extent(start=start, length=stop - start, place=Place.PARENT)
        elif state in _STATES:
            yield Extent(start=start, length=stop - start, place=Place.ZERO)
        else:
            raise VHDXDamaged(f"block {block} has state {state}")

    def _partly(self, block: int, offset: int, start: int, stop: int) -> Iterator[Extent]:
        """Yield the parts of a block of which the parent holds the rest, sector by sector as its bitmap says."""
        sector = self.disk.sector_size
        chunk, inside = divmod(block, self.ratio)
        (entry,) = self._table(chunk * (self.ratio + 1) + self.ratio, 1)
        bitmap = (entry >> 20) * MIB
        if entry & STATE_BITS != FULLY_PRESENT or bitmap < MIB or bitmap + MIB > self.length:
            raise VHDXDamaged(f"block {block} is partly present and has no sector bitmap")
        base = block * self.disk.block_size
        first, last = (start - base) // sector, (stop - base - 1) // sector
        bit = inside * (self.disk.block_size // sector)
        bits = self.read(bitmap + (bit + first) // 8, (bit + last) // 8 - (bit + first) // 8 + 1)
        shift = (bit + first) % 8
        present = [bool(bits[(shift + number) // 8] >> (shift + number) % 8 & 1) for number in range(last - first + 1)]
        number = 0
        while number < len(present):
            run = number
            while run < len(present) and present[run] is present[number]:
                run += 1
            at, end = max(start, base + (first + number) * sector), min(stop, base + (first + run) * sector)
            place = Place.FILE if present[number] else Place.PARENT
            yield Extent(start=at, length=end - at, place=place, offset=offset + at - base if place is Place.FILE else None)
            number = run

    def _table(self, first: int, count: int) -> "array[int]":
        content = self.read(self.table + 8 * first, 8 * count)
        if len(content) != 8 * count:
            raise VHDXDamaged("its block allocation table ends beyond the file")
        entries = array("Q", content)
        if sys.byteorder == "big":
            entries.byteswap()
        return entries


def open_map(read: Read, length: int) -> VHDXMap:
    """Return the map of a VHDX file of ``length`` bytes, when all that it says of itself agrees. Raises VHDXDamaged."""
    if length > _LARGEST_FILE:
        raise VHDXDamaged(f"its length {length} is beyond any VHDX")
    inspect_start(read)
    header = _header(read)
    place = _log_place(header, length)
    replayed = replay(read, place, length)
    read, length = replayed.over(read), replayed.length
    regions = regions_of(read, length)
    if not {BAT, METADATA} <= regions.keys():
        raise VHDXDamaged("its region table names no block allocation table or no metadata")
    if regions.keys() != {BAT, METADATA}:
        raise VHDXDamaged("it has a region that is not known here")
    disk = _described(read, regions[METADATA], header)
    found = VHDXMap(disk=disk, read=read, length=length, replayed=replayed, table=regions[BAT][0])
    _check(found, regions, place)
    return found


def _header(read: Read) -> bytes:
    header = current_header(read)
    both = [read(offset, HEADER_SIZE) for offset in HEADERS]
    if both[0][8:16] == both[1][8:16] and both[0] != both[1] and all(one.startswith(b"head") for one in both):
        raise VHDXDamaged("its two headers have the same number and differ")
    log_version, version = struct.unpack_from("<HH", header, 64)
    if (log_version, version) != (0, 1):
        raise VHDXDamaged(f"it has version {version}, its log version {log_version}")
    return header


def _log_place(header: bytes, length: int) -> LogPlace:
    size, offset = struct.unpack_from("<IQ", header, 68)
    if size and (offset < MIB or offset % MIB or size % MIB or offset + size > length):
        raise VHDXDamaged(f"its log is said to have {size} bytes at {offset}")
    return LogPlace(guid=UUID(bytes_le=header[48:64]), offset=offset, length=size)


def _described(read: Read, region: tuple[int, int], header: bytes) -> VHDX:
    offset, size = region
    if not _SMALLEST_METADATA <= size <= _MOST_METADATA:
        raise VHDXDamaged(f"its metadata has {size} bytes")
    try:
        disk = described(items_of(read, region), header)
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise VHDXDamaged(f"its metadata at {offset} is incomplete: {error}") from error
    if disk.sector_size not in _SECTOR_SIZES:
        raise VHDXDamaged(f"its sectors have {disk.sector_size} bytes")
    if disk.block_size > _LARGEST_BLOCK:
        raise VHDXDamaged(f"its blocks have {disk.block_size} bytes")
    if not 0 < disk.virtual_size <= _LARGEST_DISK or disk.virtual_size % disk.sector_size:
        raise VHDXDamaged(f"its virtual disk has {disk.virtual_size} bytes")
    return disk


def _check(found: VHDXMap, regions: dict[UUID, tuple[int, int]], log: LogPlace) -> None:
    """Raise VHDXDamaged unless each part of the file has its own place."""
    used = bytearray(-(-found.length // MIB))  # zeros that nobody touches cost nothing
    used[0:1] = b"\1"
    for offset, size in (*regions.values(), (log.offset, log.length)):
        if offset % MIB or size % MIB:
            raise VHDXDamaged(f"a region lies at {offset}, of {size} bytes")
        _take(used, offset // MIB, size // MIB)
    if found.entries * 8 > regions[BAT][1]:
        raise VHDXDamaged("its block allocation table is too small for its virtual size")
    for start in range(0, found.entries, _SLICE):
        entries = found._table(start, min(_SLICE, found.entries - start))  # noqa: SLF001 - of this very module
        if entries.count(0) == len(entries):
            continue
        for number, entry in enumerate(entries, start=start):
            if entry:
                _check_entry(found, number, entry, used)


def _check_entry(found: VHDXMap, number: int, entry: int, used: bytearray) -> None:
    state = entry & STATE_BITS
    bitmap = number % (found.ratio + 1) == found.ratio
    if state not in ({0, FULLY_PRESENT} if bitmap else _STATES) or (state == PARTLY_PRESENT and found.disk.parent is None):
        raise VHDXDamaged(f"entry {number} of its block allocation table has state {state}")
    if state in {FULLY_PRESENT, PARTLY_PRESENT}:
        size = MIB if bitmap else found.disk.block_size
        if ((entry >> 20) * MIB) + size > found.length:
            end = (entry >> 20) * MIB + size
            raise VHDXDamaged(f"block {number} ends at {end}, the file at {found.length}")
        _take(used, entry >> 20, size // MIB)


def _take(used: bytearray, first: int, count: int) -> None:
    """Note that some MiB of the file are in use. Raises VHDXDamaged: they are already, or not there."""
    if first + count > len(used):
        raise VHDXDamaged(f"something lies at {first} MiB, and the file has {len(used)}")
    if used.find(1, first, first + count) >= 0:
        raise VHDXDamaged(f"two parts of it lie at {first} MiB")
    used[first : first + count] = b"\1" * count
