"""A file system as folders and entries, whichever of libyal's libraries reads it."""

import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Yal = Any
"""What is libyal's own and has no types."""
_FILETIME_EPOCH = 116444736000000000
"""Of NTFS: 100 ns since 1601."""
_MFT_RESERVED = 16
"""Files of NTFS itself: $MFT, $LogFile, ... The root has number 5."""
_MFT_NUMBER = (1 << 48) - 1
_NTFS_REPARSE, _NTFS_ENCRYPTED = 0x400, 0x4000
_MOST_LINKS = 40
"""Symbolic links on one way, as Linux has it."""
_DRIVE = re.compile(r"^(\\\?\?\\)?[A-Za-z]:\\")
"""Before the path of a link of NTFS: taken for the volume that the link lies on."""
LIBYALS = (OSError, ValueError, OverflowError, MemoryError)
"""What libyal raises for whatever it finds wrong."""


class Refusal(Exception):
    """Why something can't be had; ``code`` for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or link; ``refused``: why its content is not to be had."""

    yal: Yal
    name: str
    number: int
    kind: str
    size: int
    mtime_ns: int
    target: str | None
    refused: str | None

    def facts(self, path: list[str]) -> dict[str, object]:
        """Return what the parent is told; ``path`` from the top of what was asked for."""
        return {
            "path": path,
            "kind": self.kind,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "target": self.target,
            "refused": self.refused,
        }


def describe_posix(yal: Yal, name: str) -> Entry:
    """Return an entry of ext4 or XFS."""
    mode = yal.file_mode
    kind = "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "link" if stat.S_ISLNK(mode) else "special"
    return Entry(
        yal=yal,
        name=name,
        number=yal.inode_number,
        kind=kind,
        size=yal.size if kind == "file" else 0,
        mtime_ns=yal.get_modification_time_as_integer(),
        target=yal.symbolic_link_target if kind == "link" else None,
        refused="it is a device, a pipe or a socket" if kind == "special" else None,
    )


def describe_ntfs(yal: Yal, name: str) -> Entry:
    """Return an entry of NTFS. Without standard information (a damaged entry) there are no flags."""
    flags = yal.file_attribute_flags or 0
    target = yal.symbolic_link_target if flags & _NTFS_REPARSE else None
    kind = "link" if target is not None else "folder" if yal.has_directory_entries_index() else "file"
    refused = None
    if kind == "file" and flags & _NTFS_ENCRYPTED:
        refused = "it is encrypted (EFS)"
    elif kind == "file" and flags & _NTFS_REPARSE and not yal.has_alternate_data_stream_by_name("WofCompressedData"):
        refused = "it is deduplicated, or kept elsewhere (a reparse point): its content is not in the file"
    return Entry(
        yal=yal,
        name=name,
        number=yal.file_reference & _MFT_NUMBER,
        kind=kind,
        size=yal.size if kind == "file" else 0,
        mtime_ns=(yal.get_modification_time_as_integer() - _FILETIME_EPOCH) * 100,
        target=target,
        refused=refused,
    )


class Tree:
    """One file system, whichever library reads it."""

    def __init__(self, module: Yal, volume: object) -> None:
        self._ntfs = module.__name__ == "pyfsntfs"
        self._volume = module.volume()
        self._volume.open_file_object(volume)
        self.root = self._describe(self._volume.get_root_directory(), "")

    def _describe(self, yal: Yal, name: str) -> Entry:
        return describe_ntfs(yal, name) if self._ntfs else describe_posix(yal, name)

    def children(self, folder: Entry, complain: Callable[[str], None]) -> Iterator[Entry]:
        """Yield what a folder holds; ``complain`` hears of what can't be read."""
        for index in range(folder.yal.number_of_sub_file_entries):
            try:
                yal = folder.yal.get_sub_file_entry(index)
                entry = self._describe(yal, yal.name or "")
            except LIBYALS as error:
                complain(f"an entry can't be read: {first_cause(error)}")
                continue
            if entry.name in {".", ".."} or (self._ntfs and entry.number < _MFT_RESERVED):
                continue
            yield entry

    def find(self, names: list[str]) -> Entry:
        """Return the entry on a path from the root; links on the way are followed, inside of this file system."""
        way = [self.root]
        left = list(reversed(names))
        links = 0
        while left:
            name = left.pop()
            if name == "..":
                way = way[:-1] or [self.root]
                continue
            if name in {"", "."}:
                continue
            if way[-1].kind != "folder":
                raise Refusal("not_found", f"{way[-1].name!r} is no folder")
            entry = self._child(way[-1], name)
            if entry.kind == "link":
                links += 1
                if links > _MOST_LINKS:
                    raise Refusal("not_found", "too many symbolic links on the way")
                target = _DRIVE.sub("/", entry.target or "").replace("\\", "/") if self._ntfs else entry.target or ""
                way = [self.root] if target.startswith("/") else way
                left += reversed(target.split("/"))
                continue
            way = [*way, entry]
        return way[-1]

    def _child(self, folder: Entry, name: str) -> Entry:
        found = None
        for entry in self.children(folder, lambda _: None):
            if entry.name == name:
                return entry
            if self._ntfs and found is None and entry.name.casefold() == name.casefold():
                found = entry
        if found is None:
            raise Refusal("not_found", f"there is no {name!r} in it")
        return found


def first_cause(error: BaseException) -> str:
    """Return the innermost of the sentences that libyal strings together, after that of Python's binding."""
    sentences = str(error).split(". ")
    return sentences[min(1, len(sentences) - 1)].strip(".")[:200] or type(error).__name__
