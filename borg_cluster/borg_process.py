"""One run of the borg process: its environment, its streams, and what its exit code and message ids mean.

Borg speaks JSON lines on stderr; what a command answers comes on stdout. Everything is read as it comes, so that neither pipe
fills up, and the caller's thread gets each message. Whatever ends the caller ends borg as well, by SIGTERM: it then rolls back
and lets go of its lock.
"""

import json
import os
import pwd
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, TypeVar

from borg_cluster import borg_starter
from borg_cluster.core.policy import BorgSettings
from borg_cluster.errors import BorgClusterError, BorgFailed, RepositoryRefused, UsageError
from borg_cluster.stopping import Stop

T = TypeVar("T")
Process = subprocess.Popen[bytes] | borg_starter.Forked
"""A running borg."""

_INHERITED = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "KRB5CCNAME", "BORG_HOST_ID")
"""What borg and the ssh that it starts need of our own environment; the rest, BORG_* above all, stays out."""
_ALLOCATING = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""Of the C library: borg's chunks (8 MiB at most) are then not given back to the system and fetched anew one by one, which is a
third of what a create otherwise spends in the kernel; its peak of memory stays the same (measured: 1.4.5, glibc 2.36)."""
_FIRST_WARNING = 100
_WARNINGS = {1, *range(_FIRST_WARNING, 126)}  # a shell's 126 and 127 say that there was no borg to run
_CRASHED = "Traceback (most recent call last)"
"""Python's own end has code 1 as well: borg that can't even start has warned of nothing and done nothing."""
_UNFORESEEN = {"Local Exception", "Remote Exception"}
_EXCEPTION = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|Warning): ")
_PATIENCE = 60
"""Seconds that borg gets to roll back after SIGTERM."""
MOST_MESSAGES = 1000
"""More warnings than that are counted, not kept."""

_HINTS = {
    "Repository.DoesNotExist": "is its path right, is its disk mounted? Else make it: borg-cluster repo-create",
    "Repository.ParentPathDoesNotExist": "is its path right, its disk mounted? Else mkdir and borg-cluster repo-create",
    "Repository.InvalidRepository": "look at the path under repositories: in the configuration",
    "PassphraseWrong": "look at encryption_passphrase: or encryption_passcommand: in the configuration",
    "PasscommandFailure": "run encryption_passcommand: by hand",
    "NoPassphraseFailure": "set encryption_passphrase: in the configuration",
    "LockTimeout": "another borg works on it: wait for it, or give borg: lock_wait: more seconds; if none does: "
    "borg break-lock {repository}",
    "Cache.CacheInitAbortedError": "if you trust it, answer borg once by hand: borg list {repository}",
    "Cache.RepositoryAccessAborted": "if you trust it, answer borg once by hand: borg list {repository}",
    "ConnectionClosedWithHint": "try: ssh to that host, and borg --version there",
    "ConnectionClosed": "try: ssh to that host, and borg --version there",
}
_KEYS, _CACHES, _LOCKS, _CONNECTIONS = range(40, 54), range(60, 65), range(70, 76), range(80, 88)
_REFUSALS = frozenset({10, 11, 12, 13, 15, 16, 18, 19, 21, 25, 26, 27, *_KEYS, *_CACHES, *_LOCKS, *_CONNECTIONS})
"""Exit codes that say that the repository can't be used as it is, before anything was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A log message of borg; ``msgid`` is None for most warnings and for plain text."""

    level: str
    msgid: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a run ended: fine or with warnings. ``statuses`` are borg's (letter, source path) of the files that it listed."""

    return_code: int
    messages: tuple[Message, ...]
    statuses: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A borg command to run. ``stdin`` bytes to feed; ``passphrase`` goes through a pipe of its own, never through argv."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    repository: str
    passphrase: str | None = field(default=None, repr=False)
    stdin: bytes = b""
    folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A borg command that somebody else ran: its exit code, and all that it wrote to stdout and stderr, as it wrote it."""

    return_code: int
    stdout: bytes
    stderr: bytes


def environment(settings: BorgSettings, repository: str) -> dict[str, str]:
    """Return borg's environment, made from scratch; the passphrase is not in it.

    Without any passphrase it says that it is empty, so that borg never asks on a terminal.
    """
    made = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    made.setdefault("HOME", pwd.getpwuid(os.getuid()).pw_dir)
    made |= {
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "BORG_REPO": repository,
        "BORG_EXIT_CODES": "modern",
        "BORG_DISPLAY_PASSPHRASE": "no",
        **_ALLOCATING,
    }
    if settings.base_directory is not None:
        made["BORG_BASE_DIR"] = settings.base_directory
    if settings.ssh_command is not None:
        made["BORG_RSH"] = settings.ssh_command
    if settings.passcommand is not None:
        made["BORG_PASSCOMMAND"] = settings.passcommand
    elif settings.passphrase is None:
        made["BORG_PASSPHRASE"] = ""
    return made


def run(
    call: Call,
    *,
    answer: Callable[[IO[bytes]], T],
    heed: Callable[[Mapping[str, Any]], None] = lambda _: None,
    stop: Stop,
) -> tuple[Finished, T]:
    """Run borg; return how it ended and what ``answer`` (in a thread of its own) made of its stdout.

    ``heed`` is called with each JSON message in the caller's thread; ``stop`` ends it from any other. Raises RepositoryRefused
    or BorgFailed with borg's own reason; warnings raise nothing: look at the files.
    """
    stop.check()
    messages: list[Message] = []
    statuses: list[tuple[str, str]] = []
    # The threads end when borg's streams do: borg is stopped before they are waited for.
    with (
        passphrase_pipe(call.passphrase) as pipe,
        ThreadPoolExecutor(2) as threads,
        started(call, pipe) as process,
        stop.ends(process.terminate),
    ):
        assert process.stdin and process.stdout and process.stderr  # noqa: S101, PT018 - for the type checker: all are pipes
        feeding = threads.submit(_feed, process.stdin, call.stdin)
        answering = threads.submit(_read, process.stdout, answer)
        for line in process.stderr:
            heed(_sort(line, messages, statuses))
        return_code = process.wait()
        stop.check()
        feeding.result()
        result = _result(call, return_code, messages, answering.result)
    return Finished(return_code=return_code, messages=tuple(messages), statuses=tuple(statuses)), result


def run_elsewhere(call: Call, ended: Ended) -> tuple[Finished, bytes]:
    """Return how a command ended that somebody else ran, and its stdout. Raises as ``run``."""
    messages: list[Message] = []
    statuses: list[tuple[str, str]] = []
    for line in ended.stderr.splitlines():
        _sort(line, messages, statuses)
    stdout = _result(call, ended.return_code, messages, lambda: ended.stdout)
    return Finished(return_code=ended.return_code, messages=tuple(messages), statuses=tuple(statuses)), stdout


def _sort(line: bytes, messages: list[Message], statuses: list[tuple[str, str]]) -> dict[str, Any]:
    """Put a line of borg's stderr where it belongs; return it as a message."""
    message = parse_message(line)
    if message["type"] == "file_status":
        statuses.append((message["status"], message["path"]))
    elif message["type"] == "log_message" and len(messages) < MOST_MESSAGES:
        messages.append(Message(level=message["levelname"], msgid=message.get("msgid"), text=message["message"]))
    return message


def _read(stdout: IO[bytes], answer: Callable[[IO[bytes]], T]) -> T:
    """Let ``answer`` read; then read the rest, since borg would wait for ever with a full pipe."""
    try:
        return answer(stdout)
    finally:
        while stdout.read(1 << 16):
            pass


def _result(call: Call, return_code: int, messages: list[Message], result: Callable[[], T]) -> T:
    """Return the result of reading stdout; a failure of borg goes before one of reading what it left."""
    crashed = any(message.level == "TEXT" and message.text.startswith(_CRASHED) for message in messages)
    if return_code != 0 and (return_code not in _WARNINGS or crashed):
        raise failure(call, return_code, messages)
    return result()


def failure(call: Call, return_code: int, messages: list[Message]) -> BorgClusterError:
    """Return the error for a run that failed: the last of borg's own words, and what to type next."""
    errors = [message for message in messages if message.level in {"ERROR", "CRITICAL"}] or messages
    told = next((message for message in errors if message.msgid), errors[-1] if errors else None)
    text = told.text.strip().splitlines()[0] if told and told.text.strip() else f"borg ended with code {return_code}"
    if text in _UNFORESEEN:
        text = _own_words(errors) or text
    msgid = told.msgid if told else None
    hint = _HINTS.get(msgid or "")
    fields = {"return_code": return_code, "msgid": msgid, "repository": call.repository}
    kind = RepositoryRefused if return_code in _REFUSALS else BorgFailed
    return kind(f"borg: {text}", hint=hint and hint.format(repository=call.repository), **fields)


def _own_words(messages: list[Message]) -> str | None:
    """Return what an exception that borg did not foresee says of itself, at the end of its traceback."""
    lines = [line for message in messages for line in message.text.splitlines()]
    return next((line for line in reversed(lines) if _EXCEPTION.match(line)), None)


def parse_message(line: bytes) -> dict[str, Any]:
    """Return a line of stderr as a JSON message; plain text (argument errors, tracebacks) becomes an error message."""
    text = line.decode("utf-8", "replace").rstrip("\n")
    if text.startswith("{"):
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        if isinstance(message, dict) and "type" in message:
            return message
    return {"type": "log_message", "levelname": "TEXT", "message": text}


def _feed(stdin: IO[bytes], content: bytes) -> None:
    try:
        with stdin:
            stdin.write(content)
    except BrokenPipeError:
        pass  # borg ended before it read all; its exit code tells why


@contextmanager
def passphrase_pipe(passphrase: str | None) -> Iterator[int | None]:
    """Yield a descriptor from which borg reads the passphrase, or None."""
    if passphrase is None:
        yield None
        return
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as end:
            end.write(passphrase.encode())
        yield reading
    finally:
        os.close(reading)


@contextmanager
def started(call: Call, pipe: int | None) -> Iterator[Process]:
    """Yield the running process; it does not outlive the ``with``."""
    process = borg_starter.start(call.arguments, call.environment, folder=call.folder, passphrase=pipe) or _loaded(call, pipe)
    try:
        with process:
            try:
                yield process
            except BaseException:
                _stop(process)
                raise
    finally:
        _stop(process)


def _loaded(call: Call, pipe: int | None) -> subprocess.Popen[bytes]:
    """Return the running process, loaded as every program is."""
    made = dict(call.environment) | ({} if pipe is None else {"BORG_PASSPHRASE_FD": str(pipe)})
    try:
        return subprocess.Popen(
            call.arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=made,
            cwd=call.folder,
            pass_fds=() if pipe is None else (pipe,),
            start_new_session=True,  # Ctrl-C reaches us alone: borg would read its file to the end first
        )
    except FileNotFoundError as error:
        hint = "look at borg: executable: in the configuration, or install borgbackup"
        raise UsageError(f"borg is not there: {error.filename}", hint=hint) from error


def _stop(process: Process) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
