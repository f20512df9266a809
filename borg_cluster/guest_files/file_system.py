"""A guest's file system, read in a child process (``guest_reader``) that can do nothing but ask for bytes and answer.

What the child says is as hostile as the file system that it reads: everything is checked here, and a child that says nothing for
``PATIENCE`` seconds, asks for ever, or crashes ends with an error, never with us.
"""

import importlib.util
import json
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from borg_cluster.core.file_system import FileSystem
from borg_cluster.errors import BorgClusterError, Refused

Read = Callable[[int, int], bytes]

PATIENCE = 120.0
"""Seconds of its own that the child may take for anything."""
PROGRAM = (sys.executable, "-P", "-m", "borg_cluster.guest_reader")
_FRAME = struct.Struct("<cI")
_WANT = struct.Struct("<QI")
_LONGEST_FRAME = 4 << 20
_LONGEST_WANT = 1 << 20
_MOST_WANTS = 1 << 20
"""Requests for bytes between two signs of progress: 64 GiB of them."""
_KINDS = frozenset({"file", "folder", "link", "special"})
_MODULES = {FileSystem.NTFS: "pyfsntfs", FileSystem.EXT: "pyfsext", FileSystem.XFS: "pyfsxfs"}
_DISTRIBUTIONS = {"pyfsntfs": "libfsntfs-python", "pyfsext": "libfsext-python", "pyfsxfs": "libfsxfs-python"}


class NotInVolume(Refused):
    """The volume has no such path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file, folder, link or special file; ``path`` from what was asked for (empty: itself); ``size`` bytes, of files.

    ``mtime_ns`` since the epoch; ``target`` of a link; ``refused``: why a file's content can't be had.
    """

    path: tuple[str, ...]
    kind: str
    size: int
    mtime_ns: int
    target: str | None
    refused: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Something below ``path`` that can't be read; ``broken``: the content of the file that was being read."""

    path: tuple[str, ...]
    message: str
    broken: bool


Answer = Entry | Complaint | bytes


class GuestVolume:
    """An open file system.

    Args:
        channel: to the child.
        read: gives the volume's bytes.
        patience: seconds.
    """

    def __init__(self, channel: socket.socket, read: Read, *, patience: float) -> None:
        channel.settimeout(patience)
        self._channel, self._read = channel, read

    def list(self, path: tuple[str, ...], *, children: bool = True, recursive: bool = False) -> Iterator[Entry | Complaint]:
        """Yield what is at a path, and what that holds if it is a folder. Raises NotInVolume or BorgClusterError."""
        for answer in self._ask(path, children=children, recursive=recursive, content=False):
            if not isinstance(answer, bytes):
                yield answer

    def get(self, path: tuple[str, ...]) -> Iterator[Answer]:
        """Yield what is at a path, with all that it holds; each file's content follows it, in pieces. Raises as ``list``."""
        return self._ask(path, children=True, recursive=True, content=True)

    def _ask(self, path: tuple[str, ...], **wanted: bool) -> Iterator[Answer]:
        self._send(b"Q", json.dumps({"path": path, **wanted}).encode())
        wants = 0
        while True:
            kind, content = self._receive()
            if kind == b"R":
                wants += 1
                if wants > _MOST_WANTS:
                    raise _astray("it reads for ever")
                self._give(content)
                continue
            wants = 0
            if kind == b"E":
                return
            yield content if kind == b"B" else _parse(kind, content)

    def _give(self, content: bytes) -> None:
        if len(content) != _WANT.size:
            raise _astray("it asks for nothing")
        offset, length = _WANT.unpack(content)
        if length > _LONGEST_WANT:
            raise _astray(f"it asks for {length} bytes at once")
        self._send(b"D", self._read(offset, length))

    def _send(self, kind: bytes, content: bytes) -> None:
        try:
            self._channel.sendall(_FRAME.pack(kind, len(content)) + content)
        except TimeoutError as error:
            raise _astray("it does not listen") from error
        except OSError as error:
            raise _astray("it crashed") from error

    def _receive(self) -> tuple[bytes, bytes]:
        kind, length = _FRAME.unpack(self._exactly(_FRAME.size))
        if kind not in b"RJBEX" or length > _LONGEST_FRAME:
            raise _astray("it says what makes no sense")
        return kind, self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            try:
                part = self._channel.recv(min(length - len(parts), 1 << 18))
            except TimeoutError as error:
                raise _astray("it does not come to an end") from error
            except OSError as error:
                raise _astray("it crashed") from error
            if not part:
                raise _astray("it crashed")
            parts += part
        return bytes(parts)


def _astray(why: str) -> BorgClusterError:
    hint = "if the guest itself can read it, please report that; `borg-cluster mount` gives the whole disk to other tools"
    return BorgClusterError(f"the file system's reader was stopped: {why}; the file system is damaged, or hostile", hint=hint)


def _parse(kind: bytes, content: bytes) -> Entry | Complaint:
    """Return what a frame tells. Raises NotInVolume, or BorgClusterError for nonsense too."""
    try:
        told = json.loads(content)
        if kind == b"X":
            raise NotInVolume(str(told["message"])) if told["code"] == "not_found" else BorgClusterError(str(told["message"]))
        path = tuple(str(name) for name in told["path"])
        if "complaint" in told or "broken" in told:
            return Complaint(path=path, message=str(told.get("complaint", told.get("broken"))), broken="broken" in told)
        if told["kind"] not in _KINDS or int(told["size"]) < 0:
            raise _astray("it says what makes no sense")
        return Entry(
            path=path,
            kind=told["kind"],
            size=int(told["size"]),
            mtime_ns=int(told["mtime_ns"]),
            target=None if told["target"] is None else str(told["target"]),
            refused=None if told["refused"] is None else str(told["refused"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _astray("it says what makes no sense") from error


@contextmanager
def open_volume(
    file_system: FileSystem, read: Read, size: int, *, patience: float = PATIENCE, program: tuple[str, ...] = PROGRAM
) -> Iterator[GuestVolume]:
    """Open a file system that lies on ``size`` bytes, which ``read`` gives. The child ends with the ``with``.

    Raises Refused if the library for it isn't installed; the volume's methods raise BorgClusterError if it can't be read.
    """
    module = _MODULES[file_system]
    if importlib.util.find_spec(module) is None:
        hint = f"pip install 'borg-cluster[files]', which brings {_DISTRIBUTIONS[module]}"
        raise Refused(f"the files of {file_system} can't be read: {_DISTRIBUTIONS[module]} is not installed", hint=hint)
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [*program, module, str(size)],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        with process:
            try:
                yield GuestVolume(ours, read, patience=patience)
            finally:
                process.kill()  # it holds nothing that could be lost
