"""Starts borg without loading it anew each time: loading takes two thirds of what a short command costs.

One child process (``child.py``) has Borg loaded and forks itself for each command. Only the `borg` that is installed beside us is
started so, in the Python that runs us, and only if its script does nothing but call Borg's own entry point; any other, or one
whose modules can't be loaded, is started as every program is.
"""

import atexit
import json
import logging
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Self

BESIDE = Path(sys.executable).with_name("borg")
"""The borg that is installed with us."""
_CHILD = Path(__file__).with_name("child.py")
_ENTRY_POINT = b"\nfrom borg.archiver import main\n"
_MOST_READ = 4096
_NUMBER = struct.Struct("<i")
_READY = b"ready"
_AT_IMPORT = ("BORG_EXIT_CODES", "BORG_HOST_ID", "LANG", "LC_ALL", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "TZ")
"""Of the environment, what Python and Borg look at while they are loaded: another value takes another child process."""
_log = logging.getLogger(__name__)
_KILLED = -signal.SIGKILL
_LONGEST_NAME = 15
"""Bytes of a process's name that Linux keeps."""


class Forked:
    """A running borg, as ``subprocess.Popen`` has it."""

    def __init__(self, channel: socket.socket, streams: Sequence[int]) -> None:
        self._channel = channel
        self.stdin: IO[bytes] = os.fdopen(streams[0], "wb")
        self.stdout: IO[bytes] = os.fdopen(streams[1], "rb")
        self.stderr: IO[bytes] = os.fdopen(streams[2], "rb")
        self.pid = self._receive() or 0
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, None as long as it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended: its exit code, or less a signal's number. Raises TimeoutExpired after ``timeout`` seconds."""
        ended = self._look(timeout)
        if ended is None:
            raise subprocess.TimeoutExpired("borg", timeout or 0)
        return ended

    def terminate(self) -> None:
        """Send SIGTERM; harmless when it has ended."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL; harmless when it has ended."""
        self._send(signal.SIGKILL)

    def __enter__(self) -> Self:
        """Let the command be waited for at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close its streams and wait for it."""
        for stream in (self.stdout, self.stderr, self.stdin):
            with suppress(BrokenPipeError):  # as with any process: it ended before it read all
                stream.close()
        self.wait()
        self._channel.close()

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._channel], [], [], timeout)[0]:
            ended = self._receive()
            self.returncode = _KILLED if ended is None else ended
        return self.returncode

    def _receive(self) -> int | None:
        """Return the next number; None if the child process is gone, and how borg ends can't be known."""
        told = b""
        with suppress(ConnectionError):
            while len(told) < _NUMBER.size and (part := self._channel.recv(_NUMBER.size - len(told))):
                told += part
        return int(_NUMBER.unpack(told)[0]) if len(told) == _NUMBER.size else None

    def _send(self, number: int) -> None:
        if self.returncode is not None:
            return
        try:
            self._channel.sendall(bytes([number]))
        except OSError:
            if self.pid:
                _kill(self.pid, number)


class _Starter:
    """The child process. ``reason`` says why it starts nothing, None if it does."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                (sys.executable, "-P", os.fspath(_CHILD), str(theirs.fileno())),
                stdin=subprocess.PIPE,  # pipes, as every borg gets them: Python looks once at what they are
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                cwd="/",
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C reaches us alone
            )
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None  # noqa: S101 - for the type checker: all are pipes
            stream.close()
        said = self._ours.recv(_MOST_READ)
        self.reason = None if said == _READY else f"Borg can't be loaded: {said.decode(errors='replace') or 'it ended'}"

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, folder: str | None, passphrase: int | None
    ) -> Forked | None:
        """Return the command, which runs; None if the child process is gone."""
        pipes = [os.pipe() for _ in range(3)]
        (reading, _), (_, out), (_, err) = pipes
        ours = (pipes[0][1], pipes[1][0], pipes[2][0])
        channel, theirs = socket.socketpair()
        told = {
            "arguments": list(arguments),
            "environment": dict(environment),
            "folder": folder or _here(),
            "shown": _shown(arguments),
        }
        given = (reading, out, err, theirs.fileno(), *(() if passphrase is None else (passphrase,)))
        try:
            socket.send_fds(self._ours, [b"."], given)
            channel.sendall(json.dumps(told).encode() + b"\n")
        except OSError:
            channel.close()
            for end in ours:
                os.close(end)
            return None
        finally:
            theirs.close()
            for end in (reading, out, err):
                os.close(end)
        return Forked(channel, ours)

    def end(self) -> None:
        """Let the child process end, and whatever it still runs."""
        self._ours.close()
        self._process.wait()


_LOCK = Lock()
_RUNNING: dict[tuple[object, ...], _Starter] = {}
"""By who started it (a fork of ours starts its own) and in which environment."""


def start(
    arguments: Sequence[str], environment: Mapping[str, str], *, folder: str | None = None, passphrase: int | None = None
) -> Forked | None:
    """Start a borg whose modules are loaded already.

    Args:
        arguments: the program and what follows it.
        environment: all of its environment.
        folder: where it runs; None: here.
        passphrase: descriptor from which it reads the passphrase.

    Returns None if that can't be: start it as any program then.
    """
    reason = refusal(arguments[0])
    if reason is not None:
        return _not_so(reason)
    loaded = {name: environment[name] for name in _AT_IMPORT if name in environment}
    key = (os.getpid(), *loaded.items())
    with _LOCK:
        starter = _RUNNING.get(key)
        if starter is None:
            starter = _RUNNING[key] = _Starter(loaded)
        if starter.reason is not None:
            return _not_so(starter.reason)
        forked = starter.start(arguments, environment, folder=folder, passphrase=passphrase)
        if forked is None:
            _RUNNING.pop(key).end()
            _log.info("what starts borg is gone, and is made anew for the next command")
        return forked


@cache
def _not_so(reason: str) -> None:
    """Say once why a borg is loaded anew for each command."""
    _log.info("borg is loaded anew for each command: %s", reason)


def refusal(program: str) -> str | None:
    """Return why a program is not started so, as far as can be told without trying, or None."""
    if Path(program) != BESIDE:
        return f"{program} is not the Borg that is installed with us"
    try:
        with BESIDE.open("rb") as script:
            known = _ENTRY_POINT in script.read(_MOST_READ)
    except OSError as error:
        return f"{BESIDE} can't be read: {error.strerror}"
    return None if known else f"{BESIDE} is not the script that Borg installs"


def end() -> None:
    """End the child processes of this process; the next command makes another."""
    with _LOCK:
        for key in [key for key in _RUNNING if key[0] == os.getpid()]:
            _RUNNING.pop(key).end()


atexit.register(end)


def _shown(arguments: Sequence[str]) -> str:
    """Return what `ps` is to show: ``borg create``."""
    commands = (word for word in arguments[1:] if word.isalpha())
    return f"borg {next(commands, '')}"[:_LONGEST_NAME]


def _here() -> str | None:
    try:
        return os.fspath(Path.cwd())
    except FileNotFoundError:
        return None  # it was deleted; borg works by absolute paths


def _kill(number: int, which: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, which)
