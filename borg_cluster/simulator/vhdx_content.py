"""The virtual content of disk chains: read, written as a guest writes, merged, and hashed.

On its first write a block of a differencing file is copied whole, or, if that is wanted, becomes partly present as in Hyper-V.
"""

import hashlib
import os
import struct
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from borg_cluster.simulator.vhdx import (
    FULLY_PRESENT,
    HEADERS,
    MIB,
    NOT_PRESENT,
    PARTLY_PRESENT,
    START,
    UNMAPPED,
    DiskDamaged,
    current_header,
    header_bytes,
    read_info,
)

_STATE = 7


def read(chain: Sequence[Path], offset: int, length: int) -> bytes:
    """Return virtual content; ``chain`` goes from the leaf to the base."""
    with _Chain(chain) as disks:
        return disks.read(offset, length)


def write(chain: Sequence[Path], offset: int, data: bytes, *, data_write: uuid.UUID, partly: bool = False) -> None:
    """Write virtual content into the leaf, as a guest does; ``data_write`` becomes the leaf's new data write GUID.

    ``partly``: of a block that only its parents hold, the leaf gets no more than the sectors that are written.
    """
    with _Chain(chain, writable=True, partly=partly) as disks:
        disks.write(offset, data)
        disks.stamp(data_write)


def trim(chain: Sequence[Path], offset: int, length: int, *, data_write: uuid.UUID) -> None:
    """Give virtual content back, as a guest does with what it deleted: whole blocks read as zeros then, and keep their place.

    A fixed disk keeps everything.
    """
    with _Chain(chain, writable=True) as disks:
        if disks.trim(offset, length):
            disks.stamp(data_write)


def growth(chain: Sequence[Path], offset: int, length: int) -> int:
    """Return by how many bytes the leaf's file would grow if a range of its content were written."""
    with _Chain(chain) as disks:
        size = disks.infos[0].block_size
        touched = range(offset // size, -(-(offset + length) // size))
        return size * sum(disks.entry(0, block)[1] == 0 for block in touched)


def growth_by_merge(child: Path, parents: Sequence[Path]) -> int:
    """Return by how many bytes the first of ``parents`` would grow if ``child`` were merged into it."""
    with _Chain([child, *parents]) as disks:
        size = disks.infos[0].block_size
        held = (block for block in range(-(-disks.infos[0].size // size)) if disks.entry(0, block)[0] != NOT_PRESENT)
        return size * sum(disks.entry(1, block)[1] == 0 for block in held)


def merge(child: Path, parents: Sequence[Path], *, data_write: uuid.UUID) -> None:
    """Copy the blocks that ``child`` holds into the first of ``parents``; the caller removes the child afterwards."""
    with _Chain([child, *parents]) as source, _Chain(parents, writable=True) as target:
        block_size = source.infos[0].block_size
        for block in range(-(-source.infos[0].size // block_size)):
            if source.entry(0, block)[0] != NOT_PRESENT:
                at = block * block_size
                target.write(at, source.read(at, min(block_size, source.infos[0].size - at)))
        target.stamp(data_write)


def content_hash(chain: Sequence[Path]) -> str:
    """Return the SHA-256 of the whole virtual content."""
    with _Chain(chain) as disks:
        digest = hashlib.sha256()
        for at in range(0, disks.infos[0].size, MIB):
            digest.update(disks.read(at, min(MIB, disks.infos[0].size - at)))
    return digest.hexdigest()


class _Chain:
    """The open files of a chain, leaf first."""

    def __init__(self, chain: Sequence[Path], *, writable: bool = False, partly: bool = False) -> None:
        self.infos = [read_info(path) for path in chain]
        self._paths = chain
        self._writable = writable
        self._partly = partly and len(chain) > 1
        self._files: list[int] = []

    def __enter__(self) -> Self:
        for number, path in enumerate(self._paths):
            self._files.append(os.open(path, os.O_RDWR if self._writable and number == 0 else os.O_RDONLY))
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            os.close(file)

    def entry(self, link: int, block: int) -> tuple[int, int]:
        """Return the state of a block in one file of the chain, and its file offset, which counts for the present ones."""
        entry = struct.unpack("<Q", os.pread(self._files[link], 8, self.infos[link].bat_position(block)))[0]
        state = entry & _STATE
        if state not in {*range(UNMAPPED + 1), FULLY_PRESENT, PARTLY_PRESENT}:
            raise DiskDamaged(f"{self._paths[link]}: block {block} has state {state}")
        return state, entry >> 20 << 20

    def read(self, offset: int, length: int) -> bytes:
        """Return virtual content."""
        parts = []
        while length > 0:
            block, inside = divmod(offset, self.infos[0].block_size)
            count = min(length, self.infos[0].block_size - inside)
            parts.append(self._read_inside(block, inside, count))
            offset, length = offset + count, length - count
        return b"".join(parts)

    def _read_inside(self, block: int, inside: int, count: int, link: int = 0) -> bytes:
        if link == len(self._files):
            return bytes(count)
        state, at = self.entry(link, block)
        if state == NOT_PRESENT:
            return self._read_inside(block, inside, count, link + 1)
        if state == FULLY_PRESENT:
            return os.pread(self._files[link], count, at + inside)
        return self._merged(block, inside, count, link) if state == PARTLY_PRESENT else bytes(count)

    def _merged(self, block: int, inside: int, count: int, link: int) -> bytes:
        """Return content of a block of which the parents hold those sectors whose bits are not set."""
        sector, (_, at) = self.infos[link].logical_sector_size, self.entry(link, block)
        first, end = inside // sector, -(-(inside + count) // sector)
        held = self._bits(link, block)
        parts = []
        for number in range(first, end):
            if held[number // 8] >> number % 8 & 1:
                parts.append(os.pread(self._files[link], sector, at + number * sector))
            else:
                parts.append(self._read_inside(block, number * sector, sector, link + 1))
        skipped = inside - first * sector
        return b"".join(parts)[skipped : skipped + count]

    def _bits(self, link: int, block: int) -> bytes:
        """Return the part of the sector bitmap that is about a block: a bit a sector."""
        size = self.infos[link].block_size // self.infos[link].logical_sector_size // 8
        return os.pread(self._files[link], size, self._bits_at(link, block))

    def _bits_at(self, link: int, block: int) -> int:
        info = self.infos[link]
        (entry,) = struct.unpack("<Q", os.pread(self._files[link], 8, info.bitmap_position(block)))
        if entry & _STATE != FULLY_PRESENT:
            raise DiskDamaged(f"{self._paths[link]}: block {block} is partly present and has no sector bitmap")
        return int((entry >> 20 << 20) + block % info.chunk * (info.block_size // info.logical_sector_size // 8))

    def write(self, offset: int, data: bytes) -> None:
        """Write virtual content into the leaf, allocating the blocks that it touches."""
        if offset < 0 or offset + len(data) > self.infos[0].size:
            raise ValueError("beyond the end of the virtual disk")
        block_size = self.infos[0].block_size
        done = 0
        while done < len(data):
            block, inside = divmod(offset + done, block_size)
            part = data[done : done + block_size - inside]
            at = self._allocated(block)
            if self.entry(0, block)[0] == PARTLY_PRESENT:
                self._write_sectors(block, inside, part)
            else:
                os.pwrite(self._files[0], part, at + inside)
            done += len(part)

    def _write_sectors(self, block: int, inside: int, part: bytes) -> None:
        """Write into a block that is partly present: whole sectors, which it then holds."""
        sector = self.infos[0].logical_sector_size
        first, end = inside // sector, -(-(inside + len(part)) // sector)
        content = bytearray(self._read_inside(block, first * sector, (end - first) * sector))
        content[inside - first * sector : inside - first * sector + len(part)] = part
        os.pwrite(self._files[0], content, self.entry(0, block)[1] + first * sector)
        bits = bytearray(self._bits(0, block))
        for number in range(first, end):
            bits[number // 8] |= 1 << number % 8
        os.pwrite(self._files[0], bits, self._bits_at(0, block))

    def trim(self, offset: int, length: int) -> bool:
        """Unmap the blocks of the leaf that lie wholly in a range; return whether there were any."""
        info = self.infos[0]
        if info.type == "Fixed":
            return False
        whole = range(-(-offset // info.block_size), (offset + length) // info.block_size)
        for block in whole:
            _, at = self.entry(0, block)
            self._set(info.bat_position(block), at | UNMAPPED)
        return bool(whole)

    def _allocated(self, block: int) -> int:
        """Return where a block of the leaf is; if it isn't there, it gets its old place again, or one at the end."""
        state, at = self.entry(0, block)
        if state in {FULLY_PRESENT, PARTLY_PRESENT}:
            return at
        info = self.infos[0]
        partly = self._partly and state == NOT_PRESENT
        content = bytes(info.block_size) if partly else self._read_inside(block, 0, info.block_size)
        at = at or self._end()
        os.pwrite(self._files[0], content, at)
        if partly and not self._has_bitmap(block):
            bitmap = self._end()
            os.pwrite(self._files[0], bytes(MIB), bitmap)
            self._set(info.bitmap_position(block), bitmap | FULLY_PRESENT)
        self._set(info.bat_position(block), at | (PARTLY_PRESENT if partly else FULLY_PRESENT))
        return at

    def _has_bitmap(self, block: int) -> bool:
        (entry,) = struct.unpack("<Q", os.pread(self._files[0], 8, self.infos[0].bitmap_position(block)))
        return bool(entry & _STATE == FULLY_PRESENT)

    def _end(self) -> int:
        return -(-os.fstat(self._files[0]).st_size // MIB) * MIB

    def _set(self, place: int, entry: int) -> None:
        os.pwrite(self._files[0], struct.pack("<Q", entry), place)

    def stamp(self, data_write: uuid.UUID) -> None:
        """Give the leaf a new data write GUID: the older header is overwritten and becomes the current one."""
        start = os.pread(self._files[0], START, 0)
        current = current_header(start)
        older = HEADERS[0] if current == HEADERS[1] else HEADERS[1]
        sequence = struct.unpack_from("<Q", start, current + 8)[0] + 1
        os.pwrite(self._files[0], header_bytes(sequence, data_write), older)
