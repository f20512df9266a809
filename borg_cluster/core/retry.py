"""What is tried again, after how long and how often: one table. Pure.

Waiting mends what passes by itself: a node that starts, a guest that is busy, a repository that somebody else writes to, a broken
connection. It mends no wrong passphrase, no full disk and no VM that can't be saved as it is. What isn't in the table is such.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from borg_cluster.errors import BorgClusterError, ClusterUnreachable


class Fault(StrEnum):
    """What passes by itself."""

    NODE_UNREACHABLE = "node_unreachable"
    SNAPSHOT_BUSY = "snapshot_busy"
    MERGING = "merging"
    REPOSITORY_LOCKED = "repository_locked"
    CONNECTION_LOST = "connection_lost"
    BORG_KILLED = "borg_killed"
    SHARE_HICCUP = "share_hiccup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """borgmatic's ``retries`` and ``retry_wait``: how often, and the seconds before the first one; each next one waits longer."""

    most: int = 0
    wait: int = 30


NO_RETRIES = Retries()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a fault is tried again: ``times`` the configured wait, at ``most`` so often (None: as configured), and ``why``."""

    times: int
    most: int | None
    why: str


TABLE: Mapping[Fault, Rule] = {
    Fault.NODE_UNREACHABLE: Rule(times=1, most=None, why="a node that restarts or fails over is back soon"),
    Fault.SNAPSHOT_BUSY: Rule(times=2, most=None, why="the guest or its volume is busy with something that ends"),
    Fault.MERGING: Rule(times=2, most=None, why="its disks may still be merging after a snapshot that has just ended"),
    Fault.REPOSITORY_LOCKED: Rule(times=2, most=None, why="another borg works on the repository, and will be done"),
    Fault.CONNECTION_LOST: Rule(times=1, most=None, why="a connection that broke can be made again"),
    Fault.BORG_KILLED: Rule(times=1, most=1, why="somebody ended borg; if they do it again, they mean it"),
    Fault.SHARE_HICCUP: Rule(times=1, most=None, why="a share that fails over, or is mounted again, is back soon"),
}

LONGEST = 600.0
"""Seconds of a single wait, at most."""
MOST_IN_RUN = 100
"""Retries of a whole run: a night in which everything fails must end as well."""
_JITTER = 0.5
"""The part of a wait that is left to chance, so that those who failed together don't come back together."""

_LOCKED = frozenset({"LockTimeout", "LockError", "LockFailed", "LockErrorT"})
_CONNECTION = frozenset({"ConnectionClosed", "ConnectionClosedWithHint", "ConnectionBrokenWithHint"})
_BUSY = frozenset(
    {
        "32772", "0x800705B4",  # timeout
        "32774", "0x80070020",  # in use
        "32775", "0x8007139F",  # in a state that passes
        "32777", "0x80070015",  # not available
        "0x80042313", "0x80042314",  # VSS: flush and hold of writes timed out
        "0x80042316",  # VSS: another snapshot set is in progress
        "0x800423F2", "0x800423F3",  # a writer timed out, or says itself that trying again may help
    }
)  # fmt: skip
"""Codes of Hyper-V's methods, and the HRESULTs that mean the same (vsserror.h, winerror.h)."""
_SHARE = frozenset(
    {
        errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOTCONN,
        errno.ECONNRESET, errno.ECONNABORTED, errno.ECONNREFUSED, errno.EAGAIN, errno.EBUSY,
    }
)  # fmt: skip
_GONE = frozenset({"unreachable", "timed_out"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A retry, ``number`` of ``most``, after ``seconds``; ``why`` it may help."""

    fault: Fault
    number: int
    most: int
    seconds: float
    why: str


def decide(error: BaseException, tries: int, settings: Retries, *, in_run: int, chance: float) -> Retry | None:
    """Return the retry after ``error``, or None.

    ``tries`` were made so far, this one included; ``in_run`` retries were had in the whole run; ``chance`` in [0, 1) is drawn by
    the caller. A wait is ``tries`` times the configured one (as borgmatic's), times the table's, give or take a quarter, and
    never over ``LONGEST``.
    """
    fault = fault_of(error)
    if fault is None or in_run >= MOST_IN_RUN:
        return None
    rule = TABLE[fault]
    most = settings.most if rule.most is None else min(settings.most, rule.most)
    if tries > most:
        return None
    wait = settings.wait * rule.times * tries * (1 - _JITTER / 2 + _JITTER * chance)
    return Retry(fault=fault, number=tries, most=most, seconds=min(wait, LONGEST), why=rule.why)


def fault_of(error: BaseException | None) -> Fault | None:
    """Return what passes by itself about an error or what caused it; None: waiting mends it not."""
    while error is not None:
        found = _own_fault(error)
        if found is not None:
            return found
        error = error.__cause__
    return None


def _own_fault(error: BaseException) -> Fault | None:
    if isinstance(error, OSError):
        return Fault.SHARE_HICCUP if error.errno in _SHARE else None
    if not isinstance(error, BorgClusterError):
        return None
    told = error.fields.get("fault")
    return told if isinstance(told, Fault) else _of_node(error) or _of_borg(error)


def _of_node(error: BorgClusterError) -> Fault | None:
    lost = error.fields.get("lost", "unreachable" if isinstance(error, ClusterUnreachable) else None)
    if lost in _GONE:
        return Fault.NODE_UNREACHABLE
    return Fault.SNAPSHOT_BUSY if str(error.fields.get("code")) in _BUSY else None


def _of_borg(error: BorgClusterError) -> Fault | None:
    msgid, return_code = error.fields.get("msgid"), error.fields.get("return_code")
    if msgid in _LOCKED:
        return Fault.REPOSITORY_LOCKED
    if msgid in _CONNECTION:
        return Fault.CONNECTION_LOST
    return Fault.BORG_KILLED if isinstance(return_code, int) and return_code < 0 else None
