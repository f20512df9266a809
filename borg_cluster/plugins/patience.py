"""Calls that may hang, made so that the caller does not."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from borg_cluster.stopping import Stop

Result = TypeVar("Result")


class Hangs(Exception):
    """No answer within the time that there was."""

    def __init__(self, seconds: float, more: str = "") -> None:
        super().__init__(f"no answer within {seconds:g} s" + (f"; {more}" if more else ""))
        self.seconds = seconds


class Broken(Exception):
    """Code of others tried to end the whole process (``sys.exit``)."""


class Call(Generic[Result]):
    """One call, to be waited for. ``late`` is given the result of one that was given up and answered after all."""

    def __init__(self, act: Callable[[], Result], late: Callable[[Result], object] = lambda _: None) -> None:
        self._act = act
        self._late = late
        self._done = threading.Event()
        self._awake = threading.Event()
        self._unwanted = False
        self._lock = threading.Lock()
        self._given_up = False
        self._outcome: list[Result] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        """Make the call, in a thread of its own; what it raises is kept."""
        try:
            outcome = self._act()
        except BaseException as error:  # noqa: BLE001 - raised again, where it is waited for
            self._error = error
        else:
            self._outcome.append(outcome)
        with self._lock:
            self._done.set()
            given_up = self._given_up
        self._awake.set()
        if given_up and self._outcome:
            self._late(self._outcome[0])

    def give_up(self) -> None:
        """Let the waiting end, as if the call hung."""
        with self._lock:
            self._unwanted = True
        self._awake.set()

    def wait(self, seconds: float, signs: Callable[[], int] = lambda: 0) -> Result:
        """Return what the call returns, raise what it raises, or Hangs; then it is left alone and dies with the process.

        ``signs``: how often it said that it lives; each time its ``seconds`` begin anew.
        """
        try:
            seen = -1
            while not self._unwanted and not self._done.is_set() and seen != signs():
                seen = signs()
                self._awake.wait(seconds)
        finally:  # a signal ends the waiting, too
            with self._lock:
                self._given_up = not self._done.is_set()
        if self._given_up:
            raise Hangs(seconds)
        if isinstance(self._error, Exception):
            raise self._error
        if self._error is not None:
            raise Broken(f"{type(self._error).__name__} {self._error}".strip()) from self._error
        return self._outcome[0]


def within(seconds: float, act: Callable[[], Result], *, late: Callable[[Result], object] = lambda _: None) -> Result:
    """Return what ``act`` returns, or raise what it raises, Broken or Hangs.

    ``late`` is called with the result of one that ends only after ``seconds``: to put away what nobody waits for any more.
    """
    call = Call(act, late)
    threading.Thread(target=call.run, daemon=True, name="borg-cluster plugin").start()
    return call.wait(seconds)


class Alive:
    """What a call that may take hours calls now and then, with the bytes that are done. ``stop`` ends the waiting for it."""

    def __init__(self, heed: Callable[[int], None], stop: Stop) -> None:
        self.stop = stop
        self.over = False
        self.signs = 0
        self._heed = heed

    def __call__(self, done: int) -> None:
        """Say that the call goes on. Raises Hangs if it was given up, or the run ends: nobody wants its result any more."""
        if self.over:
            raise Hangs(0, "it was given up")
        self.signs += 1
        self._heed(done)


def attended(seconds: float, act: Callable[[], Result], alive: Alive) -> Result:
    """Return what ``act`` returns, as ``within``; but it may take for ever, if it says that it's ``alive`` every ``seconds``.

    Raises Stopped if the run is ended meanwhile.
    """
    call = Call(act)
    threading.Thread(target=call.run, daemon=True, name="borg-cluster plugin").start()
    try:
        with alive.stop.ends(call.give_up):
            return call.wait(seconds, lambda: alive.signs)
    except Hangs:
        alive.stop.check()
        raise
    finally:
        alive.over = True


class Worker:
    """A thread that makes calls one after the other: for what is called often."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Call[object]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True, name="borg-cluster plugin").start()

    def within(self, seconds: float, act: Callable[[], object]) -> None:
        """Raise what ``act`` raises, Broken, or Hangs: then this worker is of no more use."""
        call = Call(act)
        self._calls.put(call)
        call.wait(seconds)

    def _work(self) -> None:
        while True:
            self._calls.get().run()
