"""Events for the journal, with fields to search by: ``journalctl VM=...``; only where stderr goes there anyway.

The line is the one that the terminal would show. What the journal doesn't take goes to stderr, as if it weren't there.
"""

import io
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from borg_cluster.cli.terminal import Terminal
from borg_cluster.core import event as events
from borg_cluster.core.event import Event

SOCKET = Path("/run/systemd/journal/socket")
IDENTIFIER = "borg-cluster"

_ERROR, _WARNING, _INFO = "3", "4", "6"
_LONGEST = 8192
"""Bytes of a field: a datagram must stay below the socket's limit."""


def is_our_stderr(environment: Mapping[str, str], *, descriptor: int = 2) -> bool:
    """Return whether stderr is the journal's stream, by ``$JOURNAL_STREAM``: a child may have inherited that alone."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class Journal:
    """The sink. ``verbosity`` and ``names`` as the Terminal has them; ``otherwise`` takes what the journal does not."""

    def __init__(self, otherwise: Callable[[Event], None], *, verbosity: int, names: dict[str, str], path: Path = SOCKET) -> None:
        self._otherwise = otherwise
        self._path = path
        self._text = io.StringIO()
        console = Console(file=self._text, color_system=None, markup=False, emoji=False, highlight=False, width=80)
        self._terminal = Terminal(console, verbosity=verbosity, names=names)
        self._names = names
        self._run: dict[str, str] = {}
        self._nodes: dict[str, str] = {}
        """By subject: where it is read, several at the same time."""

    def __call__(self, event: Event) -> None:
        """Send an event: what people read as MESSAGE, what they search by in fields of its own."""
        self._text.seek(0)
        self._text.truncate()
        self._terminal(event)
        if isinstance(event, events.RunStarted):
            self._run = {"RUN_ID": event.run_id}
        about = self._fields(event)  # of those without words, too: they tell where what comes later is
        message = self._text.getvalue().strip()
        if not message:
            return
        fields = {"MESSAGE": message, "PRIORITY": _priority(event), "SYSLOG_IDENTIFIER": IDENTIFIER}
        if not self._send(datagram(fields | about)):
            self._otherwise(event)

    def _fields(self, event: Event) -> dict[str, str]:
        found = dict(self._run)
        match event:
            case events.ArchiveStarted():
                self._is_on(event.subject, event.node)
                found |= _subject(event) | self._node(event.subject) | {"ARCHIVE": event.archive}
            case events.ArchiveFinished():
                found |= _subject(event) | self._node(event.subject) | {"ARCHIVE": event.archive}
            case events.ArchiveFailed():
                # one that was refused was never read anywhere
                found |= _subject(event) | ({} if event.refused else self._node(event.subject))
            case events.Verified():
                found |= _subject(event) | {"ARCHIVE": event.archive}
            case events.Booted():
                found |= _subject(event) | {"ARCHIVE": event.archive, "NODE": event.node}
            case events.Followed():
                self._is_on(event.subject, event.now)
                found |= _subject(event) | self._node(event.subject)
            case events.RestoreFinished():
                found |= _subject(event)
            case events.Warned(subject=subject) | events.Noted(subject=subject) | events.Retrying(subject=subject):
                found |= self._named(subject)
            case events.NodeAsked() | events.NodeAnswered() | events.NodeFailed():
                found["NODE"] = event.node
            case _:
                pass
        return found

    def _named(self, subject: str) -> dict[str, str]:
        name = self._names.get(subject)
        return {} if name is None else ({"VOLUME": name} if name == subject else {"VM": name, "VM_ID": subject})

    def _is_on(self, subject: str, node: str | None) -> None:
        self._nodes[subject] = node or ""

    def _node(self, subject: str) -> dict[str, str]:
        node = self._nodes.get(subject)
        return {"NODE": node} if node else {}

    def _send(self, data: bytes) -> bool:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
                client.settimeout(1)
                client.sendto(data, os.fspath(self._path))
        except OSError:
            return False
        return True


def datagram(fields: Mapping[str, str]) -> bytes:
    """Return fields as the journal's native protocol has them: length first, so that a value may hold anything."""
    parts = []
    for name, text in fields.items():
        value = text.encode("utf-8", "backslashreplace")[:_LONGEST]
        parts.append(name.encode("ascii") + b"\n" + len(value).to_bytes(8, "little") + value + b"\n")
    return b"".join(parts)


_OfSubject = events.ArchiveStarted | events.ArchiveFinished | events.ArchiveFailed
_OfVM = events.Verified | events.Booted | events.Followed | events.RestoreFinished


def _subject(event: _OfSubject | _OfVM) -> dict[str, str]:
    """Return VM (with VM_ID) or VOLUME; a volume is its own name."""
    if event.subject == event.name:
        return {"VOLUME": event.name}
    return {"VM": event.name, "VM_ID": event.subject}


def _priority(event: Event) -> str:
    if isinstance(event, events.ArchiveFailed | events.UpkeepFailed):
        return _ERROR
    warned = isinstance(event, events.Warned | events.NodeFailed)
    return _WARNING if warned or bool(getattr(event, "warnings", False)) else _INFO
