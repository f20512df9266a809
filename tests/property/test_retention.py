"""Retention keeps what Borg would keep, and more where a subject would be left with nothing."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borg_cluster.core.policy import Retention
from borg_cluster.core.retention import Candidate, keep_rules, retain

BORG: Any = import_module("borg.helpers")  # untyped
NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
RULES = {"last": "secondly", "hourly": "hourly", "daily": "daily", "weekly": "weekly", "monthly": "monthly", "yearly": "yearly"}


@dataclass(frozen=True)
class BorgArchive:
    """What Borg's own functions look at."""

    id: str
    ts: datetime


def candidate(number: int, seconds: int, *, job: str = "nightly", subject: str = "vm", repository: str = "main") -> Candidate:
    made_at = NOW - timedelta(seconds=seconds)
    return Candidate(archive=f"a{number}", repository=repository, job=job, subject=subject, name=subject, made_at=made_at)


counts = st.integers(-1, 6)
retentions = st.builds(
    Retention,
    within=st.none() | st.integers(1, 400).map(lambda hours: hours * 3600),
    last=counts,
    hourly=counts,
    daily=counts,
    weekly=counts,
    monthly=counts,
    yearly=counts,
)
ages = st.lists(st.integers(0, 3 * 366 * 24).map(lambda hours: hours * 3599), unique=True, max_size=60)
several = st.lists(
    st.tuples(
        st.integers(0, 40 * 24 * 3600),
        st.sampled_from(["nightly", "weekly", "gone"]),
        st.sampled_from(["vm1", "vm2", "Volume1"]),
        st.sampled_from(["main", "other"]),
    ),
    max_size=40,
).map(
    lambda drawn: tuple(
        candidate(number, seconds, job=job, subject=subject, repository=repository)
        for number, (seconds, job, subject, repository) in enumerate(drawn)
    )
)


@pytest.fixture(scope="module", autouse=True)
def utc() -> Iterator[None]:
    """Borg counts in local time; ours is UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@given(ages, retentions)
def test_the_rules_are_borgs_own(seconds: list[int], rules: Retention) -> None:
    archives = tuple(candidate(number, age) for number, age in enumerate(seconds))
    theirs = [BorgArchive(id=one.archive, ts=one.made_at) for one in archives]
    because: dict[str, tuple[str, int]] = {}
    for rule, name in RULES.items():
        BORG.prune_split(theirs, name, getattr(rules, rule), because)

    assert set(keep_rules(archives, replace(rules, within=None), NOW)) == set(because)


@given(st.integers(1, 400), st.lists(st.integers(1, 400), unique=True))
def test_within_is_borgs_own(hours: int, ages: list[int]) -> None:
    now = datetime.now(tz=UTC)  # Borg reads the clock itself: half an hour keeps the two apart
    theirs = [BorgArchive(id=str(age), ts=now - timedelta(hours=age, minutes=-30)) for age in ages]
    ours = tuple(replace(candidate(0, 0), archive=one.id, made_at=one.ts) for one in theirs)

    kept = BORG.prune_within(theirs, hours, {})
    assert set(keep_rules(ours, Retention(within=hours * 3600), now)) == {one.id for one in kept}


@given(several, retentions, st.sets(st.sampled_from(["vm1", "vm2", "Volume1"])))
def test_what_goes_is_never_what_must_stay(archives: tuple[Candidate, ...], rules: Retention, held: set[str]) -> None:
    decided = retain(archives, {"nightly": rules, "weekly": Retention()}, NOW, held=dict.fromkeys(held, "its newest run failed"))

    kept, removed = {one.archive for one in decided.keep}, {one.archive for one in decided.remove}
    assert len(kept) + len(removed) == len(archives)
    assert kept | removed == set(archives)
    assert not kept & removed
    assert all(decision.reason for decision in (*decided.keep, *decided.remove))
    assert {one.job for one in removed} <= {"nightly"}, "a job without rules, and one that is gone, keep all"
    assert not {one.subject for one in removed} & held
    for subject, repository in {(one.subject, one.repository) for one in archives}:
        series = [one for one in archives if (one.subject, one.repository) == (subject, repository)]
        newest = max(one.made_at for one in series)
        assert any(one.made_at == newest for one in kept if (one.subject, one.repository) == (subject, repository))


@given(several, retentions, st.lists(st.integers(1, 40 * 24), unique=True, max_size=5))
def test_what_is_dated_in_the_future_stays_and_pushes_nothing_out(
    archives: tuple[Candidate, ...], rules: Retention, hours: list[int]
) -> None:
    """The clock was wrong for some nights; those that it is right again in lose nothing by that."""
    jobs = {"nightly": rules, "weekly": rules}
    future = tuple(candidate(1000 + hour, -hour * 3600, subject="vm1") for hour in hours)
    alone = {one.archive.archive for one in retain(archives, jobs, NOW).keep}

    both = retain((*archives, *future), jobs, NOW)
    assert {one.archive.archive for one in both.keep} == alone | {one.archive for one in future}
    assert {one.reason for one in both.keep if one.archive in future} <= {"it is dated in the future"}


@given(several, retentions)
def test_deciding_again_removes_nothing_more(archives: tuple[Candidate, ...], rules: Retention) -> None:
    """Borg's 'oldest' rule looks at what is there; so what stays once must stay."""
    jobs = {"nightly": rules, "weekly": rules, "gone": rules}
    kept = tuple(one.archive for one in retain(archives, jobs, NOW).keep)

    assert {one.archive for one in retain(kept, jobs, NOW).keep} == set(kept)
