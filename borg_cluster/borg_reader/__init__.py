"""Ranges of files in an archive, read without extracting the files: only the chunks that hold them are fetched.

Borg's command line extracts whole files only, and its FUSE mount needs FUSE. So Borg itself runs in a child process
(``child.py``) whose ``extract`` answers requests; it has Borg's environment and passphrase as every other borg that we run.
"""

import json
import struct
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from borg_cluster.borg_process import MOST_MESSAGES, Call, Message, Process, failure, parse_message, passphrase_pipe, started
from borg_cluster.errors import BorgFailed

PROGRAM = (sys.executable, "-P", str(Path(__file__).with_name("child.py")))
"""What is run in place of ``borg``."""

_REQUEST = struct.Struct("<IQI")
_ANSWER = struct.Struct("<IQQ")
_MOST_BYTES = 1 << 20
"""Of one request: bounds what either side holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file of the archive; ``mended``: `borg check --repair` has put zeros in the place of chunks that were lost."""

    size: int
    mended: bool


class _Gone(Exception):
    """The child's stream ended."""


class ArchiveReader:
    """Open files of one archive.

    ``files`` holds those of the wanted paths that the archive has. ``chunks_fetched`` and ``bytes_fetched`` (decrypted) count
    what came out of the repository for file content.
    """

    def __init__(self, process: Process, paths: tuple[str, ...]) -> None:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - for the type checker: pipes
        self._stdin: IO[bytes] = process.stdin
        self._stdout: IO[bytes] = process.stdout
        self._numbers = {path: number for number, path in enumerate(paths)}
        self.files: dict[str, OpenedFile] = {}
        self.chunks_fetched = 0
        self.bytes_fetched = 0

    def begin(self) -> None:
        """Say which files are wanted, and hear of them. Raises _Gone."""
        self._send(json.dumps(list(self._numbers)).encode() + b"\n")
        line = self._stdout.readline()
        if not line.endswith(b"\n"):
            raise _Gone
        for path, found in zip(self._numbers, json.loads(line), strict=True):
            if found["size"] is not None:
                self.files[path] = OpenedFile(size=found["size"], mended=found["mended"])

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Return bytes of a file; less where it ends. Raises BorgFailed (from ``open_archive``) if they can't be had."""
        parts = []
        end = min(offset + length, self.files[path].size)
        while offset < end:
            wanted = min(end - offset, _MOST_BYTES)
            self._send(_REQUEST.pack(self._numbers[path], offset, wanted))
            count, self.chunks_fetched, self.bytes_fetched = _ANSWER.unpack(self._receive(_ANSWER.size))
            parts.append(self._receive(count))
            if count != wanted:
                raise BorgFailed(f"borg gave {count} bytes of {path} at {offset}, not {wanted}")
            offset += wanted
        return b"".join(parts)

    def _send(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
            self._stdin.flush()
        except BrokenPipeError as error:
            raise _Gone from error

    def _receive(self, length: int) -> bytes:
        data = self._stdout.read(length)
        if len(data) != length:
            raise _Gone
        return data


@contextmanager
def open_archive(call: Call, paths: tuple[str, ...]) -> Iterator[ArchiveReader]:
    """Open files of an archive, in a child process that ends with the ``with``.

    Args:
        call: ``PROGRAM`` with borg's arguments for an extract.
        paths: archive paths of the files.

    Raises RepositoryRefused or BorgFailed, with borg's own reason, at once or while something is read.
    """
    # it only reads, and checks all that it reads: Borg's test of itself would double the time that a small file takes
    call = replace(call, environment={**call.environment, "BORG_SELFTEST": "disabled"})
    # The thread ends when borg's stderr does: borg is stopped before it is waited for.
    with passphrase_pipe(call.passphrase) as pipe, ThreadPoolExecutor(1) as threads, started(call, pipe) as process:
        telling = threads.submit(_listen, process)
        reader = ArchiveReader(process, paths)
        try:
            reader.begin()
            yield reader
        except _Gone as gone:
            raise _failure(call, process, telling) from gone
        with suppress(BrokenPipeError):
            reader._stdin.close()  # noqa: SLF001 - the child ends when nobody can ask any more
        process.wait()


def _listen(process: Process) -> list[Message]:
    messages: list[Message] = []
    for line in process.stderr or ():
        message = parse_message(line)
        if message["type"] == "log_message" and len(messages) < MOST_MESSAGES:
            messages.append(Message(level=message["levelname"], msgid=message.get("msgid"), text=message["message"]))
    return messages


def _failure(call: Call, process: Process, telling: Future[list[Message]]) -> Exception:
    return failure(call, process.wait(), telling.result())
