"""What files of an archive hold, for the child processes that run inside Borg's Python: chunks, and ranges fetched of them.

It knows Borg's objects by what they are asked here: an item's ``chunks``, an archive's ``pipeline.fetch_many``, the same in 1.4.0
and 1.4.5.
"""

from bisect import bisect_right
from collections import OrderedDict
from itertools import accumulate
from typing import Any

Borgs = Any
"""What is Borg's own and has no types."""
KEPT_BYTES = 64 << 20
"""Of chunks, decrypted. A chunk is 8 MiB at most by Borg's own limit for its rolling hash."""
_ID_SIZE = 32


class ChunkDamaged(Exception):
    """A chunk is not what the archive says of it."""


class Content:
    """What an item holds, in less than 50 bytes a chunk: the chunks' ids, and where in the file each begins.

    ``mended``: `borg check --repair` has put zeros in the place of lost chunks. ``linked``: another item holds the content.
    """

    def __init__(self, item: Borgs) -> None:
        self.mended = "chunks_healthy" in item
        self.linked = "chunks" not in item
        entries = () if self.linked else item.chunks
        self._ids = b"".join(entry.id for entry in entries)
        self.starts = [0, *accumulate(entry.size for entry in entries)]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return int(self.starts[-1])

    def chunk(self, number: int) -> bytes:
        """Return a chunk's id."""
        return self._ids[_ID_SIZE * number : _ID_SIZE * (number + 1)]


class Fetcher:
    """Gets chunks out of the repository, keeps the last ones, and counts what was got."""

    def __init__(self, archive: Borgs) -> None:
        self._archive = archive
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._kept_bytes = 0
        self.fetched_chunks = 0
        self.fetched_bytes = 0

    def read(self, content: Content, offset: int, length: int) -> bytes:
        """Return a range of a file; less where the file ends. Raises ChunkDamaged, or what Borg raises."""
        end = min(offset + length, content.size)
        parts = []
        number = bisect_right(content.starts, offset) - 1
        while offset < end:
            start, stop = content.starts[number : number + 2]
            data = self._chunk(content.chunk(number))
            if len(data) != stop - start:
                raise ChunkDamaged("a chunk has another length than its archive says")
            parts.append(data[offset - start : end - start])
            offset, number = stop, number + 1
        return b"".join(parts)

    def _chunk(self, identifier: bytes) -> bytes:
        if identifier in self._kept:
            self._kept.move_to_end(identifier)
            return self._kept[identifier]
        (data,) = (bytes(one) for one in self._archive.pipeline.fetch_many([identifier]))
        self.fetched_chunks += 1
        self.fetched_bytes += len(data)
        self._kept[identifier] = data
        self._kept_bytes += len(data)
        while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return data

    def forget(self) -> None:
        """Let go of what was fetched."""
        self._kept.clear()
        self._kept_bytes = 0
