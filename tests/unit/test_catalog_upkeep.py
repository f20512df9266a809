"""The catalog's tables for retention and schedules, and a catalog of the version before them."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from borg_cluster.catalog import Attempt, AttemptState, Catalog
from borg_cluster.catalog.schema import _FIRST

HOSTILE = "web[1]* 'x' \"$(y)\"\n"
STARTED = Attempt(
    cluster="hv",
    job="nightly",
    subject="vm1",
    name=HOSTILE,
    archive="hv-vm1",
    at="2026-03-01T02:00:00+00:00",
    state=AttemptState.STARTED,
    reason=None,
)


def test_the_newest_attempt_of_each_job_counts(tmp_path: Path) -> None:
    failed = replace(STARTED, state=AttemptState.FAILED, reason="gone", archive=None, at="2026-03-02T02:00:00+00:00")
    weekly = replace(STARTED, job="weekly", state=AttemptState.DONE)
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:
        for attempt in (STARTED, weekly, failed, replace(STARTED, cluster="other")):
            catalog.record_attempt(attempt)
        assert catalog.attempts("hv") == (weekly, failed)


def test_upkeep_is_known_by_repository(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 3, 0, tzinfo=timezone(timedelta(hours=1)))
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:
        catalog.record_upkeep("hv", "main", "data", at - timedelta(days=1))
        catalog.record_upkeep("hv", "main", "data", at)
        catalog.record_upkeep("hv", "other", "data", at - timedelta(days=9))
        assert catalog.upkeep("hv", "main") == {"data": datetime(2026, 3, 1, 2, 0, tzinfo=UTC)}
        assert catalog.upkeep("hv2", "main") == {}


def test_a_catalog_of_the_first_version_gets_the_new_tables(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    old = sqlite3.connect(path)
    old.executescript(_FIRST)
    old.execute("INSERT INTO change VALUES (1, 'hv', 'vm1', 'web', 'appeared', '2026-03-01', NULL, 'node1')")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    with Catalog.open(path) as catalog:
        assert len(catalog.history("hv")) == 1
        catalog.record_attempt(STARTED)
    with Catalog.open(path) as catalog:
        assert catalog.attempts("hv") == (STARTED,)
