"""Where events go: to a list of sinks, each a callable. The terminal has its own file."""

import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

from borg_cluster.cli.render import fields_of, json_text
from borg_cluster.core.event import (
    ArchiveFailed,
    ArchiveFinished,
    Booted,
    Checked,
    Compacted,
    Event,
    NodeFailed,
    Pruned,
    RestoreFinished,
    Retrying,
    UpkeepFailed,
    Verified,
    Warned,
)
from borg_cluster.errors import ExitCode

Sink = Callable[[Event], None]


def fan_out(*sinks: Sink) -> Sink:
    """Return one sink that hands each event to all of them, in order; several threads (one a node) may call it."""
    one_at_a_time = RLock()

    def emit(event: Event) -> None:
        with one_at_a_time:
            for sink in sinks:
                sink(event)

    return emit


def event_type(event: Event) -> str:
    """Return the name by which programs know an event: ``ArchiveFinished`` is ``archive_finished``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def write_json_line(kind: str, *, at: datetime, fields: dict[str, object]) -> None:
    """Write one line of ``--log-json`` to stderr: ``type`` and ``time`` (ISO, UTC) first, then the fields."""
    sys.stderr.write(json_text({"type": kind, "time": at.isoformat(timespec="milliseconds"), **fields}, indent=None) + "\n")
    sys.stderr.flush()


def json_log(clock: Callable[[], datetime]) -> Sink:
    """Return the sink behind ``--log-json``: one object a line on stderr."""

    def log(event: Event) -> None:
        write_json_line(event_type(event), at=clock(), fields=fields_of(event))

    return log


class _ToEvents(logging.Handler):
    """Makes a warning of our own modules an event, so that it reaches every sink; the same one only once."""

    def __init__(self, emit: Sink) -> None:
        super().__init__(level=logging.WARNING)
        self._emit = emit
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on as Warned."""
        message = record.getMessage()
        if message not in self._told:
            self._told.add(message)
            self._emit(Warned(subject=record.name.partition(".")[0], message=message, hint=None))


@contextmanager
def log_to(emit: Sink) -> Iterator[None]:
    """Let what our modules log as warnings be events meanwhile."""
    logger, handler = logging.getLogger("borg_cluster"), _ToEvents(emit)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@dataclass(slots=True)
class Tally:
    """The sink that the exit code is counted from: what was done, what failed, what was warned of; and what was tried again."""

    done: int = 0
    failed: int = 0
    warnings: int = 0
    retries: int = 0

    def __call__(self, event: Event) -> None:
        """Count an event."""
        match event:
            case ArchiveFinished(warnings=warnings) | RestoreFinished(warnings=warnings) | Verified(warnings=warnings):
                self.done += 1
                self.warnings += len(warnings)
            case Pruned() | Compacted() | Checked() | Booted():
                self.done += 1
            case ArchiveFailed() | UpkeepFailed():
                self.failed += 1
            case NodeFailed() | Warned():
                self.warnings += 1
            case Retrying():
                self.retries += 1
            case _:
                pass

    @property
    def exit_code(self) -> ExitCode:
        """All failed, some failed, warnings, or fine."""
        if self.failed:
            return ExitCode.SOME_FAILED if self.done else ExitCode.ALL_FAILED
        return ExitCode.WARNINGS if self.warnings else ExitCode.FINE
