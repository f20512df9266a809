"""Threads that work items off: as many at the same time as caps allow, the next ones as soon as one has ended.

What is to be tried again later goes back into the queue with its time, and holds nothing meanwhile. A signal ends all of them in
order: each is told to stop, and only when all have is it raised on.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from types import MappingProxyType

from borg_cluster.core.caps import Caps, Item, may_start
from borg_cluster.stopping import Stop

Do = Callable[[str], float | None]
"""Works one item off, by its key: None when it has ended, or the seconds after which it is to be tried again."""


class Workers:
    """The items of one run.

    Args:
        items: all of them, in order.
        caps: how many at the same time.
        stop: set when it is to end; its ``pause`` is how to wait when there is nothing else to do.
        clock: the time now.
        later: seconds that some of them, by key, wait before their first turn.
    """

    def __init__(
        self,
        items: tuple[Item, ...],
        caps: Caps,
        *,
        stop: Stop,
        clock: Callable[[], datetime],
        later: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self._items = {item.key: item for item in items}
        self._caps = caps
        self._stop = stop
        self._clock = clock
        self._lock = Lock()
        self._pending = dict.fromkeys(self._items)
        self._later = {key: clock() + timedelta(seconds=seconds) for key, seconds in later.items()}
        self._running: dict[Future[float | None], str] = {}
        self._begun: Counter[str] = Counter()

    def moved(self, key: str, node: str | None) -> None:
        """Count an item for another node from now on; called from any thread."""
        with self._lock:
            self._items[key] = replace(self._items[key], node=node)

    def work_off(self, do: Do) -> None:
        """Do all of them. Whatever ``do`` raises ends all, and is raised when the others have stopped."""
        with ThreadPoolExecutor(self._caps.archives, thread_name_prefix="archive") as pool:
            try:
                while self._pending or self._running:
                    for item in self._next():
                        del self._pending[item.key]
                        self._begun[item.repository] += 1
                        self._running[pool.submit(do, item.key)] = item.key
                    self._wait()
            except BaseException:
                self._stop.set()
                raise

    def _next(self) -> tuple[Item, ...]:
        now = self._clock()
        with self._lock:
            # what waits for its time is pending all the same for those that come after it
            pending = tuple(item for key, item in self._items.items() if key in self._pending)
            running = tuple(self._items[key] for key in self._running.values())
        blocked = frozenset(key for key, at in self._later.items() if at > now)
        early = tuple(item for item in pending if item.key in blocked)
        ready = tuple(item for item in pending if item.key not in blocked and not item.after & {one.key for one in early})
        return may_start(ready, running, self._caps, self._begun)

    def _wait(self) -> None:
        now = self._clock()
        times = [at for key, at in self._later.items() if key in self._pending and at > now]
        left = (min(times) - now).total_seconds() if times else None
        if not self._running:
            if left is not None:
                self._stop.pause(left)
            return
        done, _ = wait(self._running, timeout=left, return_when=FIRST_COMPLETED)
        for future in done:
            key = self._running.pop(future)
            self._later.pop(key, None)
            seconds = future.result()
            if seconds is not None:
                self._pending[key] = None
                self._later[key] = self._clock() + timedelta(seconds=seconds)
