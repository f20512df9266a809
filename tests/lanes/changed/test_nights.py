"""Nights of changed blocks that take longer: every doubt, two repositories, forced full reads, runs that die."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import owner
from borg_cluster.borg import Borg
from borg_cluster.core.event import ArchiveFinished
from borg_cluster.simulator import snapshots
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import CommandError, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.stopping import Stop
from tests.e2e.test_create import Night, contents, open_night
from tests.e2e.test_create_changed import DISK, NIGHTLY, configure, disk, guest_writes, made, points, refuse_renames, stored
from tests.e2e.test_snapshots import run

pytestmark = pytest.mark.timeout(1200)


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


def test_a_full_read_is_forced_and_compared(night: Night) -> None:
    made(night)
    configure(night, full_every=1)
    second = made(night)
    assert second.unread == 0
    assert any("each 1 archives" in reason for reason in second.read_in_full)
    assert night.context.catalog.takeovers(NIGHTLY.repository)[second.archive].compared > 9 * MIB
    configure(night, full=True)
    assert any("--full" in reason for reason in made(night).read_in_full)


def test_in_doubt_all_is_read(night: Night, tmp_path: Path) -> None:
    vm_id = night.cluster.find_vm("db")
    first = made(night)
    night.borg.borg.delete(first.archive)
    assert "gone" in made(night).read_in_full[0]
    night.cluster.switches.reference_arrays_agree = False
    assert "unequal length" in made(night).read_in_full[0]
    night.cluster.switches.reference_arrays_agree = True
    made(night)
    night.cluster.switches.change_bytes_per_call = 0
    assert "looked at nothing" in made(night).read_in_full[0]
    night.cluster.switches.change_bytes_per_call = 1 << 40
    assert made(night).unread > 0
    night.cluster.state.tracking.clear()
    guest_writes(night, 0, b"not tracked")
    then = disk(night)
    last = made(night)
    assert "does not tell its changes" in last.read_in_full[0]
    assert stored(night, last, tmp_path) == then
    night.cluster.take_checkpoint(vm_id, "before the update")
    assert "moved, or its checkpoints changed" in made(night).read_in_full[0]


def test_each_repository_has_its_own_base_and_foreign_points_stay(night: Night, tmp_path: Path) -> None:
    vm_id = night.cluster.find_vm("db")
    (first,) = night.context.policy.repositories
    other = replace(first, label="other", path=str(tmp_path / "other"))
    Borg(night.context.policy.borg, other, secret=str).init(encryption="none")
    elsewhere = replace(NIGHTLY, name="elsewhere", repository="other")
    night.reconfigure(repositories=(first, other), jobs=(NIGHTLY, elsewhere))
    night.cluster.foreign_snapshot(vm_id)
    machine = night.cluster.machine(vm_id)
    (taken,) = machine.definition.snapshots()
    foreign = snapshots.convert(night.cluster, machine, taken)
    run(night, "nightly")
    run(night, "elsewhere")
    assert len(points(night)) == 3
    guest_writes(night, 2 * MIB, b"between the two")
    run(night, "nightly")
    guest_writes(night, 4 * MIB, b"after one of them")
    then = disk(night)
    run(night, "elsewhere")
    (made_there,) = night.of(ArchiveFinished)
    assert made_there.unread == 14 * MIB, "both writes are new to this repository"
    there = tmp_path / "out"
    there.mkdir()
    Borg(night.context.policy.borg, other, secret=str).extract(made_there.archive, (), there)
    (stored_there,) = there.rglob("*.vhdx")
    assert stored_there.read_bytes() == then
    assert len(points(night)) == 3
    assert foreign in points(night)


def test_a_run_that_dies_before_it_knows_its_point_leaves_none_for_long(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    made(night)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(night.context.catalog, "record_point", die)
        with pytest.raises(KeyboardInterrupt):
            run(night, "nightly")
    night.context = replace(night.context, stop=Stop())
    assert len(points(night)) == 2
    second = made(night)
    assert second.unread == 16 * MIB
    assert len(points(night)) == 1


@pytest.mark.parametrize("ids", ["rctX", "guid"])
@pytest.mark.parametrize("survives", [False, True])
def test_after_a_move_of_its_storage_a_disk_is_read_in_full_whether_windows_still_tracks_it_or_not(
    night: Night, tmp_path: Path, survives: bool, ids: str
) -> None:
    night.cluster.switches.tracking_survives_move_storage, night.cluster.switches.tracking_ids = survives, ids
    vm_id = night.cluster.find_vm("db")
    made(night)
    (tracked,) = night.cluster.machine(vm_id).definition.reference_points[0].disks
    assert tracked.rct_id.startswith("{" if ids == "guid" else "rctX:")
    night.cluster.move_storage(vm_id, "Volume2")
    guest_writes(night, 0, b"elsewhere now")
    then = disk(night)
    moved = made(night)
    assert (moved.unread, len(moved.read_in_full)) == (0, 1)
    assert stored(night, moved, tmp_path) == then
    assert len(points(night)) == 1
    assert made(night).unread == 16 * MIB


def test_a_run_that_fails_keeps_the_older_point_and_its_archive_is_the_next_base(night: Night, tmp_path: Path) -> None:
    made(night)
    kept = points(night)
    guest_writes(night, 2 * MIB, b"before the failure")
    error = CommandError("no.", "BorgClusterMethodFailed", code="32770")
    fault = night.cluster.faults.add(Fault(kind="error", command="ConvertTo-BorgClusterReferencePoint", error=error))
    second = made(night)
    assert second.unread > 0
    assert fault.fired == 1
    assert points(night) == kept
    guest_writes(night, 5 * MIB, b"after it")
    then = disk(night)
    third = made(night)
    assert third.unread > 0
    assert stored(night, third, tmp_path) == then
    assert len(points(night)) == 1


def test_a_leaf_of_a_checkpoint_is_taken_over_in_part_too(night: Night, tmp_path: Path) -> None:
    made(night)
    night.cluster.take_checkpoint(night.cluster.find_vm("db"), "before the update")
    guest_writes(night, 2 * MIB, b"x" * (4 * MIB))
    changed = made(night)
    assert (changed.unread, len(changed.read_in_full)) == (0, 1), "the chain changed"
    guest_writes(night, 3 * MIB + 5, b"in one of four blocks")
    (leaf,) = night.cluster.folder.rglob("*.avhdx")
    then = leaf.read_bytes()
    last = made(night)
    assert last.read_in_full == ()
    assert last.unread == 3 * MIB
    found = contents(night, last.archive, tmp_path / "out")
    assert [content for path, content in found.items() if path.endswith(leaf.name)] == [then]


def test_a_point_that_was_made_early_for_an_archive_without_a_name_goes_with_the_next(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(night)
    told = refuse_renames(night, monkeypatch, "LockTimeout", "Repository.CheckNeeded")
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed) == (0, 1)
    assert told == [1, 0]
    assert len(points(night)) == 2
    assert not night.cluster.state.machines[0].definition.snapshots()
    guest_writes(night, 5 * MIB, b"since then")
    then = disk(night)
    third = made(night)
    assert third.unread >= 14 * MIB, "the older point stayed, with its archive"
    assert stored(night, third, tmp_path) == then
    assert len(points(night)) == 1
