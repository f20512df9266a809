"""Trying again, as the table of ``core/retry.py`` decides; each retry is told with its reason, and counted."""

from collections import Counter
from collections.abc import Callable
from secrets import SystemRandom
from threading import Lock
from typing import TypeVar

from borg_cluster.context import Context
from borg_cluster.core.event import Retrying
from borg_cluster.core.retry import decide
from borg_cluster.errors import BorgClusterError

T = TypeVar("T")
_RANDOM = SystemRandom()


class Patience:
    """What is left of it in one run; several threads ask.

    Args:
        context: the site, with ``retries`` and ``retry_wait`` in its policy.
        chance: draws a number in [0, 1).
    """

    def __init__(self, context: Context, *, chance: Callable[[], float] = _RANDOM.random) -> None:
        self._context = context
        self._chance = chance
        self._lock = Lock()
        self._tries: Counter[str] = Counter()
        self.had = 0
        """How many there were."""

    def after(self, error: Exception, *, key: str, subject: str, name: str) -> float | None:
        """Return the seconds after which what failed with ``error`` is to be tried again, and tell so; None: not again.

        ``key`` is of what is tried (its tries are counted), ``subject`` and ``name`` of what it is about.
        """
        with self._lock:
            self._tries[key] += 1
            retry = decide(error, self._tries[key], self._context.policy.retries, in_run=self.had, chance=self._chance())
            if retry is None:
                return None
            self.had += 1
        self._context.emit(
            Retrying(
                subject=subject,
                name=name,
                fault=retry.fault.value,
                reason=error.message if isinstance(error, BorgClusterError) else str(error),
                why=retry.why,
                number=retry.number,
                most=retry.most,
                seconds=retry.seconds,
            )
        )
        return retry.seconds

    def look(
        self, ask: Callable[[], T], *, key: str, subject: str, name: str, before_wait: Callable[[], None] = lambda: None
    ) -> T:
        """Return the answer to a question, asked again as long as that may help, after ``before_wait``. Raises its last error."""
        while True:
            try:
                return ask()
            except BorgClusterError as error:
                seconds = self.after(error, key=key, subject=subject, name=name)
                if seconds is None:
                    raise
            before_wait()
            self._context.stop.pause(seconds)
