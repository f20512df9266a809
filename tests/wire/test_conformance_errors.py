"""Every error that the module documents as its own, over the wire: its id, its category, its code.

What must have gone wrong before can only be told to a simulated cluster: against a real one (``--cluster=FILE``) all of this is
skipped. The errors that a real cluster can be brought to are in the other files of the suite.
"""

import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from borg_cluster.core.report import VM
from borg_cluster.errors import CommandFailed
from borg_cluster.simulator.failure import ours
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import SimulatedCluster
from tests.powershell import source
from tests.wire.target import Target, there
from tests.wire.test_conformance import work_folder_of

NODE = "node1"
RESTORE = "5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a"
TIMEOUT = 5


@cache
def documented() -> dict[str, set[str]]:
    """Return each error id that the module throws -> the categories that it gives it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in source.files(".ps1"):
        for record in re.findall(r"ErrorId = '(BorgCluster\w+)'\n\s+Category = (\S+)", path.read_text()):
            # a category that differs by what WMI returned stands last in the rows of a table
            computed = record[1].startswith("$") and re.findall(r", '(\w+)'\)", path.read_text())
            found[record[0]].update(computed or [record[1].strip("'")])
    return found


@pytest.fixture
def cluster(target: Target) -> Iterator[SimulatedCluster]:
    if target.simulated is None:
        pytest.skip("a real cluster can't be told what is to go wrong")
    kept = {name: getattr(target.simulated.switches, name) for name in target.simulated.switches.__slots__}
    yield target.simulated
    for name, value in kept.items():
        setattr(target.simulated.switches, name, value)


@pytest.fixture
def vm(cluster: SimulatedCluster, target: Target) -> VM:
    """A highly available VM of this test's own."""
    vm_id = cluster.add_vm(f"victim {uuid.uuid4()}", node=NODE)
    return next(one for one in there(target.bridge.get_node_report(NODE)).vms if one.id == vm_id)


@pytest.fixture
def lone(cluster: SimulatedCluster, target: Target) -> VM:
    """A VM of this test's own without a role, running."""
    vm_id = cluster.add_vm(f"victim {uuid.uuid4()}", node=NODE, highly_available=False)
    return next(one for one in there(target.bridge.get_node_report(NODE)).vms if one.id == vm_id)


def refusal(act: Callable[[], object]) -> CommandFailed:
    """Return the error of a call that must be refused, twice alike."""
    caught = []
    for _ in range(2):
        with pytest.raises(CommandFailed) as one:
            act()
        caught.append(one.value)
    assert caught[0].fields["error_id"] == caught[1].fields["error_id"]
    return caught[1]


def is_ours(error: CommandFailed, error_id: str, code: str | None = None) -> None:
    """Hold an error against the module's own text."""
    assert error.fields["error_id"] == error_id
    assert error.fields["category"] in documented()[error_id]
    if code is not None:
        assert error.fields["code"] == code


def snapshot(target: Target, vm: VM, consistency: str = "Crash") -> str:
    run_id = str(uuid.uuid4())
    call = target.bridge.new_snapshot(NODE, vm_id=vm.id, run_id=run_id, consistency=consistency, timeout_second=TIMEOUT)
    made = there(call).made
    assert made is not None
    return made


def test_a_foreign_snapshot_is_told_and_never_touched(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    foreign, bridge = cluster.foreign_snapshot(vm.id), target.bridge
    (told,) = there(bridge.get_snapshot(NODE, vm_id=vm.id)).snapshots
    assert (told.id, told.run_id) == (foreign, None)
    is_ours(refusal(lambda: bridge.remove_snapshot(NODE, vm_id=vm.id, snapshot_id=foreign)), "BorgClusterSnapshotForeign")
    is_ours(
        refusal(lambda: bridge.convert_to_reference_point(NODE, vm_id=vm.id, snapshot_id=foreign)), "BorgClusterSnapshotForeign"
    )
    assert [one.id for one in there(bridge.get_snapshot(NODE, vm_id=vm.id)).snapshots] == [foreign]
    cluster.remove_snapshot(vm.id, foreign)


def test_a_foreign_snapshot_in_progress_does_not_become_ours(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    foreign = cluster.foreign_snapshot(vm.id, name="borg-cluster of another kind")
    made = snapshot(target, vm)
    found = {one.id: one.run_id for one in there(target.bridge.get_snapshot(NODE, vm_id=vm.id)).snapshots}
    assert found[foreign] is None
    assert found[made] is not None
    left = there(target.bridge.remove_snapshot(NODE, vm_id=vm.id, snapshot_id=made))
    assert [one.id for one in left.snapshots] == [foreign]
    cluster.remove_snapshot(vm.id, foreign)


def changed_since(target: Target, vm: VM) -> tuple[str, str]:
    """Make a reference point, and freeze again; return the frozen disk and the id since which its changes are known."""
    point_of = snapshot(target, vm)
    points = there(target.bridge.convert_to_reference_point(NODE, vm_id=vm.id, snapshot_id=point_of))
    (point,) = points.reference_points
    there(target.bridge.wait_merge(NODE, vm_id=vm.id, timeout_second=3600))
    frozen = snapshot(target, vm)
    (now,) = (one for one in there(target.bridge.get_snapshot(NODE, vm_id=vm.id)).snapshots if one.id == frozen)
    return now.disks[0].path, point.disks[0].rct_id


def test_changed_ranges_that_get_no_further_are_an_error(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    path, since = changed_since(target, vm)
    assert there(target.bridge.get_disk_change(NODE, vm_id=vm.id, path=path, since=since)).since == since
    cluster.switches.change_bytes_per_call = 0
    is_ours(
        refusal(lambda: target.bridge.get_disk_change(NODE, vm_id=vm.id, path=path, since=since)),
        "BorgClusterNoProgress",
    )


def test_a_reference_point_with_unequal_arrays_is_told_as_incomplete(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    cluster.switches.reference_arrays_agree = False
    made = there(target.bridge.convert_to_reference_point(NODE, vm_id=vm.id, snapshot_id=snapshot(target, vm)))
    (point,) = made.reference_points
    assert (point.complete, point.disks) == (False, ())


def test_a_guest_that_never_freezes_fails_the_job_with_its_code(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    cluster.switches.guest_never_freezes = [vm.id]
    is_ours(refusal(lambda: snapshot(target, vm, "Application")), "BorgClusterJobFailed", "0x800423F2")
    assert there(target.bridge.get_snapshot(NODE, vm_id=vm.id)).snapshots == ()


def test_a_vm_on_its_way_refuses_the_method(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    cluster.begin_migration(vm.id, "node2")
    is_ours(refusal(lambda: snapshot(target, vm)), "BorgClusterMethodFailed", "0x8007139F")
    cluster.cancel_migration(vm.id)


def test_a_vm_with_a_role_and_one_that_runs_are_not_unregistered(target: Target, vm: VM, lone: VM) -> None:
    is_ours(refusal(lambda: target.bridge.unregister_vm(NODE, vm_id=vm.id)), "BorgClusterRolePresent")
    is_ours(refusal(lambda: target.bridge.unregister_vm(NODE, vm_id=lone.id)), "BorgClusterVMRunning")
    assert there(target.bridge.get_vm_state(NODE, vm_id=lone.id)).registration is not None


def test_a_role_that_holds_more_is_not_removed(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    cluster.add_clustered_disk(f"disk of {vm.name}", "S:", vm_id=vm.id)
    error = refusal(lambda: target.bridge.remove_role(NODE, vm_id=vm.id))
    is_ours(error, "BorgClusterRoleShared")
    assert f"disk of {vm.name}" in error.message
    assert there(target.bridge.get_vm_state(NODE, vm_id=vm.id)).role is not None


def test_a_role_is_not_added_under_a_name_that_is_taken(target: Target, vm: VM, lone: VM) -> None:
    is_ours(refusal(lambda: target.bridge.add_role(NODE, vm_id=lone.id, name=vm.name)), "BorgClusterRoleNotAdded")
    assert there(target.bridge.get_vm_state(NODE, vm_id=lone.id)).role is None


def test_a_vm_is_not_registered_from_elsewhere_nor_as_another(target: Target, vm: VM, lone: VM) -> None:
    configuration = next(file.path for file in vm.files if file.kind == "configuration")
    register = target.bridge.register_vm
    is_ours(refusal(lambda: register(NODE, vm_id=lone.id, path=configuration)), "BorgClusterVMRegisteredElsewhere")
    stranger = str(uuid.uuid4())
    is_ours(refusal(lambda: register(NODE, vm_id=stranger, path=configuration)), "BorgClusterVMIdDiffers")


def test_files_are_not_moved_to_another_volume_nor_in_unequal_numbers(target: Target, vm: VM) -> None:
    folder = f"{work_folder_of(vm)}\\{RESTORE}"
    configuration = next(file.path for file in vm.files if file.kind == "configuration")
    copy = f"{folder}\\saved\\{uuid.uuid4()}"
    pair = {"source": (configuration,), "destination": (copy,)}
    there(target.bridge.copy_configuration(NODE, vm_id=vm.id, restore_id=RESTORE, **pair))
    other = copy.replace("Volume1", "Volume2")
    move = target.bridge.move_file
    is_ours(refusal(lambda: move(NODE, restore_id=RESTORE, source=(copy,), destination=(other,))), "BorgClusterDifferentVolume")
    is_ours(refusal(lambda: move(NODE, restore_id=RESTORE, source=(copy, copy), destination=(other,))), "BorgClusterUnequalPairs")
    there(target.bridge.remove_restore_folder(NODE, restore_id=RESTORE, folder=(folder,)))


def test_what_is_no_claim_is_nobody_s(target: Target, cluster: SimulatedCluster, vm: VM) -> None:
    folder, mine = work_folder_of(vm), str(uuid.uuid4())
    file = cluster.real_path(f"{folder}\\claims\\{vm.id}.json", NODE)
    for content in ("", "[1]", '{"claim_id": "*"', '{"holder": "x"}'):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        claim = {"vm_id": vm.id, "folder": folder}
        is_ours(refusal(lambda claim=claim: target.bridge.get_claim(NODE, **claim)), "BorgClusterClaimUnreadable")  # type: ignore[misc]
        refused = refusal(
            lambda claim=claim: target.bridge.new_claim(NODE, claim_id=mine, holder="me", purpose="test", **claim)  # type: ignore[misc]
        )
        is_ours(refused, "BorgClusterClaimUnreadable")
        assert file.read_text(encoding="utf-8") == content
    file.unlink()


def test_a_service_that_is_down_and_a_right_that_is_missing_are_told_apart(
    target: Target, cluster: SimulatedCluster, vm: VM
) -> None:
    node = cluster.node("node3")
    with cluster.change("services", node="node3"):
        node.vmms = False
    down = refusal(lambda: target.bridge.get_node_report("node3"))
    assert (down.fields["category"], down.fields["code"]) == ("ObjectNotFound", "0x8004100E")
    with cluster.change("services", node="node3"):
        node.vmms, node.clussvc = True, False
    down = refusal(lambda: target.bridge.get_report("node3"))
    assert (down.fields["category"], down.fields["code"]) == ("ConnectionError", "0x800706D9")
    with cluster.change("services", node="node3"):
        node.clussvc, node.denied = True, ["hyper_v", "cluster_full", "wmi_virtualization", "volume_write"]
    refused = [
        refusal(lambda: target.bridge.get_node_report("node3")),
        refusal(lambda: target.bridge.get_snapshot("node3", vm_id=vm.id)),
        refusal(lambda: target.bridge.set_offline_action("node3", vm_id=vm.id, action=0)),
    ]
    assert [one.fields["category"] for one in refused] == ["PermissionDenied", "PermissionDenied", "AuthenticationError"]
    rights = {one.right: one.granted for one in there(target.bridge.get_access("node3")).checks}
    assert {right for right, granted in rights.items() if not granted} == set(node.denied)
    with cluster.change("services", node="node3"):
        node.denied = []


OF_WINDOWS_ALONE = {
    "BorgClusterAccessNotGranted": ("Grant-BorgClusterVMAccess", "icacls fails"),
    "BorgClusterDiskshadowFailed": ("Get-BorgClusterWriterReport", "diskshadow fails"),
    "BorgClusterVssadminFailed": ("Get-BorgClusterWriterReport", "vssadmin fails"),
    "BorgClusterJobMissing": ("New-BorgClusterSnapshot", "WMI begins a job and doesn't name it"),
    "BorgClusterJobTimeout": ("New-BorgClusterSnapshot", "a job of WMI's never ends"),
    "BorgClusterServiceMissing": ("New-BorgClusterSnapshot", "WMI lacks Hyper-V's services"),
    "BorgClusterSnapshotNotMarked": ("New-BorgClusterSnapshot", "WMI won't rename the snapshot"),
    "BorgClusterPlannedVMMissing": ("Register-BorgClusterVMCopy", "WMI doesn't list the planned VM"),
    "BorgClusterVMIdNotNew": ("Register-BorgClusterVMCopy", "Compare-VM keeps the id"),
    "BorgClusterTaskFailed": ("Add-BorgClusterRole", "the scheduled task fails; told within RoleNotAdded"),
}
"""What no state of a cluster leads to, but a tool or WMI that misbehaves: the command that answers so, and when."""


@pytest.mark.parametrize("error_id", OF_WINDOWS_ALONE)
def test_what_only_windows_itself_does_reaches_the_client_whole(
    target: Target, cluster: SimulatedCluster, vm: VM, error_id: str
) -> None:
    command, why = OF_WINDOWS_ALONE[error_id]
    (category,) = documented()[error_id]
    error = ours(error_id.removeprefix("BorgCluster"), why, category=category, code="0x800705B4", target=vm.id)
    fault = cluster.faults.add(Fault(kind="error", command=command, node=NODE, repeat=True, error=error))
    calls: dict[str, Callable[[], object]] = {
        "Grant-BorgClusterVMAccess": lambda: target.bridge.grant_vm_access(NODE, vm_id=vm.id, path=(vm.path,)),
        "Get-BorgClusterWriterReport": lambda: target.bridge.get_writer_report(NODE),
        "New-BorgClusterSnapshot": lambda: snapshot(target, vm),
        "Register-BorgClusterVMCopy": lambda: target.bridge.register_vm_copy(
            NODE, path="C:\\one.vmcx", vm_id=vm.id, name="copy", restore_id=RESTORE
        ),
        "Add-BorgClusterRole": lambda: target.bridge.add_role(NODE, vm_id=vm.id, name="role"),
    }
    told = refusal(calls[command])
    cluster.faults.clear()
    is_ours(told, error_id, "0x800705B4")
    assert why in told.message
    assert fault.fired == 2
    assert [entry["kind"] for entry in cluster.log].count("fault") >= fault.fired


def test_every_error_of_the_module_is_in_the_suite() -> None:
    suite = "".join(path.read_text(encoding="utf-8") for path in source.FOLDER.parent.glob("tests/wire/test_conformance*.py"))
    assert not [error_id for error_id in documented() if f'"{error_id}"' not in suite]


SIMULATED_ONLY = {"NodeDown", "NodeUnavailable", "ConfigurationResourceMissing", "SettingRefused"}
"""What the simulated cluster says where Windows has words of its own, or inside an answer."""


def test_the_simulator_has_no_error_of_its_own() -> None:
    texts = "".join(
        path.read_text(encoding="utf-8") for path in (source.FOLDER.parent / "borg_cluster" / "simulator").glob("*.py")
    )
    known = set(documented()) | {f"BorgCluster{name}" for name in SIMULATED_ONLY}
    assert {f"BorgCluster{name}" for name in re.findall(r'ours\(\s*"(\w+)"', texts)} <= known
