"""The child process of ``borg_reader``: Borg itself, whose ``extract`` answers requests for ranges of files.

Run by its path, as ``python child.py BORG-ARGUMENTS extract ::ARCHIVE``: so little of borg_cluster is loaded. Everything but the
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
from typing import IO

from borg import archiver
from borg.helpers import Manifest

from borg_cluster.borg_content import Borgs, Content, Fetcher

borg_archiver: Borgs = archiver

REQUEST = struct.Struct("<IQI")
ANSWER = struct.Struct("<IQQ")


def find(archive: Borgs, wanted: list[str]) -> dict[str, Content]:
    """Return what the wanted files hold, those that there are. A hard link has its source's."""
    sources: dict[str, list[str]] = {path: [path] for path in wanted}
    found: dict[str, Content] = {}
    for _ in range(2):  # a link's source is no link
        again: dict[str, list[str]] = {}
        for item in archive.iter_items():
            if item.path not in sources:
                continue
            if "chunks" in item:
                for path in sources[item.path]:
                    found[path] = Content(item)
            elif "source" in item and stat.S_ISREG(item.mode):
                again.setdefault(item.source, []).extend(sources[item.path])
        if not again:
            break
        sources = again
    return found


def serve(archive: Borgs, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    wanted = json.loads(requests.readline() or b"[]")
    found = find(archive, wanted)
    files = [
        {"size": found[path].size, "mended": found[path].mended} if path in found else {"size": None, "mended": False}
        for path in wanted
    ]
    answers.write(json.dumps(files).encode() + b"\n")
    answers.flush()
    fetcher = Fetcher(archive)
    while len(request := requests.read(REQUEST.size)) == REQUEST.size:
        number, offset, length = REQUEST.unpack(request)
        data = fetcher.read(found[wanted[number]], offset, length)
        answers.write(ANSWER.pack(len(data), fetcher.fetched_chunks, fetcher.fetched_bytes))
        answers.write(data)
        answers.flush()


def _extract(borg: Borgs, _args: object, *, archive: Borgs, **_others: object) -> int:
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
