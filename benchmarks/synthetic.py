"""Borg's create, or the child of changed blocks, with chunks that only seem to be there: for the memory that a large disk needs.

Run as ``python synthetic.py plain|REQUEST BORG-ARGUMENTS...``. All but a file's first and last chunks get an id of their own
and are put into Borg's index without being read or stored. Such a repository is of no use for anything else.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from borg_cluster.changed_blocks.__main__ import main

REAL = 8 << 20
"""Bytes at the beginning of a file that are read: headers and tables."""


@dataclass(slots=True)
class Seems:
    """A chunk that only seems to be there."""

    identifier: bytes
    size: int


def arm() -> None:
    """Put the chunks that seem in the place of those that are read."""
    archive: Any = import_module("borg.archive")
    cache_module: Any = import_module("borg.cache")
    stock = archive.FilesystemObjectProcessors
    init, chunks_of = stock.__init__, archive.ChunksProcessor.process_file_chunks

    class Seeming:
        def __init__(self, size: int) -> None:
            self.size = size

        def chunkify(self, fd: Any = None, fh: int = -1) -> Iterator[Any]:
            end = os.fstat(fh).st_size
            for start in range(0, end, self.size):
                length = min(self.size, end - start)
                if start < REAL or length < self.size:
                    yield archive.Chunk(os.pread(fh, length, start), size=length, allocation=0)
                else:
                    yield Seems(hashlib.sha256(f"{end} {start}".encode()).digest(), length)

    def begin(self: Any, *, chunker_params: Any, **others: Any) -> None:
        init(self, chunker_params=chunker_params, **others)
        self.chunker = Seeming(chunker_params[1])

    def process(self: Any, item: Any, cache: Any, stats: Any, show: Any, chunk_iter: Any, chunk_processor: Any = None) -> None:
        def one(chunk: Any) -> Any:
            if not isinstance(chunk, Seems):
                identifier, data = archive.cached_hash(chunk, self.key.id_hash)
                return cache.add_chunk(identifier, data, stats, wait=False)
            if not cache.seen_chunk(chunk.identifier):
                cache.chunks.add(chunk.identifier, 1, chunk.size, chunk.size)
                return cache_module.ChunkListEntry(chunk.identifier, chunk.size, chunk.size)
            return cache.chunk_incref(chunk.identifier, stats)

        chunks_of(self, item, cache, stats, show, chunk_iter, chunk_processor=chunk_processor or one)

    stock.__init__ = begin
    archive.ChunksProcessor.process_file_chunks = process


if __name__ == "__main__":
    if sys.argv[1] == "plain":
        arm()
        borg: Any = import_module("borg.archiver")
        sys.argv = ["borg", *sys.argv[2:]]
        borg.main()
    else:
        main(sys.argv[1:])
