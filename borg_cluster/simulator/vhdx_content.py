"""The virtual content of disk chains: read, written as a guest writes, merged, and hashed.

A block of a differencing file is copied whole on its first write, so that no block is ever partly present.
"""

import hashlib
import os
import struct
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from borg_cluster.simulator.vhdx import FULLY_PRESENT, HEADERS, MIB, START, DiskDamaged, current_header, header_bytes, read_info


def read(chain: Sequence[Path], offset: int, length: int) -> bytes:
    """Return virtual content; ``chain`` goes from the leaf to the base."""
    with _Chain(chain) as disks:
        return disks.read(offset, length)


def write(chain: Sequence[Path], offset: int, data: bytes, *, data_write: uuid.UUID) -> None:
    """Write virtual content into the leaf, as a guest does; ``data_write`` becomes the leaf's new data write GUID."""
    with _Chain(chain, writable=True) as disks:
        disks.write(offset, data)
        disks.stamp(data_write)


def merge(child: Path, parents: Sequence[Path], *, data_write: uuid.UUID) -> None:
    """Copy the blocks that ``child`` holds into the first of ``parents``; the caller removes the child afterwards."""
    with _Chain([child, *parents]) as source, _Chain(parents, writable=True) as target:
        block_size = source.infos[0].block_size
        for block in range(-(-source.infos[0].size // block_size)):
            if source.block_at(0, block):
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

    def __init__(self, chain: Sequence[Path], *, writable: bool = False) -> None:
        self.infos = [read_info(path) for path in chain]
        self._paths = chain
        self._writable = writable
        self._files: list[int] = []

    def __enter__(self) -> Self:
        for number, path in enumerate(self._paths):
            self._files.append(os.open(path, os.O_RDWR if self._writable and number == 0 else os.O_RDONLY))
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            os.close(file)

    def block_at(self, link: int, block: int) -> int:
        """Return the file offset of a block in one file of the chain, 0 when that file doesn't hold it."""
        entry = struct.unpack("<Q", os.pread(self._files[link], 8, self.infos[link].bat_position(block)))[0]
        if entry & 7 not in {0, 2, 3, FULLY_PRESENT}:
            raise DiskDamaged(f"{self._paths[link]}: block {block} has state {entry & 7}")
        return int(entry >> 20 << 20) if entry & 7 == FULLY_PRESENT else 0

    def read(self, offset: int, length: int) -> bytes:
        """Return virtual content."""
        parts = []
        while length > 0:
            block, inside = divmod(offset, self.infos[0].block_size)
            count = min(length, self.infos[0].block_size - inside)
            parts.append(self._read_inside(block, inside, count))
            offset, length = offset + count, length - count
        return b"".join(parts)

    def _read_inside(self, block: int, inside: int, count: int) -> bytes:
        for link, file in enumerate(self._files):
            at = self.block_at(link, block)
            if at:
                return os.pread(file, count, at + inside)
        return bytes(count)

    def write(self, offset: int, data: bytes) -> None:
        """Write virtual content into the leaf, allocating the blocks that it touches."""
        if offset < 0 or offset + len(data) > self.infos[0].size:
            raise ValueError("beyond the end of the virtual disk")
        block_size = self.infos[0].block_size
        done = 0
        while done < len(data):
            block, inside = divmod(offset + done, block_size)
            part = data[done : done + block_size - inside]
            os.pwrite(self._files[0], part, self._allocated(block) + inside)
            done += len(part)

    def _allocated(self, block: int) -> int:
        at = self.block_at(0, block)
        if not at:
            content = self._read_inside(block, 0, self.infos[0].block_size)
            at = -(-os.fstat(self._files[0]).st_size // MIB) * MIB
            os.pwrite(self._files[0], content, at)
            os.pwrite(self._files[0], struct.pack("<Q", at | FULLY_PRESENT), self.infos[0].bat_position(block))
        return at

    def stamp(self, data_write: uuid.UUID) -> None:
        """Give the leaf a new data write GUID: the older header is overwritten and becomes the current one."""
        start = os.pread(self._files[0], START, 0)
        current = current_header(start)
        older = HEADERS[0] if current == HEADERS[1] else HEADERS[1]
        sequence = struct.unpack_from("<Q", start, current + 8)[0] + 1
        os.pwrite(self._files[0], header_bytes(sequence, data_write), older)
