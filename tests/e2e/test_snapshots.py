"""create with recovery snapshots: what is read is frozen, every snapshot ends, and what can't be had is said."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import discover, owner
from borg_cluster.catalog import manifest_from_json
from borg_cluster.core.archive import Manifest
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import ArchiveFailed, ArchiveFinished, ArchiveStarted, Event, Followed, Warned
from borg_cluster.core.policy import JobKind, OnFailure, WantedConsistency
from borg_cluster.create import CreateOutcome, create
from borg_cluster.run_record import HeldSnapshot, RunRecord
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import CommandError, DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests.e2e.test_create import Night, contents, job, open_night, paths

WEB = "web[1]* \"$(x)\" '{now}'"
LIVE = b"written after the snapshot"
SMALL = DiskSpec(size=8 * MIB, content=MIB)
NIGHTLY = replace(job("nightly", JobKind.VIRTUAL_MACHINES), consistency=WantedConsistency.APPLICATION)
WEEKLY = job("weekly", JobKind.VOLUMES)
DEAD = "dddddddd-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: here it is commands that let time pass."""
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 8)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    cluster = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1", "node2"))
    cluster.add_vm(WEB, node="node1", volume="Volume1", disks=(SMALL, replace(SMALL, volume="Volume2")))
    for night in open_night(cluster, tmp_path):
        night.reconfigure(jobs=(NIGHTLY, WEEKLY))
        yield night


def run(night: Night, *jobs: str) -> CreateOutcome:
    """Discover, plan and run, under an id as real runs have it."""
    night.runs += 1
    night.events.clear()
    night.clock.advance(60)
    inventory = discover.discover(night.context)
    run_id = f"11111111-0000-4000-8000-{night.runs:012}"
    plan = plan_backup(inventory, night.context.policy, jobs=jobs, good=(), at=night.clock(), run_id=run_id)
    outcome = create(night.context, plan, inventory)
    assert night.claims() == []
    return outcome


def during(night: Night, act: Callable[[], object], *, times: int = 1) -> None:
    """Let something happen when an archive is begun, and so between the freeze and the read."""
    tell = night.context.emit
    left = [act] * times

    def emit(event: Event) -> None:
        tell(event)
        if isinstance(event, ArchiveStarted) and left:
            left.pop()()

    night.context = replace(night.context, emit=emit)


def configure(night: Night, **changes: object) -> None:
    night.reconfigure(jobs=(replace(NIGHTLY, **changes), WEEKLY))  # type: ignore[arg-type] # Job's own keys


def manifest(night: Night) -> Manifest:
    (finished,) = night.of(ArchiveFinished)
    return manifest_from_json(night.borg.borg.read_file(finished.archive, ".borg-cluster/manifest.json").decode())


def warnings(night: Night) -> str:
    return "\n".join(event.message for event in night.of(Warned))


def failure(night: Night) -> ArchiveFailed:
    (failed,) = night.of(ArchiveFailed)
    return failed


def leaves(night: Night) -> list[Path]:
    return sorted(night.cluster.folder.rglob("*.avhdx"))


def whole(night: Night) -> bool:
    """Return whether no snapshot, no leaf and no record is left."""
    definition = night.cluster.state.machines[0].definition
    records = list((night.context.state / "runs").rglob("*.jsonl"))
    return not (definition.checkpoints or leaves(night) or records or list(night.context.state.rglob("frozen-*")))


def disks(night: Night) -> dict[str, bytes]:
    """Return the disks' files by their paths in archives."""
    places = [night.cluster.volume_folder(name) for name in night.cluster.volume_names]
    return {f"{place.name}/{one.relative_to(place)}": one.read_bytes() for place in places for one in place.rglob("*.vhdx")}


def test_what_was_frozen_is_stored_and_the_guest_writes_on(night: Night, tmp_path: Path) -> None:
    then = disks(night)
    (configuration,) = night.cluster.folder.rglob("*.vmcx")
    described = configuration.read_bytes()
    vm_id = night.cluster.find_vm(WEB)
    during(night, lambda: night.cluster.guest_write(vm_id, data=LIVE))
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed, outcome.warnings) == (1, 0, 0), night.events
    made = manifest(night)
    assert made.consistency == "application"
    assert made.consistency_reason.startswith("recovery snapshot ")
    stored = contents(night, night.of(ArchiveFinished)[0].archive, tmp_path / "out")
    assert {path: content for path, content in stored.items() if path.endswith("vhdx")} == then
    assert [content for path, content in stored.items() if path.endswith(".vmcx")] == [described]
    assert {file.archive_path for file in made.files} == stored.keys()
    assert night.cluster.guest_read(vm_id, length=len(LIVE)) == LIVE
    assert whole(night)


def test_crash_consistency_is_what_a_job_may_want(night: Night) -> None:
    configure(night, consistency=WantedConsistency.CRASH)
    assert run(night, "nightly").failed == 0
    assert manifest(night).consistency == "crash"
    assert whole(night)


def test_a_guest_that_does_not_freeze_fails_its_vm(night: Night) -> None:
    night.cluster.switches.guest_never_freezes.append(night.cluster.find_vm(WEB))
    assert run(night, "nightly").failed == 1
    assert "no application-consistent snapshot" in failure(night).reason
    assert not failure(night).refused
    assert whole(night)


def test_a_job_may_fall_back_and_says_so(night: Night) -> None:
    configure(night, on_failure=OnFailure.FALL_BACK)
    night.cluster.switches.guest_never_freezes.append(night.cluster.find_vm(WEB))
    outcome = run(night, "nightly")
    assert (outcome.failed, outcome.warnings) == (0, 1)
    assert "no application-consistent snapshot" in warnings(night)
    assert manifest(night).consistency == "crash"
    assert "no application-consistent snapshot" in manifest(night).consistency_reason
    assert whole(night)


def test_the_last_fall_is_to_live_files(night: Night) -> None:
    configure(night, on_failure=OnFailure.FALL_BACK)
    error = CommandError("no.", "BorgClusterSnapshotFailed", code="32770")
    fault = night.cluster.faults.add(Fault(kind="error", command="New-BorgClusterSnapshot", repeat=True, error=error))
    outcome = run(night, "nightly")
    assert (outcome.failed, outcome.warnings, fault.fired) == (0, 2, 2)
    assert manifest(night).consistency == "none"
    assert "no crash-consistent snapshot: no." in manifest(night).consistency_reason
    assert whole(night)


def test_a_foreign_snapshot_refuses_the_vm_and_stays(night: Night) -> None:
    night.cluster.foreign_snapshot(night.cluster.find_vm(WEB))
    assert run(night, "nightly").failed == 1
    assert failure(night).refused
    assert "another product's recovery snapshot is in progress" in failure(night).reason
    assert len(night.cluster.state.machines[0].definition.snapshots()) == 1


@pytest.mark.parametrize("command", ["New-BorgClusterSnapshot", "Get-BorgClusterSnapshot"])
def test_a_vm_that_migrates_is_followed_and_its_snapshot_ends_there(night: Night, command: str) -> None:
    vm_id = night.cluster.find_vm(WEB)
    fault = Fault(kind="change_after", command=command, change=lambda cluster: cluster.migrate(vm_id, "node2"))
    night.cluster.faults.add(fault)
    then = disks(night)
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed, fault.fired) == (1, 0, 1), night.events
    assert [(event.was, event.now) for event in night.of(Followed)] == [("node1", "node2")]
    assert disks(night).keys() == then.keys()
    assert whole(night)


def test_a_snapshot_that_vanishes_in_the_read_lets_the_vm_be_read_once_more(night: Night) -> None:
    vm_id = night.cluster.find_vm(WEB)

    def vanish() -> None:
        (found,) = night.cluster.state.machines[0].definition.snapshots()
        night.cluster.remove_snapshot(vm_id, found.id)

    during(night, vanish)
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed) == (1, 0), night.events
    assert "is read once more: its recovery snapshot vanished" in warnings(night)
    assert [one.name.endswith(".checkpoint") for one in night.borg.borg.list_archives()] == [False]
    assert whole(night)


def test_what_vanishes_twice_fails(night: Night) -> None:
    vm_id = night.cluster.find_vm(WEB)

    def vanish() -> None:
        (found,) = night.cluster.state.machines[0].definition.snapshots()
        night.cluster.remove_snapshot(vm_id, found.id)

    during(night, vanish, times=2)
    assert run(night, "nightly").failed == 1
    assert "vanished" in failure(night).reason
    assert [one.name.endswith(".checkpoint") for one in night.borg.borg.list_archives()] == [True]


def test_a_merge_that_never_ends_is_a_warning_and_its_leaves_stay_out_of_the_volumes(night: Night) -> None:
    night.cluster.switches.merge_after = None
    outcome = run(night)
    assert outcome.failed == 0, night.events
    assert f"the disks of {WEB} are not merged" in warnings(night)
    assert len(leaves(night)) == 2
    assert night.finished().keys() == {WEB, "Volume1", "Volume2"}
    for name, archive in night.finished().items():
        assert not {path for path in paths(night, archive) if path.endswith(".avhdx")}, name


@pytest.mark.impossible
def test_the_snapshots_own_configuration_stands_in_for_one_that_is_locked(night: Night, tmp_path: Path) -> None:
    (configuration,) = night.cluster.folder.rglob("*.vmcx")
    described, held = configuration.read_bytes(), tmp_path / "held"

    def lock(_: SimulatedCluster) -> None:
        configuration.rename(held)
        configuration.mkdir()  # root may read what is locked, but no folder

    def unlock(_: SimulatedCluster) -> None:
        configuration.rmdir()
        held.rename(configuration)

    night.cluster.faults.add(Fault(kind="change_after", command="Get-BorgClusterRoleSetting", change=lock))
    night.cluster.faults.add(Fault(kind="change_before", command="New-BorgClusterSnapshot", change=unlock))
    assert run(night, "nightly").failed == 0, night.events
    stored = contents(night, night.of(ArchiveFinished)[0].archive, tmp_path / "out")
    assert "that of its recovery snapshot stands in" in warnings(night)
    assert [content for path, content in stored.items() if path.endswith(".vmcx")] == [described]


def test_an_exception_in_the_middle_ends_the_snapshot(night: Night) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    during(night, interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(night, "nightly")
    assert night.cluster.state.machines[0].definition.snapshots() == []
    assert night.claims() == []


def test_what_a_dead_run_left_is_swept_before_anything(night: Night) -> None:
    vm_id = night.cluster.find_vm(WEB)
    before = tuple(slot.path or "" for slot in night.cluster.state.machines[0].definition.disks)
    record = RunRecord.begin(night.context.state, cluster=night.context.policy.cluster, run_id=DEAD)
    record.add_snapshot(HeldSnapshot(vm_id=vm_id, name=WEB, run_id=DEAD, disk_paths=before))
    night.context.bridge.new_snapshot("node1", vm_id=vm_id, run_id=DEAD, consistency="Crash", timeout_second=9)
    record.close()
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed) == (1, 0), night.events
    assert f"the recovery snapshot that the dead run {DEAD} left on {WEB} was ended" in warnings(night)
    assert whole(night)


def test_one_of_ours_without_a_record_is_ended_under_the_claim(night: Night) -> None:
    vm_id = night.cluster.find_vm(WEB)
    night.context.bridge.new_snapshot("node1", vm_id=vm_id, run_id=DEAD, consistency="Crash", timeout_second=9)
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed) == (1, 0), night.events
    assert f"the dead run {DEAD}" in warnings(night)
    assert not [file for file in manifest(night).files if file.archive_path.endswith(".avhdx")]
    assert whole(night)
