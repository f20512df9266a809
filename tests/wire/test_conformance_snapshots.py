"""What a cluster must do for a consistent backup and for a copy beside the original.

They run against the simulated cluster, or with ``--cluster=FILE --cluster-vm=VM`` against the one VM of a real one that may be
changed: it is frozen, and stopped while its files are copied.
"""

import ntpath
import uuid
from collections.abc import Iterator

import pytest

from borg_cluster.core.report import VM
from borg_cluster.core.snapshot import SnapshotReport
from borg_cluster.errors import CommandFailed
from tests.wire.target import Target, there
from tests.wire.test_conformance import TIMEOUT, registration_of, work_folder_of

RIGHTS = {
    "cluster_read",
    "cluster_full",
    "hyper_v",
    "wmi_virtualization",
    "wmi_cluster",
    "vss",
    "volume_write",
    "administrator",
}
NAMED = "borg-cluster's copy [1]* $(x) `y"
NOTHING = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def changeable(target: Target) -> Iterator[tuple[str, VM]]:
    """The VM that may be changed and its owner; what a failed test left of ours is removed."""
    if target.changeable is None:
        pytest.skip("no VM may be changed: name one with --cluster-vm")
    node, vm = target.changeable_vm()
    yield node, vm
    for snapshot in there(target.bridge.get_snapshot(node, vm_id=vm.id)).snapshots:
        if snapshot.run_id is not None:
            there(target.bridge.remove_snapshot(node, vm_id=vm.id, snapshot_id=snapshot.id))


def merged(target: Target, node: str, vm_id: str) -> SnapshotReport:
    """Wait for the end of a merge."""
    for _ in range(10):
        report = there(target.bridge.wait_merge(node, vm_id=vm_id, timeout_second=TIMEOUT))
        if not report.merging:
            return report
    pytest.fail("the merge doesn't end")


def test_rights_are_told_by_each_node(target: Target) -> None:
    for node in target.nodes():
        answer = target.raw(node, "Get-BorgClusterAccess")
        assert {check["right"] for check in answer["checks"]} == RIGHTS
        assert answer["identity"]


def test_snapshots_and_points_of_each_vm_can_be_listed(target: Target) -> None:
    for node, report in target.node_reports().items():
        for vm in report.vms:
            snapshots = target.raw(node, "Get-BorgClusterSnapshot", {"VMId": vm.id})
            assert snapshots["disk_paths"] == [disk.path for disk in vm.disks if disk.disk_number is None]
            target.raw(node, "Get-BorgClusterReferencePoint", {"VMId": vm.id})


@pytest.mark.parametrize("consistency", ["Application", "Crash"])
def test_a_snapshot_is_made_once_found_again_and_removed_once(
    target: Target, changeable: tuple[str, VM], consistency: str
) -> None:
    (node, vm), bridge, run_id = changeable, target.bridge, str(uuid.uuid4())
    before = there(bridge.get_snapshot(node, vm_id=vm.id))
    for _ in range(2):
        report = there(bridge.new_snapshot(node, vm_id=vm.id, run_id=run_id, consistency=consistency, timeout_second=TIMEOUT))
    (made,) = (one for one in report.snapshots if one.id == report.made)
    assert (made.run_id, made.name, made.consistency) == (run_id, f"borg-cluster {run_id}", consistency)
    assert len(report.snapshots) == len(before.snapshots) + 1
    assert {disk.path for disk in made.disks} == set(before.disk_paths)
    assert all(disk.chain[0] == disk.path for disk in made.disks)
    assert not set(report.disk_paths) & set(before.disk_paths)
    assert any(path.lower().endswith(".vmcx") for path in made.configuration_files)
    files = (*(path for disk in made.disks for path in disk.chain), *made.configuration_files)
    assert all(file.exists for file in there(bridge.get_vm_state(node, vm_id=vm.id, path=files)).files)
    checkpoints = {one.id: one.type for one in target.changeable_vm()[1].checkpoints}
    assert checkpoints[made.id] == "Recovery"

    for _ in range(2):
        removed = there(bridge.remove_snapshot(node, vm_id=vm.id, snapshot_id=made.id))
        assert made.id not in {one.id for one in removed.snapshots}
    assert merged(target, node, vm.id).disk_paths == before.disk_paths


def test_changes_are_asked_from_one_reference_point_to_the_next(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge = changeable, target.bridge

    def freeze(run_id: str) -> str:
        made = there(bridge.new_snapshot(node, vm_id=vm.id, run_id=run_id, consistency="Crash", timeout_second=TIMEOUT)).made
        assert made is not None
        return made

    run_id = str(uuid.uuid4())
    snapshot_id = freeze(run_id)
    points = there(bridge.convert_to_reference_point(node, vm_id=vm.id, snapshot_id=snapshot_id))
    (point,) = (one for one in points.reference_points if one.id == points.made)
    assert point.run_id in {run_id, None}, "no document says that a point keeps the name of its snapshot"
    with pytest.raises(CommandFailed) as caught:
        bridge.convert_to_reference_point(node, vm_id=vm.id, snapshot_id=snapshot_id)
    assert caught.value.fields["error_id"] == "BorgClusterSnapshotMissing"
    merged(target, node, vm.id)

    second = freeze(str(uuid.uuid4()))
    report = there(bridge.get_snapshot(node, vm_id=vm.id))
    frozen = next(one for one in report.snapshots if one.id == second).disks
    if point.complete:
        assert {disk.path for disk in point.disks} == {disk.path for disk in frozen}
    for disk in point.disks:
        change = there(bridge.get_disk_change(node, vm_id=vm.id, path=disk.path, since=disk.rct_id))
        assert change.since == disk.rct_id
        assert all(one.length > 0 and one.offset + one.length <= change.virtual_size for one in change.ranges)
    for wrong in ("no such id", "'; throw 'run'; '"):
        with pytest.raises(CommandFailed) as caught:
            bridge.get_disk_change(node, vm_id=vm.id, path=frozen[0].path, since=wrong)
        assert caught.value.fields["error_id"] in {"BorgClusterJobFailed", "BorgClusterMethodFailed"}
    with pytest.raises(CommandFailed) as caught:
        bridge.get_disk_change(node, vm_id=vm.id, path=frozen[0].path + ".none", since="none")
    assert "GetVHD" in str(caught.value.fields["error_id"])

    there(bridge.remove_snapshot(node, vm_id=vm.id, snapshot_id=second))
    for _ in range(2):
        left = there(bridge.remove_reference_point(node, vm_id=vm.id, reference_point_id=point.id))
        assert point.id not in {one.id for one in left.reference_points}
    merged(target, node, vm.id)


def test_a_copy_runs_beside_the_original_under_any_name(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge, restore_id = changeable, target.bridge, str(uuid.uuid4())
    home = ntpath.join(work_folder_of(vm), restore_id, "staged", "copy")
    disks = tuple(str(disk.path) for disk in vm.disks)
    files = tuple(file.path for file in vm.files if file.kind in {"configuration", "guest_state"})
    placed = tuple(ntpath.join(home, "Virtual Machines", ntpath.basename(path)) for path in files)
    copies = tuple(ntpath.join(home, ntpath.basename(path)) for path in disks)
    configuration = next(path for path in placed if path.lower().endswith(".vmcx"))

    there(bridge.stop_role(node, vm_id=vm.id, timeout_second=TIMEOUT))
    source, destination = (*files, *disks), (*placed, *copies)
    there(bridge.copy_configuration(node, vm_id=vm.id, restore_id=restore_id, source=source, destination=destination))
    there(bridge.start_role(node, vm_id=vm.id, timeout_second=TIMEOUT))
    for _ in range(2):
        cleared = there(bridge.clear_change_tracking(node, restore_id=restore_id, path=copies))
        assert [file.exists for file in cleared.files] == [False] * 2 * len(copies)

    results = [
        there(bridge.register_vm_copy(node, path=configuration, vm_id=vm.id, name=NAMED, restore_id=restore_id)) for _ in range(2)
    ]
    assert [result.registered for result in results] == [True, True]
    copy_id = results[0].vm_id
    assert copy_id == results[1].vm_id != vm.id
    state = registration_of(results[1].state)
    assert (state.name, set(state.disk_paths)) == (NAMED, set(copies))
    copy = next(one for one in target.node_reports()[node].vms if one.id == copy_id)
    assert {adapter.switch_name for adapter in copy.network_adapters} <= {None}
    assert f"borg-cluster restore {restore_id}" in copy.notes.splitlines()

    there(bridge.grant_vm_access(node, vm_id=copy_id, path=copies))
    there(bridge.start_vm(node, vm_id=copy_id, timeout_second=TIMEOUT))
    booted = registration_of(there(bridge.test_boot(node, vm_id=copy_id, timeout_second=TIMEOUT)))
    assert booted.state == "Running"
    there(bridge.stop_vm(node, vm_id=copy_id, action="TurnOff", timeout_second=TIMEOUT))
    there(bridge.unregister_vm(node, vm_id=copy_id))
    there(bridge.remove_restore_folder(node, restore_id=restore_id, folder=(ntpath.join(work_folder_of(vm), restore_id),)))
    assert there(bridge.get_vm_state(node, vm_id=vm.id)).registration is not None


def test_a_copy_without_its_own_disks_is_not_registered(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge, restore_id = changeable, target.bridge, str(uuid.uuid4())
    folder = ntpath.join(work_folder_of(vm), restore_id)
    configuration = next(file.path for file in vm.files if file.kind == "configuration")
    copy = ntpath.join(folder, "staged", "Virtual Machines", ntpath.basename(configuration))
    there(bridge.copy_configuration(node, vm_id=vm.id, restore_id=restore_id, source=(configuration,), destination=(copy,)))
    with pytest.raises(CommandFailed) as caught:
        bridge.register_vm_copy(node, path=copy, vm_id=vm.id, name=NAMED, restore_id=restore_id)
    assert caught.value.fields["error_id"] == "BorgClusterDiskNotFound"
    there(bridge.remove_restore_folder(node, restore_id=restore_id, folder=(folder,)))
    assert len([one for one in target.node_reports()[node].vms if one.name == NAMED]) == 0
