"""Snapshots that are opened for another process: read by the real borg by hand, closed exactly, swept when nobody needs them."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import discover, owner
from borg_cluster.borg import find_borg
from borg_cluster.catalog import manifest_from_json
from borg_cluster.claim_holder import this_process
from borg_cluster.core.archive import Consistency
from borg_cluster.core.event import ArchiveFailed, Warned
from borg_cluster.core.policy import JobKind
from borg_cluster.errors import AlreadyRunning, BorgClusterError, FrozenChanged, Refused, UsageError
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import CommandError, SimulatedCluster
from borg_cluster.snapshot_session import Place, close_session, open_session, place_of
from borg_cluster.sweep import sweep
from tests.e2e.test_create import Night, contents, open_night
from tests.e2e.test_snapshots import LIVE, NIGHTLY, SMALL, WEB, disks, run, whole
from tests.e2e.test_sweep import dead_process

OTHER = "NO"
WEEKLY = replace(NIGHTLY, name="weekly", kind=JobKind.VOLUMES)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: here it is commands that let time pass."""
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 8)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    cluster = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1", "node2"))
    cluster.add_vm(WEB, node="node1", volume="Volume1", disks=(SMALL, replace(SMALL, volume="Volume2")))
    cluster.add_vm(OTHER, node="node2", volume="Volume2", disks=(SMALL,))
    for night in open_night(cluster, tmp_path):
        night.reconfigure(jobs=(NIGHTLY, WEEKLY))
        yield night


def opened(
    night: Night, job: str = "nightly", *, holder: str | None = None, seconds: int = 3600
) -> tuple[Place, tuple[str, ...]]:
    chosen = next(one for one in night.context.policy.jobs if one.name == job)
    inventory = discover.discover(night.context)
    plan = replace(night.plan(job), run_id=f"22222222-0000-4000-8000-{night.runs:012}")
    return open_session(night.context, plan, inventory, chosen, holder=holder or this_process(), seconds=seconds)


def snapshots(night: Night) -> int:
    return sum(len(machine.definition.snapshots()) for machine in night.cluster.state.machines)


def by_hand(night: Night, archive: str, patterns: Path) -> None:
    """Let the real borg read what a pattern file names."""
    environment = os.environ | {
        "BORG_REPO": night.borg.repository.path,
        "BORG_BASE_DIR": str(night.borg.settings.base_directory),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    }
    line = [find_borg("borg"), "create", "--patterns-from", str(patterns), f"::{archive}"]
    subprocess.run(line, env=environment, check=True, capture_output=True)


def test_what_is_open_is_read_by_hand_and_closed(night: Night, tmp_path: Path) -> None:
    then = disks(night)
    place, names = opened(night)
    assert sorted(names) == sorted((WEB, OTHER))
    assert snapshots(night) == 2
    for name in names:
        night.cluster.guest_write(night.cluster.find_vm(name), data=LIVE)
    by_hand(night, "mine", place.patterns)
    assert close_session(night.context, "nightly") == 2
    assert whole(night)
    assert night.claims() == []
    stored = contents(night, "mine", tmp_path / "out")
    assert {path: content for path, content in stored.items() if path.endswith(".vhdx")} == then
    told = {path for path in stored if path.startswith(".borg-cluster/")}
    vm_id = night.cluster.find_vm(WEB)
    manifest = manifest_from_json(stored[f".borg-cluster/{vm_id}/manifest.json"])
    assert manifest.consistency is Consistency.APPLICATION
    assert {file.archive_path for file in manifest.files} <= set(stored)
    assert f".borg-cluster/{vm_id}/RESTORE.txt" in told
    assert set(stored) - told == named(night, stored)
    by_hand(night, "closed", place.patterns)
    assert [path for path in contents(night, "closed", tmp_path / "closed") if not path.startswith(".borg-cluster/")] == []


def named(night: Night, stored: dict[str, bytes]) -> set[str]:
    """Return the files that the manifests in an archive name."""
    ids = [night.cluster.find_vm(name) for name in (WEB, OTHER)]
    manifests = [manifest_from_json(stored[f".borg-cluster/{vm_id}/manifest.json"]) for vm_id in ids]
    return {file.archive_path for manifest in manifests for file in manifest.files}


def test_closing_again_or_what_was_never_open_is_harmless(night: Night) -> None:
    assert close_session(night.context, "nightly") == 0
    opened(night)
    assert close_session(night.context, "weekly") == 0
    assert snapshots(night) == 2
    assert close_session(night.context, "nightly") == 2
    assert close_session(night.context, "nightly") == 0
    with pytest.raises(UsageError, match="no job nope that makes archives"):
        close_session(night.context, "nope")


def test_while_it_is_open_nobody_else_works_on_its_vms(night: Night) -> None:
    opened(night)
    with pytest.raises(AlreadyRunning, match="open already"):
        opened(night)
    outcome = run_as(night)
    assert (outcome, snapshots(night)) == (2, 2)
    assert {event.refused for event in night.of(ArchiveFailed)} == {True}
    sweep(night.context, discover.discover(night.context))
    assert snapshots(night) == 2
    assert close_session(night.context, "nightly") == 2


def run_as(night: Night) -> int:
    """Run another job on the same VMs; return how many failed."""
    night.reconfigure(jobs=(NIGHTLY, replace(NIGHTLY, name="other")))
    night.events.clear()
    plan = replace(night.plan("other"), run_id="33333333-0000-4000-8000-000000000001")
    return night.run(plan=plan).failed


@pytest.mark.parametrize("case", ["dead owner", "too old"])
def test_what_nobody_needs_any_more_is_swept_and_its_close_says_so(night: Night, case: str) -> None:
    if case == "dead owner":
        opened(night, holder=dead_process())
    else:
        opened(night, seconds=0)
    sweep(night.context, discover.discover(night.context))
    assert snapshots(night) == 0
    assert night.claims() == []
    assert sum("the dead run" in event.message for event in night.of(Warned)) == 2
    with pytest.raises(FrozenChanged, match="were ended before it was closed"):
        close_session(night.context, "nightly")
    assert close_session(night.context, "nightly") == 0


def test_all_or_none(night: Night) -> None:
    refusal = CommandError(error_id="X", category="InvalidOperation", message="not this one", code="0x80048005")
    fault = night.cluster.faults.add(Fault(kind="error", command="New-BorgClusterSnapshot", occurrence=2, error=refusal))
    with pytest.raises(BorgClusterError, match="not this one"):
        opened(night)
    assert fault.fired == 1
    assert whole(night)
    assert snapshots(night) == 0
    assert night.claims() == []
    assert not list((night.context.state / "runs").rglob("*.jsonl"))
    assert close_session(night.context, "nightly") == 0


def test_what_vanishes_while_it_is_open_is_told_when_it_is_closed(night: Night) -> None:
    opened(night)
    vm_id = night.cluster.find_vm(WEB)
    machine = next(machine for machine in night.cluster.state.machines if machine.id == vm_id)
    night.cluster.remove_snapshot(vm_id, machine.definition.snapshots()[0].id)
    with pytest.raises(FrozenChanged, match="was gone"):
        close_session(night.context, "nightly")
    assert snapshots(night) == 0
    assert night.claims() == []
    assert close_session(night.context, "nightly") == 0


@pytest.mark.impossible
def test_a_vm_that_can_not_be_saved_truthfully_is_refused_by_name(night: Night) -> None:
    vm_id = night.cluster.find_vm(OTHER)
    (disk,) = [path for path in night.cluster.folder.rglob("*.vhdx") if OTHER in path.parts]
    disk.rename(disk.with_suffix(".elsewhere"))
    assert vm_id
    with pytest.raises(Refused, match=f"^{OTHER}: "):
        opened(night)
    assert snapshots(night) == 0


def test_a_volumes_job_names_roots_and_what_is_left_out(night: Night, tmp_path: Path) -> None:
    place, names = opened(night, "weekly")
    assert names == ()
    by_hand(night, "volumes", place.patterns)
    assert any(path.startswith("Volume1/") for path in contents(night, "volumes", tmp_path / "out"))
    assert close_session(night.context, "weekly") == 0
    assert place_of(night.context, "weekly").for_borgmatic.exists()


def test_a_run_goes_on_after_all_that(night: Night) -> None:
    opened(night)
    close_session(night.context, "nightly")
    assert run(night, "nightly").failed == 0
