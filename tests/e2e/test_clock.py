"""A clock that goes back: no archive is lost, none is skipped for ever, and the right one counts as the newest."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from borg_cluster import upkeep
from borg_cluster.catalog.recorder import attempt_recorder
from borg_cluster.cli.sinks import fan_out
from borg_cluster.core.coverage import CoverageState, coverage
from borg_cluster.core.event import ArchiveFinished, Warned
from borg_cluster.core.policy import JobKind, Retention
from borg_cluster.discover import discover
from borg_cluster.extract import resolve_archive
from borg_cluster.monitoring import past
from borg_cluster.run import run
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests.direct import BEGIN
from tests.e2e.test_create import Night, job, open_night

DAILY = replace(job("nightly", JobKind.VIRTUAL_MACHINES), frequency=86400, retention=Retention(last=2))


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    cluster = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1",), volumes=("Volume1",))
    cluster.add_vm("a", node="node1", volume="Volume1", disks=(DiskSpec(size=4 * MIB, content=MIB),), state="Off")
    for opened in open_night(cluster, tmp_path):
        context = opened.context
        heard = fan_out(attempt_recorder(context.catalog, context.policy.cluster, context.clock), context.emit)
        opened.context = replace(context, emit=heard)
        opened.reconfigure(jobs=(DAILY,))
        yield opened


def at(night: Night, days: float) -> list[str]:
    """Let a run be at this time of the clock; return the names of the archives that it made."""
    night.clock.now = BEGIN + timedelta(days=days)
    night.events.clear()
    night.runs += 1
    outcome = run(night.context, run_id=f"run-{night.runs}", seed=1)
    assert outcome.failed == (), outcome
    return [event.archive for event in night.of(ArchiveFinished)]


def standing(night: Night) -> list[str]:
    return [one.name for one in night.borg.borg.list_archives()]


def test_a_year_ahead_and_back(night: Night) -> None:
    (first,) = at(night, 0)
    (wrong,) = at(night, 365)
    (second,) = at(night, 1)
    assert set(standing(night)) == {first, wrong, second}, "due at once, and nothing made room for what is of the future"
    inventory = discover(night.context)
    (covered,) = coverage(inventory, night.context.policy, past(night.context), night.clock()).virtual_machines
    assert (covered.state, covered.archive) == (CoverageState.GOOD, second)
    (good,) = night.context.catalog.good_archives(night.context.policy.cluster, night.clock())
    assert good.archive == second
    assert resolve_archive(night.context, "a")[1] == second
    (told,) = night.of(Warned)
    assert wrong in told.message
    assert second in told.message
    assert resolve_archive(night.context, "a", wrong)[1] == wrong, "by its name it is there"
    assert at(night, 1.2) == [], "what was made today is not made again"
    (third,) = at(night, 2)
    assert set(standing(night)) == {wrong, second, third}, "the rules go on among the others"
    upkeep.prune(night.context)
    assert len(standing(night)) == 3


def test_a_second_that_was_before(night: Night) -> None:
    (first,) = at(night, 0)
    night.reconfigure(jobs=(replace(DAILY, frequency=None),))
    (again,) = at(night, 0)
    assert again == f"{first}_2"
    assert standing(night) == [first, again]
    assert [row.archive for row in night.context.catalog.archives(night.context.policy.cluster)] == [first, again]


def test_an_archive_of_the_future_is_better_than_none(night: Night) -> None:
    (wrong,) = at(night, 365)
    night.clock.now = BEGIN
    assert resolve_archive(night.context, "a")[1] == wrong
    (told,) = night.of(Warned)
    assert told.message.startswith("all its archives are dated in the future")
