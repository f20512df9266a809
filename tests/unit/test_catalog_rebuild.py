"""A catalog that is damaged is set aside, never deleted, by whoever may mend it; others name what to type."""

from pathlib import Path

import pytest

from borg_cluster.catalog import Catalog, Gap, Run
from borg_cluster.cli.site import open_whole
from borg_cluster.core.event import Event, Warned
from borg_cluster.errors import CatalogDamaged, Refused


def damage(path: Path) -> bytes:
    """Make a catalog with a run in it, and scribble over its pages but the first; return what is left of it."""
    with Catalog.open(path) as opened:
        for number in range(200):
            opened.record_run(run(f"run-{number}"))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 4096)
    return path.read_bytes()


def run(run_id: str) -> Run:
    at = "2026-03-01T02:00:00Z"
    return Run(
        run_id=run_id, cluster="hv", verb="create", started_at=at, finished_at=at, exit_code=0, done=1, failed=0, warnings=0
    )


def test_a_damaged_catalog_is_refused_with_what_to_type(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    before = damage(path)
    with pytest.raises(CatalogDamaged) as caught:
        Catalog.open(path, check=True)
    assert "borg-cluster catalog rebuild" in (caught.value.hint or "")
    assert path.read_bytes() == before


def test_it_is_set_aside_and_a_new_one_begun(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    before = damage(path)
    events: list[Event] = []
    with open_whole(path, events.append) as opened:
        assert opened.runs("hv") == ()
        opened.record_run(run("new"))
    (aside,) = tmp_path.glob("catalog.sqlite.damaged-*Z")
    assert aside.read_bytes() == before
    (warned,) = events
    assert isinstance(warned, Warned)
    assert aside.name in warned.message
    with open_whole(path, events.append) as again:
        assert [one.run_id for one in again.runs("hv")] == ["new"]
    assert len(events) == 1


def test_a_whole_catalog_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    Catalog.open(path).close()
    with Catalog.open(path) as opened:
        opened._connection.execute("PRAGMA user_version = 99")
    with pytest.raises(Refused, match="newer"):
        open_whole(path, print)
    assert not list(tmp_path.glob("*.damaged-*"))


def test_gaps_are_kept_in_order(tmp_path: Path) -> None:
    gaps = [
        Gap(cluster="hv", until=f"2026-03-0{day}T02:00:00Z", reason="it was lost", archives=day, runs=1, oldest=None)
        for day in (2, 1)
    ]
    with Catalog.open(tmp_path / "catalog.sqlite") as opened:
        for gap in gaps:
            opened.record_gap(gap)
        assert opened.gaps("hv") == tuple(gaps)
        assert opened.gaps("other") == ()
