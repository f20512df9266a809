"""What is due: jobs, checks and compaction, each by its frequency and by when it last went well. Pure.

When a run begins is the timer's business. A run is late by a while each night, so a little less than a frequency is enough: what
is due each day must not slip to each second day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from borg_cluster.core.policy import Check, CheckKind, Job

_SLACK = 10
"""A frequency's tenth ..."""
_MOST_SLACK = timedelta(hours=2)
"""... but no more."""
_INCLUDED = {CheckKind.DATA: CheckKind.ARCHIVES}
"""A check that makes another one needless when both are due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Whether something is due, and why, for people."""

    due: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCheck:
    """Whether a check is due. ``covers``: other checks that are made with it."""

    kind: CheckKind
    due: Due
    covers: tuple[CheckKind, ...] = ()


def is_due(frequency: int | None, last: datetime | None, now: datetime) -> Due:
    """Return whether something that last went well at ``last`` (None: never) is due; ``frequency`` seconds, None: always."""
    if frequency is None:
        return Due(due=True, reason="each time")
    if last is None:
        return Due(due=True, reason="never done yet")
    if last > now:
        return Due(due=True, reason="the last time lies in the future: the clock went back")
    age, wanted = now - last, timedelta(seconds=frequency)
    due = age >= wanted - min(wanted / _SLACK, _MOST_SLACK)
    return Due(due=due, reason=f"{'done' if due else 'only'} {_words(age)} ago, wanted every {_words(wanted)}")


def due_checks(checks: tuple[Check, ...], last: Mapping[str, datetime], now: datetime) -> tuple[DueCheck, ...]:
    """Return each check with whether it is due; ``last`` when each of that name last went well."""
    found = {check.kind: is_due(check.frequency, last.get(check.kind), now) for check in checks}
    result: list[DueCheck] = []
    for kind, due in found.items():
        larger = next((one for one, other in _INCLUDED.items() if other is kind and one in found and found[one].due), None)
        if larger is not None and due.due:
            result.append(DueCheck(kind=kind, due=Due(due=False, reason=f"the check of {larger} holds it")))
        else:
            other = _INCLUDED.get(kind)
            covers = (other,) if due.due and other in found else ()
            result.append(DueCheck(kind=kind, due=due, covers=tuple(one for one in covers if one is not None)))
    return tuple(result)


def due_jobs(jobs: tuple[Job, ...], last: Mapping[str, datetime], now: datetime) -> tuple[tuple[Job, Due], ...]:
    """Return each job with whether it is due; ``last`` when each last made an archive."""
    return tuple((job, is_due(job.frequency, last.get(job.name), now)) for job in jobs)


def _words(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    if hours < 1:
        return f"{length.total_seconds() / 60:.0f} min"
    return f"{round(hours / 24, 1):g} d" if hours >= 48 else f"{round(hours, 1):g} h"  # noqa: PLR2004 - two days
