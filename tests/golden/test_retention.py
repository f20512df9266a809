"""Four months of nights under the usual rules: what stays and why, as a file to read."""

from datetime import UTC, datetime, timedelta

import pytest

from borg_cluster.core.policy import Retention
from borg_cluster.core.retention import Candidate, Retained, retain
from tests.golden import golden

NOW = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
CASES = {
    "usual": Retention(daily=7, weekly=4, monthly=6),
    "young": Retention(within=3 * 86400, daily=2),
    "short": Retention(within=3600),
    "all-periods": Retention(last=3, hourly=2, daily=3, weekly=-1, monthly=2, yearly=2),
    "none": Retention(),
}


def night(number: int, *, hour: int = 2) -> Candidate:
    made_at = datetime(2026, 3, 1, hour, 0, tzinfo=UTC) - timedelta(days=number)
    name = f"hv-vm1-{made_at:%Y-%m-%dT%H:%M:%SZ}"
    return Candidate(archive=name, repository="main", job="nightly", subject="vm1", name="web01", made_at=made_at)


def text(retained: Retained) -> str:
    decisions = sorted((*retained.keep, *retained.remove), key=lambda decision: decision.archive.made_at, reverse=True)
    lines = [f"{'keep' if one.keep else 'remove':<7}{one.archive.archive}  {one.reason}" for one in decisions]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_four_months_of_nights(case: str) -> None:
    archives = tuple(night(number) for number in range(120) if number % 11 != 5) + tuple(
        night(number, hour=20) for number in range(1, 4)
    )
    golden.check(f"retention/{case}.txt", text(retain(archives, {"nightly": CASES[case]}, NOW)))


def test_a_held_subject_keeps_all_with_the_reason() -> None:
    archives = tuple(night(number) for number in range(20))
    retained = retain(archives, {"nightly": Retention(daily=1)}, NOW, held={"vm1": "its newest run failed"})
    assert {decision.reason for decision in retained.keep} == {"its newest run failed"}
    assert len(retained.keep) == 20


def test_a_vm_without_young_archives_keeps_its_last_one() -> None:
    archives = tuple(night(number) for number in range(100, 120))
    retained = retain(archives, {"nightly": Retention(within=86400)}, NOW)
    assert [(one.archive, one.reason) for one in retained.keep] == [(archives[0], "its last one")]
