"""What dead runs left on a cluster is ended at the next start; what a living run holds, here or elsewhere, is never touched."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import discover, owner
from borg_cluster.catalog import Catalog
from borg_cluster.context import Context
from borg_cluster.core.event import Event, Noted, Warned
from borg_cluster.core.policy import Repository
from borg_cluster.doctor import Result, examine
from borg_cluster.errors import RepositoryRefused
from borg_cluster.run_record import HeldClaim, HeldSnapshot, RunRecord
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.sweep import leftovers, sweep, sweep_own
from tests.e2e.test_create import Night, open_night
from tests.e2e.test_snapshots import DEAD, NIGHTLY, SMALL, WEB, during, run, whole


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: here it is commands that let time pass."""
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 8)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    cluster = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1", "node2"))
    cluster.add_vm(WEB, node="node1", volume="Volume1", disks=(SMALL,))
    for night in open_night(cluster, tmp_path):
        night.reconfigure(jobs=(NIGHTLY,))
        yield night


def freeze(night: Night, run_id: str = DEAD) -> HeldSnapshot:
    """Make a snapshot as a run does, and return what its record tells of it."""
    vm_id = night.cluster.find_vm(WEB)
    before = tuple(slot.path or "" for slot in night.cluster.state.machines[0].definition.disks)
    night.context.bridge.new_snapshot("node1", vm_id=vm_id, run_id=run_id, consistency="Crash", timeout_second=9)
    return HeldSnapshot(vm_id=vm_id, name=WEB, run_id=run_id, disk_paths=before)


def claim(night: Night, holder: str, purpose: str = "backup by job nightly") -> None:
    folder = f"{night.cluster.volume_path('Volume1')}\\.borg-cluster"
    claim_id = "00000000-0000-4000-8000-00000000000c"
    night.context.bridge.new_claim(
        "node1", vm_id=night.cluster.find_vm(WEB), folder=folder, claim_id=claim_id, holder=holder, purpose=purpose
    )


def die_with(night: Night, *held: HeldSnapshot) -> None:
    """Leave the record of a run that died."""
    record = RunRecord.begin(night.context.state, cluster=night.context.policy.cluster, run_id=DEAD)
    for one in held:
        record.add_snapshot(one)
    record.close()


def snapshots(night: Night) -> int:
    return len(night.cluster.state.machines[0].definition.snapshots())


def swept(night: Night) -> str:
    """Discover, sweep and return what was warned of."""
    night.events.clear()
    sweep(night.context, discover.discover(night.context))
    return "\n".join(event.message for event in night.of(Warned))


def dead_process() -> str:
    code = "from borg_cluster.claim_holder import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_what_a_record_tells_of_is_ended_and_said(night: Night) -> None:
    die_with(night, freeze(night))
    assert f"the recovery snapshot that the dead run {DEAD} left on {WEB} was ended" in swept(night)
    assert whole(night)
    assert swept(night) == ""


def test_a_repository_that_does_not_open_keeps_nothing_from_being_ended(night: Night) -> None:
    die_with(night, freeze(night))
    night.reconfigure(repositories=(Repository(path="/nowhere/at/all", label="main"),))
    with pytest.raises(RepositoryRefused):
        run(night, "nightly")
    assert f"the dead run {DEAD}" in "".join(event.message for event in night.of(Warned))
    assert whole(night)


def test_a_mark_without_a_record_is_ended_under_the_claim(night: Night) -> None:
    freeze(night)
    assert f"the dead run {DEAD}" in swept(night)
    assert whole(night)
    assert night.claims() == []
    assert ("node1", "New-BorgClusterClaim") in night.context.bridge.asked  # type: ignore[attr-defined] # a DirectBridge


def test_a_living_run_keeps_its_snapshot_here_and_from_another_machine(night: Night, tmp_path: Path) -> None:
    there: list[Event] = []
    found: list[int] = []

    def sweep_meanwhile() -> None:
        inventory = discover.discover(night.context)
        sweep(night.context, inventory)  # as a second process of this machine does
        with Catalog.open(tmp_path / "elsewhere" / "catalog.sqlite") as catalog:  # as another machine does
            other: Context = replace(night.context, catalog=catalog, state=tmp_path / "elsewhere", emit=there.append)
            sweep(other, inventory)
        found.append(snapshots(night))

    during(night, sweep_meanwhile)
    assert run(night, "nightly").failed == 0, night.events
    assert found == [1]
    assert next(event.message for event in there if isinstance(event, Noted)).startswith("the recovery snapshot of run 1111")
    assert not [event for event in there if isinstance(event, Warned)]
    assert whole(night)


def test_the_claim_of_another_machine_or_a_restore_is_respected(night: Night) -> None:
    freeze(night)
    claim(night, "borg-cluster on another, pid 1 begun at 1, machine 000000000000, boot 0-0, space 1")
    assert swept(night) == ""
    assert snapshots(night) == 1
    assert "claimed by borg-cluster on another" in night.of(Noted)[0].message


def test_the_claim_of_a_dead_restore_is_respected(night: Night) -> None:
    freeze(night)
    claim(night, dead_process(), purpose="restore")
    assert swept(night) == ""
    assert snapshots(night) == 1


def test_a_claim_of_a_dead_process_whose_record_is_lost_is_dropped(night: Night) -> None:
    freeze(night)
    claim(night, dead_process())
    said = swept(night)
    assert f"the claim on {WEB} that a dead process left was dropped" in said
    assert f"the dead run {DEAD}" in said
    assert whole(night)
    assert night.claims() == []


def test_a_backup_takes_over_the_claim_of_a_dead_process(night: Night) -> None:
    claim(night, dead_process())
    outcome = run(night, "nightly")
    assert (outcome.done, outcome.failed) == (1, 0), night.events
    assert "that a dead process left was dropped" in night.of(Warned)[0].message


def test_a_snapshot_of_a_vm_that_is_gone_is_forgotten(night: Night) -> None:
    die_with(night, freeze(night))
    night.cluster.destroy(night.cluster.find_vm(WEB))
    assert f"{WEB} is gone from the cluster" in swept(night)
    assert not list((night.context.state / "runs").rglob("*.jsonl"))


def test_of_a_vm_whose_node_is_silent_nothing_is_forgotten(night: Night) -> None:
    held = freeze(night)
    die_with(night, held)
    night.cluster.move_core_group("node2")
    night.cluster.node_down("node1", fail_over=False)
    assert "could not be ended" in swept(night)
    assert list((night.context.state / "runs").rglob("*.jsonl"))


def test_a_foreign_snapshot_is_nobodys_to_sweep(night: Night) -> None:
    night.cluster.foreign_snapshot(night.cluster.find_vm(WEB))
    assert swept(night) == ""
    assert snapshots(night) == 1


def test_plan_doctor_and_status_tell_of_it_and_change_nothing(night: Night) -> None:
    die_with(night, freeze(night))
    inventory = discover.discover(night.context)
    (left,) = leftovers(night.context, inventory)
    assert (left.subject, left.ended_by) == (night.cluster.find_vm(WEB), "the next discover, create or run ends it")
    assert f"of run {DEAD}, which died" in left.message
    found = [one for one in examine(night.context) if one.what == "left over"]
    assert [(one.result, one.detail) for one in found] == [(Result.WARNING, left.message)]
    assert snapshots(night) == 1
    sweep_own(night.context)
    assert whole(night)
    assert leftovers(night.context, discover.discover(night.context)) == ()


def test_a_mark_without_a_record_is_told_of(night: Night) -> None:
    freeze(night)
    (left,) = leftovers(night.context, discover.discover(night.context))
    assert f"has a recovery snapshot of run {DEAD}, which is no run of this machine" in left.message


def test_nothing_is_asked_where_nobody_died(night: Night) -> None:
    asked = len(night.context.bridge.asked)  # type: ignore[attr-defined] # a DirectBridge
    sweep_own(night.context)
    assert len(night.context.bridge.asked) == asked  # type: ignore[attr-defined] # a DirectBridge


def test_claims_of_a_dead_run_are_released(night: Night) -> None:
    folder = f"{night.cluster.volume_path('Volume1')}\\.borg-cluster"
    record = RunRecord.begin(night.context.state, cluster=night.context.policy.cluster, run_id=DEAD)
    claim_id = "00000000-0000-4000-8000-00000000000c"
    record.add_claim(HeldClaim(vm_id=night.cluster.find_vm(WEB), folder=folder, claim_id=claim_id, node="node1"))
    record.close()
    claim(night, "a dead run")
    sweep_own(night.context)
    assert night.claims() == []
