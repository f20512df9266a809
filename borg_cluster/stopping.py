"""Ending in order: a signal reaches the main thread alone, and this carries it to those that work beside it.

A thread that works asks now and then (``check``), waits only by ``pause``, and hands over what ends its child at once (``ends``).
What must still be done then - a recovery snapshot that has to end - is done in ``deaf``.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Stopped(BaseException):
    """The run is being ended. Not an Exception, so that nobody takes it for a failure of what is being worked on."""


class Stop:
    """Whether a run is being ended; one for all of its threads."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._enders: list[Callable[[], object]] = []
        self._local = threading.local()

    def set(self) -> None:
        """Let it end: those that wait wake up, and what was handed over with ``ends`` is called. Harmless twice."""
        with self._lock:
            self._event.set()
            enders, self._enders = self._enders, []
        for end in enders:
            with suppress(OSError):
                end()

    @property
    def is_set(self) -> bool:
        """Whether this thread is to end."""
        return self._event.is_set() and not getattr(self._local, "deaf", 0)

    def check(self) -> None:
        """Raise Stopped if this thread is to end."""
        if self.is_set:
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait. Raises Stopped as soon as this thread is to end."""
        if getattr(self._local, "deaf", 0):
            threading.Event().wait(seconds)
            return
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def ends(self, end: Callable[[], object]) -> Iterator[None]:
        """Have ``end`` called when it is to end meanwhile, from whichever thread that comes."""
        with self._lock:
            late = self._event.is_set()
            if not late:
                self._enders.append(end)
        if late and self.is_set:
            end()
        try:
            yield
        finally:
            with self._lock, suppress(ValueError):
                self._enders.remove(end)

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Let this thread finish what it must, whatever comes."""
        self._local.deaf = getattr(self._local, "deaf", 0) + 1
        try:
            yield
        finally:
            self._local.deaf -= 1
