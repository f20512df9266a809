"""What an archive really holds, read from ``borg debug dump-archive``: the only command that tells the ordered chunk ids.

The dump is JSON, an item after the other, a chunk on three lines. A file of 16 TiB has millions of chunks, so lines are
read as they come and only a hash of the ids is kept.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

_ITEMS = b'    "_items": [\n'
_ITEM_BEGINS = b"    {\n"
_ITEM_ENDS = (b"    }\n", b"    },\n")
_CHUNKS_BEGIN = b'        "chunks": [\n'
_CHUNKS_END = (b"        ]\n", b"        ],\n")
_CHUNK_ID = b" " * 16 + b'"'
_NOT_UTF8 = "\x7f"
"""Borg's sign before a name in hex."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """An item of an archive: ``kind`` as `ls -l` shows it ('-' file, 'd' folder, 'l' symlink); ``mtime_ns`` since the epoch.

    ``chunk_hash`` is a hash of the ordered chunk ids: equal hashes, equal content. None for what has no content of its own.
    ``same_as`` is the path of the item whose content a hard link shares.
    """

    path: str
    kind: str
    size: int
    mtime_ns: int
    chunk_hash: str | None
    same_as: str | None


def read_items(dump: IO[bytes]) -> Iterator[StoredFile]:
    """Yield the items of a dump in the archive's order. Raises ValueError if the dump is not whole."""
    for line in dump:
        if line == _ITEMS:
            break
    for line in dump:
        if line == _ITEM_BEGINS:
            yield _read_item(dump)
        elif line.startswith(b"    ]"):
            return
    raise ValueError("borg's dump of the archive ends early")


def _read_item(dump: IO[bytes]) -> StoredFile:
    lines = [b"{"]
    chunks = _Chunks()
    for line in dump:
        if line == _CHUNKS_BEGIN:
            lines.append(b'"chunks": null' + chunks.read(dump))
        elif line in _ITEM_ENDS:
            return _item(json.loads(b"".join((*lines, b"}"))), chunks)
        else:
            lines.append(line)
    raise ValueError("borg's dump of the archive ends in an item")


class _Chunks:
    """The ordered chunks of one item."""

    def __init__(self) -> None:
        self.size = 0
        self.ids = hashlib.sha256()

    def read(self, dump: IO[bytes]) -> bytes:
        """Read up to the end of the list; return what follows it there: a comma or nothing."""
        for line in dump:
            if line.startswith(_CHUNK_ID):
                self.ids.update(line.strip(b' ",\n') + b"\n")
                self.size += int(next(dump).strip(b" ,\n"))
            elif line in _CHUNKS_END:
                return line.strip(b" ]\n")
        raise ValueError("borg's dump of the archive ends in a list of chunks")


def _item(fields: dict[str, Any], chunks: _Chunks) -> StoredFile:
    kind = stat.filemode(fields["mode"])[0]
    source = fields.get("source") if kind == "-" else None  # a symlink's source is its target
    return StoredFile(
        path=_path(fields["path"]),
        kind=kind,
        size=int(fields.get("size", chunks.size)),
        mtime_ns=fields["mtime"],
        chunk_hash=chunks.ids.hexdigest() if kind == "-" and source is None else None,
        same_as=None if source is None else _path(source),
    )


def _path(text: str) -> str:
    if not text.startswith(_NOT_UTF8):
        return text
    return os.fsdecode(bytes.fromhex(text.removeprefix(_NOT_UTF8)))
