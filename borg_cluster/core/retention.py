"""What may go: keep rules -> (keep, remove, reasons). Pure; the rules mean what Borg's mean, in Borg's order.

Borg's own ``prune`` is not used: it knows name prefixes, not virtual machines, and takes ``.checkpoint`` archives as well. What
is removed here is decided archive by archive and deleted by its exact name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from borg_cluster.core.archive import CLOCK_SKEW
from borg_cluster.core.policy import Retention

_PERIODS = {
    "last": "%Y-%m-%d %H:%M:%S",
    "hourly": "%Y-%m-%d %H",
    "daily": "%Y-%m-%d",
    "weekly": "%G-%V",
    "monthly": "%Y-%m",
    "yearly": "%Y",
}
"""Borg's periods, in Borg's order, in UTC; ``keep_last`` is its ``secondly``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An archive of ours that stands under its own name; ``subject`` VM id or volume, ``made_at`` with a time zone."""

    archive: str
    repository: str
    job: str
    subject: str
    name: str
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of an archive, and why, for people."""

    archive: Candidate
    keep: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What a run of retention decided, an archive once, newest first within a subject."""

    keep: tuple[Decision, ...]
    remove: tuple[Decision, ...]


def retain(
    archives: tuple[Candidate, ...], rules: Mapping[str, Retention], now: datetime, *, held: Mapping[str, str] | None = None
) -> Retained:
    """Return which of ``archives`` may go.

    Args:
        archives: all of ours; a subject's newest one in each repository always stays, whatever the rules say. One that is dated
            in the future (the clock was wrong when it was made, or is now) stays, and no rule counts it: it would push out those
            that are being made now.
        rules: the retention of each job that is configured; what another job made stays.
        now: the time, for ``within``.
        held: subjects of which nothing may go now, each with the reason: its newest run failed, say.
    """
    decisions = [
        decision
        for group in _groups(archives).values()
        for decision in _decide(group, rules, now, held=(held or {}).get(group[0].subject))
    ]
    return Retained(
        keep=tuple(decision for decision in decisions if decision.keep),
        remove=tuple(decision for decision in decisions if not decision.keep),
    )


def keep_rules(archives: tuple[Candidate, ...], rules: Retention, now: datetime) -> dict[str, str]:
    """Return the names of the archives that the rules alone keep, of one series, each with the rule: ``daily 3``."""
    newest_first = sorted(archives, key=_age)
    kept: dict[str, str] = {}
    if rules.within is not None:
        since = now - timedelta(seconds=rules.within)
        young = [archive for archive in newest_first if archive.made_at > since]
        kept |= {archive.archive: f"within {number}" for number, archive in enumerate(young, 1)}
    for rule in _PERIODS:
        _keep_periods(newest_first, rule, getattr(rules, rule), kept)
    return kept


def _keep_periods(newest_first: list[Candidate], rule: str, count: int, kept: dict[str, str]) -> None:
    """Keep the newest of each period that no earlier rule has kept; with too few of them, the oldest as well, as Borg does."""
    if count == 0 or not newest_first:
        return
    number = 0
    period = None
    for archive in newest_first:
        was, period = period, archive.made_at.astimezone(UTC).strftime(_PERIODS[rule])
        if period == was or archive.archive in kept:
            continue
        number += 1
        kept[archive.archive] = f"{rule} {number}"
        if number == count:
            return
    oldest = newest_first[-1].archive
    if number < count and oldest not in kept:
        kept[oldest] = f"{rule} {number + 1} (the oldest)"


def _groups(archives: tuple[Candidate, ...]) -> dict[tuple[str, str], list[Candidate]]:
    """Return the archives of each subject in each repository, newest first."""
    groups: dict[tuple[str, str], list[Candidate]] = {}
    for archive in sorted(archives, key=_age):
        groups.setdefault((archive.repository, archive.subject), []).append(archive)
    return groups


def _age(archive: Candidate) -> tuple[float, str]:
    return -archive.made_at.timestamp(), archive.archive


def _decide(group: list[Candidate], rules: Mapping[str, Retention], now: datetime, *, held: str | None) -> Iterator[Decision]:
    """Decide on one subject's archives in one repository."""
    kept = {archive.archive: "it is dated in the future" for archive in group if archive.made_at > now + CLOCK_SKEW}
    dated = [archive for archive in group if archive.archive not in kept]
    for job in dict.fromkeys(archive.job for archive in dated):
        series = tuple(archive for archive in dated if archive.job == job)
        kept |= _kept(series, rules.get(job), now)
    for archive in group:
        reason = held or kept.get(archive.archive) or ("its last one" if archive is dated[0] else None)
        yield Decision(archive=archive, keep=reason is not None, reason=reason or f"no rule of job {archive.job} keeps it")


def _kept(series: tuple[Candidate, ...], rules: Retention | None, now: datetime) -> dict[str, str]:
    if rules is None:
        return {archive.archive: f"the configuration has no job {archive.job}" for archive in series}
    if rules.keeps_all:
        return {archive.archive: f"job {archive.job} has no keep rules" for archive in series}
    return keep_rules(series, rules, now)
