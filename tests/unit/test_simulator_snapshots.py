"""Recovery snapshots and reference points: what may be frozen, that it really is, and that all of it is merged back."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from borg_cluster.simulator.chains import find_chain
from borg_cluster.simulator.making import noise
from borg_cluster.simulator.state import CommandError, DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.simulator.vhdx_content import content_hash
from tests.unit.simulated import SMALL, ask, listed, registration

RUN = "11111111-0000-4000-8000-000000000001"
OTHER_RUN = "22222222-0000-4000-8000-000000000002"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    return SimulatedCluster.create(tmp_path / "cluster")


@pytest.fixture
def vm_id(cluster: SimulatedCluster) -> str:
    return cluster.add_vm("web[1]*", disks=(SMALL, SMALL))


def freeze(
    cluster: SimulatedCluster, vm_id: str, *, node: str = "node1", run: str = RUN, consistency: str = "Application"
) -> Any:
    """Make a snapshot and return the answer."""
    wanted = {"VMId": vm_id, "RunId": run, "Consistency": consistency, "TimeoutSecond": 60}
    return ask(cluster, node, "New-BorgClusterSnapshot", **wanted)


def refused(cluster: SimulatedCluster, vm_id: str, **options: Any) -> tuple[str, str | None]:
    """Return error id and code of a snapshot that is refused."""
    with pytest.raises(CommandError) as caught:
        freeze(cluster, vm_id, **options)
    return caught.value.error_id, caught.value.code


def merged(cluster: SimulatedCluster, vm_id: str, node: str = "node1") -> Any:
    """Wait for the merge and return the answer."""
    return ask(cluster, node, "Wait-BorgClusterMerge", VMId=vm_id, TimeoutSecond=60)


def snapshots(cluster: SimulatedCluster, vm_id: str, node: str = "node1") -> Any:
    return ask(cluster, node, "Get-BorgClusterSnapshot", VMId=vm_id)


def digest(cluster: SimulatedCluster, path: str) -> str:
    return hashlib.sha256(cluster.real_path(path).read_bytes()).hexdigest()


def content(cluster: SimulatedCluster, path: str, node: str = "node1") -> str:
    """Return the hash of what a disk holds for its guest."""
    return content_hash(find_chain(cluster, path, node).reals)


def test_frozen_files_stay_as_they_are_while_the_guest_writes(cluster: SimulatedCluster, vm_id: str) -> None:
    before = registration(cluster, vm_id)["disk_paths"]
    answer = freeze(cluster, vm_id)
    (snapshot,) = answer["snapshots"]
    assert (answer["made"], snapshot["run_id"], snapshot["consistency"]) == (snapshot["id"], RUN, "Application")
    assert snapshot["name"] == f"borg-cluster {RUN}"
    assert [disk["path"] for disk in snapshot["disks"]] == before
    assert [disk["chain"] for disk in snapshot["disks"]] == [[path] for path in before]
    assert [disk["controller_location"] for disk in snapshot["disks"]] == [0, 1]
    assert all(path.lower().endswith(".avhdx") for path in answer["disk_paths"])

    held = {path: (digest(cluster, path), cluster.real_path(path).stat().st_mtime_ns) for path in before}
    for disk in (0, 1):
        cluster.guest_write(vm_id, disk=disk, offset=MIB + 7, data=b"after the snapshot")
    assert held == {path: (digest(cluster, path), cluster.real_path(path).stat().st_mtime_ns) for path in before}
    assert cluster.guest_read(vm_id, disk=1, offset=MIB + 7, length=18) == b"after the snapshot"
    cluster.check()


def test_a_removed_snapshot_is_merged_into_the_base(cluster: SimulatedCluster, vm_id: str) -> None:
    before = registration(cluster, vm_id)["disk_paths"]
    snapshot_id = freeze(cluster, vm_id)["made"]
    cluster.guest_write(vm_id, offset=3 * MIB, data=noise("x", MIB))
    (now, _) = registration(cluster, vm_id)["disk_paths"]
    wanted = content(cluster, now)

    gone = ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=snapshot_id)
    assert (gone["snapshots"], gone["merging"]) == ([], True)
    done = merged(cluster, vm_id)
    assert (done["merging"], done["disk_paths"]) == (False, before)
    assert content(cluster, before[0]) == wanted
    assert not list(cluster.volume_folder("Volume1").rglob("*.avhdx"))
    assert not list(cluster.volume_folder("Volume1").rglob("Snapshots/*"))
    cluster.check()


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
def test_qemu_agrees_about_what_was_frozen_and_merged(cluster: SimulatedCluster, tmp_path: Path) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    (base,) = registration(cluster, vm_id)["disk_paths"]

    def raw() -> bytes:
        target = tmp_path / "raw"
        real = cluster.real_path(base)
        subprocess.run(["qemu-img", "convert", "-f", "vhdx", "-O", "raw", str(real), str(target)], check=True)
        return target.read_bytes()

    cluster.guest_write(vm_id, offset=12345, data=b"before")
    before = cluster.guest_read(vm_id, length=8 * MIB)
    snapshot_id = freeze(cluster, vm_id)["made"]
    cluster.guest_write(vm_id, offset=12345, data=b"after!")
    assert raw() == before
    ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=snapshot_id)
    merged(cluster, vm_id)
    assert raw() == cluster.guest_read(vm_id, length=8 * MIB) != before


def test_a_snapshot_is_told_among_checkpoints_by_its_type(cluster: SimulatedCluster, vm_id: str) -> None:
    user = cluster.take_checkpoint(vm_id, "before the update")
    snapshot_id = freeze(cluster, vm_id)["made"]
    assert set(registration(cluster, vm_id)["checkpoint_ids"]) == {user, snapshot_id}
    reported = {one["id"]: one["type"] for one in listed(cluster, "node1")[vm_id]["checkpoints"]}
    assert reported == {user: "Standard", snapshot_id: "Recovery"}
    (snapshot,) = snapshots(cluster, vm_id)["snapshots"]
    assert [len(disk["chain"]) for disk in snapshot["disks"]] == [2, 2]
    assert [path.rsplit(".", 1)[1] for path in snapshot["configuration_files"]] == ["vmcx", "vmrs", "vmgs"]
    assert all(cluster.real_path(path).exists() for path in snapshot["configuration_files"])


def test_one_run_makes_one_snapshot(cluster: SimulatedCluster, vm_id: str) -> None:
    first = freeze(cluster, vm_id)
    again = freeze(cluster, vm_id)
    assert again["made"] == first["made"]
    assert again["disk_paths"] == first["disk_paths"]
    other = freeze(cluster, vm_id, run=OTHER_RUN)
    assert other["made"] != first["made"]
    assert len(other["snapshots"]) == 2


def test_snapshots_in_any_order_are_merged_in_any_order(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.merge_after = 0
    base = registration(cluster, vm_id)["disk_paths"]
    taken = []
    for number in range(4):
        if number == 2:
            cluster.take_checkpoint(vm_id, "user's")
        taken.append(freeze(cluster, vm_id, run=f"{number}{RUN[1:]}")["made"])
        cluster.guest_write(vm_id, offset=number * MIB + 5, data=noise(str(number), MIB))
    wanted = content(cluster, registration(cluster, vm_id)["disk_paths"][0])
    for number in (2, 0, 3, 1):
        frozen = {one["id"]: one["disks"][0]["path"] for one in snapshots(cluster, vm_id)["snapshots"]}
        contents = {one: content(cluster, path) for one, path in frozen.items()}
        answer = ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=taken[number])
        for one in answer["snapshots"]:
            assert content(cluster, one["disks"][0]["path"]) == contents[one["id"]]
        assert content(cluster, answer["disk_paths"][0]) == wanted
        cluster.check()
    cluster.remove_checkpoints(vm_id)
    assert registration(cluster, vm_id)["disk_paths"] == base
    assert content(cluster, base[0]) == wanted
    cluster.check()


def test_a_foreign_snapshot_is_listed_and_never_touched(cluster: SimulatedCluster, vm_id: str) -> None:
    foreign = cluster.foreign_snapshot(vm_id)
    user = cluster.take_checkpoint(vm_id)
    answer = freeze(cluster, vm_id)
    assert {one["id"]: one["run_id"] for one in answer["snapshots"]} == {foreign: None, answer["made"]: RUN}
    for command in ("Remove-BorgClusterSnapshot", "ConvertTo-BorgClusterReferencePoint"):
        with pytest.raises(CommandError) as caught:
            ask(cluster, "node1", command, VMId=vm_id, SnapshotId=foreign)
        assert caught.value.error_id == "BorgClusterSnapshotForeign"
    ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=user)
    assert user in registration(cluster, vm_id)["checkpoint_ids"]
    assert foreign in {one["id"] for one in snapshots(cluster, vm_id)["snapshots"]}
    cluster.remove_snapshot(vm_id, foreign)
    assert [one["id"] for one in merged(cluster, vm_id)["snapshots"]] == [answer["made"]]


def test_what_is_not_there_is_removed_already_but_not_converted(cluster: SimulatedCluster, vm_id: str) -> None:
    assert ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=NOBODY)["snapshots"] == []
    point = ask(cluster, "node1", "Remove-BorgClusterReferencePoint", VMId=vm_id, ReferencePointId=NOBODY)
    assert point["reference_points"] == []
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node1", "ConvertTo-BorgClusterReferencePoint", VMId=vm_id, SnapshotId=NOBODY)
    assert caught.value.error_id == "BorgClusterSnapshotMissing"


def test_a_guest_that_takes_no_part_has_crash_consistent_snapshots_only(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.edit(vm_id, lambda machine: setattr(machine.definition, "vss", False))
    assert refused(cluster, vm_id) == ("BorgClusterJobFailed", "0x00008000")
    assert snapshots(cluster, vm_id)["snapshots"] == []
    assert freeze(cluster, vm_id, consistency="Crash")["snapshots"][0]["consistency"] == "Crash"


def test_a_guest_that_never_freezes(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.guest_never_freezes.append(vm_id)
    assert refused(cluster, vm_id) == ("BorgClusterJobFailed", "0x800423F2")
    assert freeze(cluster, vm_id, consistency="Crash")["made"]


@pytest.mark.parametrize("state", ["Off", "Saved"])
def test_one_that_does_not_run_is_frozen_and_starts_on(cluster: SimulatedCluster, state: str) -> None:
    vm_id = cluster.add_vm("idle", disks=(SMALL,), state=state, highly_available=False)
    cluster.edit(vm_id, lambda machine: setattr(machine.definition, "vss", False))
    snapshot_id = freeze(cluster, vm_id)["made"]
    ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=snapshot_id)
    merged(cluster, vm_id)
    cluster.start(vm_id)
    assert registration(cluster, vm_id)["state"] == "Running"
    cluster.check()


def _migrating(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.begin_migration(vm_id, "node2")


def _merging(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.merge_after = None
    cluster.remove_snapshot(vm_id, cluster.foreign_snapshot(vm_id))


def _critical(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.edit(vm_id, lambda machine: setattr(machine, "state", "RunningCritical"))


@pytest.mark.parametrize("occupy", [_migrating, _merging, _critical])
def test_a_busy_vm_has_no_snapshot_taken(cluster: SimulatedCluster, vm_id: str, occupy: Any) -> None:
    occupy(cluster, vm_id)
    assert refused(cluster, vm_id) == ("BorgClusterMethodFailed", "0x8007139F")


def test_what_can_not_be_frozen_is_refused(cluster: SimulatedCluster) -> None:
    passed = cluster.add_vm("passed", disks=(SMALL, DiskSpec(disk_number=3)))
    assert refused(cluster, passed) == ("BorgClusterMethodFailed", "0x80070032")
    replica = cluster.add_vm("replica", disks=(SMALL,))
    cluster.edit(replica, lambda machine: setattr(machine.definition, "replication_state", "Resynchronizing"))
    assert refused(cluster, replica) == ("BorgClusterJobFailed", "0x800480BC")
    full = cluster.add_vm("full", disks=(SMALL,))
    for _ in range(50):
        cluster.take_checkpoint(full)
    assert refused(cluster, full) == ("BorgClusterJobFailed", "0x00008000")


@pytest.mark.parametrize("refuses", [False, True])
def test_whether_disabled_checkpoints_forbid_snapshots_is_a_doubt(
    cluster: SimulatedCluster, vm_id: str, *, refuses: bool
) -> None:
    cluster.switches.disabled_checkpoints_refuse_snapshots = refuses
    cluster.edit(vm_id, lambda machine: setattr(machine.definition, "checkpoint_type", "Disabled"))
    if refuses:
        assert refused(cluster, vm_id) == ("BorgClusterMethodFailed", "0x80070032")
    else:
        assert freeze(cluster, vm_id)["made"]


def test_a_snapshot_migrates_along_and_is_ended_where_the_vm_is(cluster: SimulatedCluster, vm_id: str) -> None:
    made = freeze(cluster, vm_id)["made"]
    cluster.migrate(vm_id, "node2")
    with pytest.raises(CommandError) as caught:
        snapshots(cluster, vm_id, "node1")
    assert caught.value.error_id == "BorgClusterVMNotRegistered"
    assert [one["id"] for one in snapshots(cluster, vm_id, "node2")["snapshots"]] == [made]
    ask(cluster, "node2", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=made)
    assert not merged(cluster, vm_id, "node2")["merging"]
    cluster.check()


def test_whether_a_vm_migrates_with_a_snapshot_is_a_doubt(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.migrates_with_snapshot = False
    freeze(cluster, vm_id)
    with pytest.raises(CommandError) as caught:
        cluster.migrate(vm_id, "node2")
    assert caught.value.error_id.startswith("InvalidState")


def test_a_snapshot_survives_the_crash_of_its_node(cluster: SimulatedCluster, vm_id: str) -> None:
    made = freeze(cluster, vm_id)["made"]
    cluster.guest_write(vm_id, offset=9, data=b"after")
    cluster.node_down("node1")
    owner = cluster.machine(vm_id).node
    assert owner != "node1"
    found = snapshots(cluster, vm_id, owner)
    assert [one["id"] for one in found["snapshots"]] == [made]
    assert cluster.guest_read(vm_id, offset=9, length=5) == b"after"
    ask(cluster, owner, "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=made)
    assert not merged(cluster, vm_id, owner)["merging"]
    cluster.check()


def test_storage_moves_with_a_snapshot_and_with_a_merge(cluster: SimulatedCluster, vm_id: str) -> None:
    made = freeze(cluster, vm_id)["made"]
    cluster.move_storage(vm_id, "Volume2")
    (snapshot,) = snapshots(cluster, vm_id)["snapshots"]
    assert all(path.startswith(r"C:\ClusterStorage\Volume2") for disk in snapshot["disks"] for path in disk["chain"])
    cluster.switches.merge_after = None
    ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=made)
    cluster.move_storage(vm_id, "Volume1")
    cluster.switches.merge_after = 0
    assert all(path.endswith(".vhdx") for path in merged(cluster, vm_id)["disk_paths"])
    cluster.check()


def test_a_merge_takes_as_many_commands_as_the_world_says(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.merge_after = 3
    cluster.remove_snapshot(vm_id, cluster.foreign_snapshot(vm_id))
    assert [merged(cluster, vm_id)["merging"] for _ in range(4)] == [True, True, False, False]


def test_a_merge_shows_in_the_status_and_time_ends_it(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.merge_after = 1000
    cluster.remove_snapshot(vm_id, cluster.foreign_snapshot(vm_id))
    assert registration(cluster, vm_id)["operational_status"] == [11, 32772]
    cluster.advance(3600)
    assert registration(cluster, vm_id)["operational_status"] == [2]


def test_a_merge_may_never_end_and_outlives_everything(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.merge_after = None
    cluster.remove_snapshot(vm_id, cluster.foreign_snapshot(vm_id))
    cluster.advance(100_000)
    assert merged(cluster, vm_id)["merging"]
    cluster.stop(vm_id)
    cluster.start(vm_id)
    cluster.migrate(vm_id, "node3")
    assert merged(cluster, vm_id, "node3")["merging"]
    again = SimulatedCluster.open(cluster.folder)
    assert json.loads(again.invoke("node3", "Get-BorgClusterSnapshot", {"VMId": vm_id}))["merging"]
    cluster.switches.merge_after = 0
    assert not merged(cluster, vm_id, "node3")["merging"]
    cluster.check()


def test_a_merge_waits_for_the_end_of_a_migration(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.remove_snapshot(vm_id, cluster.foreign_snapshot(vm_id))
    cluster.begin_migration(vm_id, "node2")
    assert merged(cluster, vm_id)["merging"]
    cluster.finish_migration(vm_id)
    assert not merged(cluster, vm_id, "node2")["merging"]


def test_an_orphaned_leaf_is_no_checkpoint_s(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.orphan_leaf(vm_id)
    report = listed(cluster, "node1")[vm_id]
    assert report["checkpoints"] == []
    assert all(disk["path"].endswith(".avhdx") and len(disk["chain"]) == 2 for disk in report["disks"])
    cluster.check()


@pytest.mark.parametrize("command", ["Get-BorgClusterSnapshot", "Get-BorgClusterReferencePoint"])
def test_a_node_without_its_services_or_rights(cluster: SimulatedCluster, vm_id: str, command: str) -> None:
    cluster.state.nodes[0].denied.append("wmi_virtualization")
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node1", command, VMId=vm_id)
    assert (caught.value.category, caught.value.code) == ("PermissionDenied", "0x80070005")
    cluster.state.nodes[0].denied.clear()
    cluster.state.nodes[0].vmms = False
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node1", command, VMId=vm_id)
    assert caught.value.code == "0x8004100E"


def test_rights_are_told_as_they_are(cluster: SimulatedCluster) -> None:
    cluster.state.nodes[1].denied, cluster.state.nodes[1].unknown_rights = ["cluster_full"], ["vss"]
    answer = ask(cluster, "node2", "Get-BorgClusterAccess")
    granted = {one["right"]: one["granted"] for one in answer["checks"]}
    assert len(granted) == 8
    assert {right for right, holds in granted.items() if holds is not True} == {"cluster_full", "vss"}
    assert (granted["cluster_full"], granted["vss"]) == (False, None)
