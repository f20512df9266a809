"""The child process of ``borg_reader``: Borg itself, whose ``extract`` answers requests for ranges of files.

Run by its path, as ``python child.py BORG-ARGUMENTS extract ::ARCHIVE``; it imports nothing of borg_cluster. Everything but the
one command stays Borg's: arguments, log, exit codes, signals, and the shared lock on the repository, held until stdin ends.

First a line of JSON comes in, the list of the wanted paths, and a line of JSON goes out: for each its size, None where the
archive has no such file, and whether `borg check --repair` has put zeros for lost chunks into it. Then each request is answered:
``REQUEST`` (number in that list, offset, length) by ``ANSWER`` (length, chunks and bytes fetched so far) and the bytes.

Borg promises no Python API; these names are the same in 1.4.0 and 1.4.5, and pyproject pins 1.4: ``Archiver.do_extract``,
``with_repository``, ``with_archive``, ``Manifest.Operation.READ``, ``Archive.iter_items``, ``Archive.pipeline.fetch_many``.
"""

import json
import os
import stat
import struct
from bisect import bisect_right
from collections import OrderedDict
from itertools import accumulate
from typing import IO, Any

from borg import archiver
from borg.helpers import Manifest

_Borgs = Any
"""What is Borg's own and has no types."""
borg_archiver: _Borgs = archiver

REQUEST = struct.Struct("<IQI")
ANSWER = struct.Struct("<IQQ")
CACHED_BYTES = 64 << 20
"""Of chunks, decrypted. A chunk is 8 MiB at most by Borg's own limit for its rolling hash."""


class Chunks:
    """The content of one file: its chunks, and where in it each begins."""

    def __init__(self, entries: _Borgs) -> None:
        self.ids = [entry.id for entry in entries]
        self.starts = [0, *accumulate(entry.size for entry in entries)]
        self.size = self.starts[-1]


class Fetcher:
    """Gets chunks out of the repository, keeps the last ones, and counts."""

    def __init__(self, archive: _Borgs) -> None:
        self._archive = archive
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._kept_bytes = 0
        self.fetched_chunks = 0
        self.fetched_bytes = 0

    def read(self, file: Chunks, offset: int, length: int) -> bytes:
        """Return a range of a file; less where the file ends."""
        end = min(offset + length, file.size)
        parts = []
        number = bisect_right(file.starts, offset) - 1
        while offset < end:
            start, stop = file.starts[number : number + 2]
            data = self._chunk(file.ids[number])
            if len(data) != stop - start:
                raise ValueError("a chunk has another length than the archive says")
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
        while self._kept_bytes > CACHED_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return data


def find(archive: _Borgs, wanted: list[str]) -> tuple[dict[str, Chunks], set[str]]:
    """Return the content of the wanted files, and which of them Borg has mended with zeros. A hard link has its source's."""
    sources: dict[str, list[str]] = {path: [path] for path in wanted}
    found: dict[str, Chunks] = {}
    mended: set[str] = set()
    for _ in range(2):  # a link's source is no link
        again: dict[str, list[str]] = {}
        for item in archive.iter_items():
            if item.path not in sources:
                continue
            if "chunks" in item:
                for path in sources[item.path]:
                    found[path] = Chunks(item.chunks)
                    if "chunks_healthy" in item:
                        mended.add(path)
            elif "source" in item and stat.S_ISREG(item.mode):
                again.setdefault(item.source, []).extend(sources[item.path])
        if not again:
            break
        sources = again
    return found, mended


def serve(archive: _Borgs, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    wanted = json.loads(requests.readline() or b"[]")
    found, mended = find(archive, wanted)
    files = [{"size": found[path].size if path in found else None, "mended": path in mended} for path in wanted]
    answers.write(json.dumps(files).encode() + b"\n")
    answers.flush()
    fetcher = Fetcher(archive)
    while len(request := requests.read(REQUEST.size)) == REQUEST.size:
        number, offset, length = REQUEST.unpack(request)
        data = fetcher.read(found[wanted[number]], offset, length)
        answers.write(ANSWER.pack(len(data), fetcher.fetched_chunks, fetcher.fetched_bytes))
        answers.write(data)
        answers.flush()


def _extract(borg: _Borgs, _args: object, *, archive: _Borgs, **_others: object) -> int:
    """Stand in for ``Archiver.do_extract``: extract ranges of files, as they are asked for on stdin."""
    serve(archive, _REQUESTS, _ANSWERS)
    return int(borg.exit_code)


if __name__ == "__main__":
    # Borg asks people on stdin, where our requests come: it finds nobody there
    _REQUESTS, _ANSWERS = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
        os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
    opened = borg_archiver.with_repository(compatibility=(Manifest.Operation.READ,))
    borg_archiver.Archiver.do_extract = opened(borg_archiver.with_archive(_extract))
    borg_archiver.main()
