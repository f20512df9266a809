"""Writing what a guest's file system holds below a folder of ours.

Names, links and sizes come from the guest, which may be hostile: everything is opened relative to the folder that it goes into,
no link is ever followed on the way, and a file appears under its name only when it is whole.
"""

import errno
import os
import posixpath
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from borg_cluster.errors import BorgClusterError, Refused
from borg_cluster.guest_files.file_system import Answer, Complaint, Entry

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Written:
    """What was written: ``size`` bytes of ``files``; ``folders``, ``links``; ``skipped``: (path, why it was not)."""

    files: int = 0
    size: int = 0
    folders: int = 0
    links: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class _OpenFolder:
    """A folder under way: its descriptor, and the time it gets when all is in it."""

    path: tuple[str, ...]
    handle: int
    mtime_ns: int


class Writer:
    """Writes one answer (``GuestVolume.get``) below a folder.

    Args:
        parent: the folder, which is there.
        name: what the file or folder is called in it.
        overwrite: whether what is there already may be replaced.
        heed: hears of the bytes written so far, and of what is under way.
    """

    def __init__(self, parent: Path, name: str, *, overwrite: bool, heed: Callable[[int, str], None]) -> None:
        self._parent, self._name, self._overwrite, self._heed = parent, name, overwrite, heed
        self.written = Written()
        self._folders: list[_OpenFolder] = []

    def write(self, answers: Iterator[Answer]) -> Written:
        """Write everything. Raises Refused (something is in the way) before, BorgClusterError after something was written."""
        with ExitStack() as stack:
            top = os.open(self._parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, top)
            stack.callback(self._close_folders, 0)
            pieces = _Pieces(answers)
            for entry in pieces:
                if isinstance(entry, Complaint):
                    self._skip(entry.path, entry.message)
                elif not entry.path:
                    self._write(entry, top, self._name, pieces)
                else:
                    self._write_below(entry, pieces)
            self._close_folders(0)
        return self.written

    def _write_below(self, entry: Entry, pieces: "_Pieces") -> None:
        while self._folders and self._folders[-1].path != entry.path[:-1]:
            if len(self._folders[-1].path) < len(entry.path):
                return  # its folder was not made, which is told
            self._close_folders(len(self._folders) - 1)
        if not self._folders:
            return
        problem = _unsafe(entry.path[-1])
        if problem is not None:
            self._skip(entry.path, problem)
            return
        self._write(entry, self._folders[-1].handle, entry.path[-1], pieces)

    def _write(self, entry: Entry, parent: int, name: str, pieces: "_Pieces") -> None:
        if entry.refused is not None:
            self._skip(entry.path, entry.refused)
            return
        try:
            if entry.kind == "folder":
                self._make_folder(entry, parent, name)
            elif entry.kind == "link":
                self._make_link(entry, parent, name)
            else:
                self._write_file(entry, parent, name, pieces)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}:
                raise BorgClusterError(f"{self._shown(entry.path)} can't be written: {error.strerror}") from error
            self._skip(entry.path, f"it can't be written: {error.strerror}")

    def _make_folder(self, entry: Entry, parent: int, name: str) -> None:
        try:
            os.mkdir(name, dir_fd=parent)
        except FileExistsError:
            if not self._overwrite:
                raise
        handle = os.open(name, _FOLDER, dir_fd=parent)
        self._folders.append(_OpenFolder(path=entry.path, handle=handle, mtime_ns=entry.mtime_ns))
        self.written.folders += 1

    def _make_link(self, entry: Entry, parent: int, name: str) -> None:
        target = entry.target or ""
        if not _stays_inside(entry.path, target):
            self._skip(entry.path, f"it is a link to {target}, which is not below the folder")
            return
        self._replace(parent, name, lambda temporary: os.symlink(target, temporary, dir_fd=parent))
        self.written.links += 1

    def _write_file(self, entry: Entry, parent: int, name: str, pieces: "_Pieces") -> None:
        room = os.fstatvfs(parent)
        if entry.size > room.f_bavail * room.f_frsize:
            raise BorgClusterError(
                f"{self._shown(entry.path)} has {entry.size} bytes, and there is room for {room.f_bavail * room.f_frsize} only"
            )

        def make(temporary: str) -> None:
            handle = os.open(temporary, _NEW_FILE, 0o666, dir_fd=parent)
            with os.fdopen(handle, "wb", buffering=0) as file:
                for piece in pieces.content():
                    file.write(piece)
                    self.written.size += len(piece)
                    self._heed(self.written.size, self._shown(entry.path))
                _set_time(file.fileno(), entry.mtime_ns)
            if pieces.broken is not None:
                raise _Broken(pieces.broken)

        try:
            self._replace(parent, name, make)
        except _Broken as broken:
            self._skip(entry.path, str(broken))
        else:
            self.written.files += 1

    def _replace(self, parent: int, name: str, make: Callable[[str], None]) -> None:
        """Make something under a name of its own, then give it its name; nothing of it stays if that fails."""
        temporary = f".borg-cluster-{secrets.token_hex(8)}"
        try:
            make(temporary)
            if self._overwrite:
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            else:
                _name(parent, temporary, name)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=parent)
            raise

    def _close_folders(self, keep: int) -> None:
        while len(self._folders) > keep:
            folder = self._folders.pop()
            _set_time(folder.handle, folder.mtime_ns)
            os.close(folder.handle)

    def _skip(self, path: tuple[str, ...], why: str) -> None:
        self.written.skipped.append((self._shown(path), why))

    def _shown(self, path: tuple[str, ...]) -> str:
        return posixpath.join(self._name, *path)


class _Broken(Exception):
    """A file's content could not be read to its end."""


class _Pieces:
    """An answer, entry by entry; ``content`` yields the bytes that follow one. ``broken``: why these were not all."""

    def __init__(self, answers: Iterator[Answer]) -> None:
        self._answers = answers
        self._next: Answer | None = None
        self.broken: str | None = None

    def __iter__(self) -> "_Pieces":
        return self

    def __next__(self) -> Entry | Complaint:
        for _ in self.content():
            pass  # of a file that is not written
        if self._next is None:
            raise StopIteration
        answer, self._next = self._next, None
        if isinstance(answer, bytes):
            raise BorgClusterError("the file system's reader gave content of no file")
        return answer

    def content(self) -> Iterator[bytes]:
        """Yield the content of the entry that came last."""
        self.broken = None
        while self._next is None:
            self._next = next(self._answers, None)
            if isinstance(self._next, bytes):
                piece, self._next = self._next, None
                yield piece
            elif isinstance(self._next, Complaint) and self._next.broken:
                self.broken, self._next = self._next.message, None
            else:
                return


def _name(parent: int, temporary: str, name: str) -> None:
    """Give a file its name, unless something has it. Raises FileExistsError."""
    try:
        os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        try:
            os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            return
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
    os.unlink(temporary, dir_fd=parent)


def _set_time(handle: int, mtime_ns: int) -> None:
    with suppress(OSError, OverflowError):  # a time that this file system doesn't know
        os.utime(handle, ns=(mtime_ns, mtime_ns))


def _unsafe(name: str) -> str | None:
    """Return why a file can't have this name here."""
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        return "its name is none that a file can have"
    try:
        os.fsencode(name)
    except ValueError:
        return "its name can't be written in UTF-8"
    return None


def _stays_inside(path: tuple[str, ...], target: str) -> bool:
    """Return whether a link at ``path`` leads below the folder that all of it is in.

    Steps up are allowed only at its beginning, where they lead through real folders; then nothing of it can lead further up
    through another link.
    """
    names = target.split("/")
    up = len(names) - len(names[next((at for at, name in enumerate(names) if name != ".."), len(names)) :])
    return bool(target) and not target.startswith("/") and up < len(path) and ".." not in names[up:] and "\\" not in target


def refuse_what_is_there(parent: Path, name: str, *, overwrite: bool) -> None:
    """Refuse a place that is taken, or a folder that isn't there, before anything is read."""
    if not parent.is_dir():
        raise Refused(f"{parent} is no folder", hint=f"mkdir {parent}")
    if not overwrite and os.path.lexists(parent / name):
        raise Refused(f"{parent / name} is there already", hint="--overwrite replaces it")
