"""What is due tonight."""

from datetime import UTC, datetime, timedelta

import pytest

from borg_cluster.core.policy import Check, CheckKind
from borg_cluster.core.schedule import due_checks, is_due

NOW = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
DAY = 86400


@pytest.mark.parametrize(
    ("frequency", "ago", "due"),
    [
        (None, 0, True),
        (DAY, None, True),
        (DAY, 23 * 3600, True),
        (DAY, 21 * 3600, False),
        (7 * DAY, 7 * DAY - 3600, True),
        (7 * DAY, 7 * DAY - 3 * 3600, False),
        (3600, 3300, True),
        (3600, 3000, False),
        (30 * DAY, -5, True),
    ],
)
def test_a_frequency_is_met_a_little_early(frequency: int | None, ago: int | None, due: bool) -> None:
    last = None if ago is None else NOW - timedelta(seconds=ago)
    assert is_due(frequency, last, NOW).due is due


def test_each_answer_has_its_reason() -> None:
    assert is_due(DAY, NOW - timedelta(hours=5), NOW).reason == "only 5 h ago, wanted every 24 h"
    assert is_due(7 * DAY, NOW - timedelta(days=9), NOW).reason == "done 9 d ago, wanted every 7 d"
    assert "clock" in is_due(DAY, NOW + timedelta(days=1), NOW).reason


def test_reading_all_data_checks_the_archives_too() -> None:
    both = (Check(kind=CheckKind.ARCHIVES, frequency=None), Check(kind=CheckKind.DATA, frequency=DAY))
    archives, data = due_checks(both, {}, NOW)
    assert not archives.due.due
    assert "data" in archives.due.reason
    assert data.covers == (CheckKind.ARCHIVES,)
    archives, data = due_checks(both, {"data": NOW - timedelta(hours=2)}, NOW)
    assert archives.due.due
    assert not data.due.due
    assert data.covers == ()
    (alone,) = due_checks(both[1:], {}, NOW)
    assert alone.covers == ()
