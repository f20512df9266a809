"""create from changed blocks: a cluster that tracks, reference points that follow their archives, and every doubt a full read."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import owner
from borg_cluster.borg import Borg
from borg_cluster.borg_process import Call, Ended
from borg_cluster.catalog import Catalog
from borg_cluster.core.event import ArchiveFinished, Noted, Retrying, Warned
from borg_cluster.core.policy import ChangedBlocks, JobKind, WantedConsistency
from borg_cluster.core.retry import Retries
from borg_cluster.errors import BorgFailed
from borg_cluster.hookspecs import hookimpl
from borg_cluster.simulator.definition import ReferencePointEntry
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.upkeep.rebuild import rebuild_if_lost
from tests.e2e.test_create import Night, contents, in_a_child, job, open_night
from tests.e2e.test_snapshots import run

AUTO = ChangedBlocks(use=True, full_every=0, verify_fraction=0.0)
DISK = DiskSpec(size=16 * MIB, content=10 * MIB)
NIGHTLY = replace(job("nightly", JobKind.VIRTUAL_MACHINES), consistency=WantedConsistency.CRASH, changed_blocks=AUTO)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 2)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    cluster = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1", "node2"))
    cluster.add_vm("db", node="node1", volume="Volume1", disks=(DISK,))
    for night in open_night(cluster, tmp_path):
        night.reconfigure(jobs=(NIGHTLY,))
        yield night


def configure(night: Night, **changes: object) -> None:
    night.reconfigure(jobs=(replace(NIGHTLY, changed_blocks=replace(AUTO, **changes)),))  # type: ignore[arg-type] # its keys


def made(night: Night) -> ArchiveFinished:
    """Make the next archive."""
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed) == (1, 0), night.events
    (finished,) = night.of(ArchiveFinished)
    return finished


def disk(night: Night) -> bytes:
    (path,) = night.cluster.folder.rglob("*.vhdx")
    return path.read_bytes()


def stored(night: Night, finished: ArchiveFinished, tmp_path: Path) -> bytes:
    found = contents(night, finished.archive, tmp_path / finished.archive)
    return next(content for path, content in found.items() if path.endswith(".vhdx"))


def points(night: Night) -> list[str]:
    return [point.id for point in night.cluster.state.machines[0].definition.reference_points]


def guest_writes(night: Night, offset: int, data: bytes) -> None:
    night.cluster.guest_write(night.cluster.find_vm("db"), offset=offset, data=data)


def test_each_night_reads_what_changed_since_the_one_before(night: Night, tmp_path: Path) -> None:
    first = made(night)
    assert first.unread == 0
    assert first.read_in_full == ("there is no earlier archive with a reference point",)
    before = points(night)
    assert len(before) == 1
    for number in range(2):
        guest_writes(night, (3 + number) * MIB + 7, os.urandom(100))
        guest_writes(night, (13 + number) * MIB, b"a new block")
        then = disk(night)
        second = made(night)
        assert second.read_in_full == ()
        assert second.unread == 14 * MIB
        assert stored(night, second, tmp_path) == then
        assert len(points(night)) == 1
        assert points(night) != before
    vm_id = night.cluster.find_vm("db")
    night.cluster.migrate(vm_id, "node2")
    guest_writes(night, 0, b"after the migration")
    then = disk(night)
    third = made(night)
    assert third.unread > 9 * MIB
    assert stored(night, third, tmp_path) == then
    takeover = night.context.catalog.takeovers(NIGHTLY.repository)[third.archive]
    assert (takeover.base, takeover.unread, takeover.suspect) == (second.archive, third.unread, None)


def refuse_renames(night: Night, monkeypatch: pytest.MonkeyPatch, *msgids: str) -> list[int]:
    """Let the first renames end with these errors of borg; return what gets the number of leaves at each rename."""
    told: list[int] = []
    waiting = list(msgids)
    rename = Borg.rename

    def refuse(borg: Borg, old: str, new: str) -> None:
        told.append(len(list(night.cluster.folder.rglob("*.avhdx"))))
        if waiting:
            raise BorgFailed("borg: no", msgid=waiting.pop(0))
        rename(borg, old, new)

    monkeypatch.setattr(Borg, "rename", refuse)
    night.reconfigure(retries=Retries(most=1, wait=30))
    return told


def test_a_snapshot_does_not_wait_for_the_name_of_its_archive(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    made(night)
    guest_writes(night, 3 * MIB, b"the second night")
    told = refuse_renames(night, monkeypatch, "LockTimeout")
    second = made(night)
    assert told == [1, 0]
    assert [one.fault for one in night.of(Retrying)] == ["repository_locked"]
    assert not [event for event in night.events if isinstance(event, Warned | Noted)]
    assert len(points(night)) == 1
    guest_writes(night, 5 * MIB, b"since then")
    third = made(night)
    assert night.context.catalog.takeovers(NIGHTLY.repository)[third.archive].base == second.archive
    assert third.unread >= 14 * MIB, "the point that was made early is what the next night builds on"


def test_what_a_plugin_has_made_is_read_in_full_and_the_next_night_builds_on_it(night: Night, tmp_path: Path) -> None:
    class Engine:
        @hookimpl
        def run_job(self, call: Call) -> Ended:
            return in_a_child(call)

    made(night)
    guest_writes(night, 3 * MIB, b"while a worker reads")
    night.context.plugins.register(Engine(), name="engine")
    then = disk(night)
    second = made(night)
    assert (second.unread, second.read_in_full) == (0, ("a plugin has it made",))
    assert stored(night, second, tmp_path) == then
    night.context.plugins.unregister(name="engine")
    guest_writes(night, 5 * MIB, b"since then")
    then = disk(night)
    third = made(night)
    assert stored(night, third, tmp_path) == then
    assert third.unread == 15 * MIB
    assert night.context.catalog.takeovers(NIGHTLY.repository)[third.archive].base == second.archive


def test_a_wrong_list_of_changes_is_found_told_and_read_anew(night: Night, tmp_path: Path) -> None:
    made(night)
    guest_writes(night, MIB, b"told")
    second = made(night)
    assert second.unread > 0
    guest_writes(night, 4 * MIB, b"never told")
    for tracked in night.cluster.state.tracking:
        for mark in tracked.marks:
            mark.ranges.clear()
    configure(night, verify_fraction=1.0)
    then = disk(night)
    third = made(night)
    assert stored(night, third, tmp_path) == then
    (warned,) = night.of(Warned)
    assert "though Windows told nothing of it" in warned.message
    assert second.archive in warned.message
    takeovers = night.context.catalog.takeovers(NIGHTLY.repository)
    assert takeovers[second.archive].suspect is not None
    assert night.context.catalog.suspects(NIGHTLY.repository).keys() == {second.archive}
    assert takeovers[third.archive].unread == 0


@pytest.mark.parametrize("named", [True, False])
def test_a_lost_catalog_leaves_no_point_of_ours(night: Night, tmp_path: Path, named: bool) -> None:
    night.cluster.switches.reference_points_keep_name = named
    made(night)
    (ours,) = points(night)
    others = [ReferencePointEntry(id=str(uuid.uuid4()), name=name) for name in ("Nightly", f"borg-cluster {uuid.uuid4()}")]
    night.cluster.edit(night.cluster.find_vm("db"), lambda machine: machine.definition.reference_points.extend(others))
    with Catalog.open(tmp_path / "anew.sqlite") as anew:
        night.context = replace(night.context, catalog=anew)
        night.events.clear()
        rebuild_if_lost(night.context)
        (told,) = night.of(Warned)
        assert "disks are read in full once, then those with our mark go" in told.message
        second = made(night)
        reason = "the catalog was lost, and with it what its reference point says of which disk"
        assert second.read_in_full == (reason if named else "there is no earlier archive with a reference point",)
        left = points(night)
        assert set(left) > {one.id for one in others}, "with another's mark, or of a host whose archives are not here"
        assert (ours in left, len(left)) == ((False, 3) if named else (True, 4))
        third = made(night)
        assert (third.read_in_full, third.unread, len(points(night))) == ((), 16 * MIB, len(left))


def test_never_leaves_no_point_that_a_lost_catalog_knew(night: Night, tmp_path: Path) -> None:
    made(night)
    configure(night, use=False)
    with Catalog.open(tmp_path / "anew.sqlite") as anew:
        night.context = replace(night.context, catalog=anew)
        rebuild_if_lost(night.context)
        made(night)
        assert points(night) == []


def test_never_means_no_reference_point(night: Night) -> None:
    made(night)
    assert len(points(night)) == 1
    configure(night, use=False)
    finished = made(night)
    assert (finished.unread, finished.read_in_full, points(night)) == (0, (), [])
