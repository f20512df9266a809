"""Ending a restore in order: a signal is kept until the step is done; only staging, which takes hours, ends at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Ended(Exception):
    """A signal asks the restore to stop here; ``name`` is the signal's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"ended by {name}")
        self.name = name


class Signals:
    """Whether a signal came; ``at_once`` while the step under way may be cut off."""

    def __init__(self) -> None:
        self.at_once = False
        self._came: str | None = None

    def check(self) -> None:
        """Raise Ended if a signal came."""
        if self._came is not None:
            raise Ended(self._came)

    def came(self, number: int, _frame: FrameType | None) -> None:
        """Take note of a signal."""
        self._came = signal.Signals(number).name
        if self.at_once:
            raise Ended(self._came)


@contextmanager
def keep_signals() -> Iterator[Signals]:
    """Keep SIGINT and SIGTERM for ``check`` meanwhile. Outside the main thread they are not ours to keep."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals.came) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
