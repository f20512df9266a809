"""What every cluster must answer: run against the simulated one, or with ``--cluster=FILE`` against a real one.

The readers' commands always run. The others run only against the one VM that ``--cluster-vm`` names: it is stopped, unregistered,
registered again from a copy of its configuration, made highly available again and started.
"""

import ntpath
import uuid
from datetime import datetime

import pytest

from borg_cluster.core.report import VM
from borg_cluster.core.vm_state import FileResult, Registration, RoleState, VMState
from borg_cluster.errors import CommandFailed
from borg_cluster.remoting import Kind, RemotingError
from tests.wire.target import Target, there

NOBODY = "00000000-0000-4000-8000-000000000000"
"""The id of no VM."""

TIMEOUT = 300


def role_of(state: VMState) -> RoleState:
    assert state.role is not None
    return state.role


def registration_of(state: VMState) -> Registration:
    assert state.registration is not None
    return state.registration


def work_folder_of(vm: VM) -> str:
    """Return a folder of ours on the storage of the VM: beside its own folder."""
    return ntpath.join(ntpath.dirname(vm.path.rstrip("\\")), ".borg-cluster")


def test_every_node_tells_the_same_about_the_cluster(target: Target) -> None:
    reports = [target.raw(node, "Get-BorgClusterReport") for node in target.nodes()]
    assert [report["answered_by"] for report in reports] == list(target.nodes())
    for report in reports:
        for part in ("cluster", "cluster_id", "core_owner"):
            assert report[part] == reports[0][part]
        for part in ("nodes", "roles", "resources", "volumes"):
            assert {one.get("id", one["name"]) for one in report[part]} == {
                one.get("id", one["name"]) for one in reports[0][part]
            }


def test_times_are_utc(target: Target) -> None:
    for node in target.nodes():
        for command in ("Get-BorgClusterReport", "Get-BorgClusterNodeReport", "Get-BorgClusterWriterReport"):
            assert datetime.fromisoformat(target.raw(node, command)["taken_at"]).utcoffset() is not None


def test_ids_are_lower_case_guids(target: Target) -> None:
    report = target.report()
    ids = [role.id for role in report.roles] + [one.id for one in report.resources] + [volume.id for volume in report.volumes]
    ids += [one.vm_id for one in report.resources if one.vm_id is not None]
    ids += [vm.id for node in target.node_reports().values() for vm in node.vms]
    for one in ids:
        assert str(uuid.UUID(one)) == one


def test_every_node_tells_of_its_own_vms(target: Target) -> None:
    seen: dict[str, str] = {}
    for node in target.nodes():
        report = target.raw(node, "Get-BorgClusterNodeReport")
        assert report["node"] == node
        for vm in report["vms"]:
            assert seen.setdefault(vm["id"], node) == node
            kinds = [file["kind"] for file in vm["files"]]
            assert kinds.count("configuration") == 1


def test_highly_available_vms_run_where_the_cluster_says(target: Target) -> None:
    report, nodes = target.report(), target.node_reports()
    resources = {one.vm_id: one for one in report.resources if one.resource_type == "Virtual Machine"}
    for node, own in nodes.items():
        for vm in own.vms:
            assert (vm.id in resources) == bool(vm.is_clustered)
            if vm.id in resources:
                assert resources[vm.id].owner_node == node


def test_disk_chains_lead_to_a_base(target: Target) -> None:
    for node in target.node_reports().values():
        for disk in (disk for vm in node.vms for disk in vm.disks if disk.chain_error is None and disk.path is not None):
            assert disk.chain[0].path == disk.path
            assert [one.parent_path for one in disk.chain[:-1]] == [one.path for one in disk.chain[1:]]
            assert disk.chain[-1].parent_path is None


def test_writers_know_the_vms(target: Target) -> None:
    for node, report in target.node_reports().items():
        components = {one["vm_id"] for one in target.raw(node, "Get-BorgClusterWriterReport")["components"]}
        assert components <= {vm.id for vm in report.vms}


def test_state_of_each_vm_agrees_with_the_reports(target: Target) -> None:
    for node, report in target.node_reports().items():
        for vm in report.vms:
            raw = target.raw(node, "Get-BorgClusterVMState", {"VMId": vm.id.upper()})
            state = there(target.bridge.get_vm_state(node, vm_id=vm.id))
            assert raw["vm_id"] == state.vm_id == vm.id
            assert registration_of(state).name == vm.name
            assert registration_of(state).disk_paths == tuple(disk.path for disk in vm.disks)
            assert (state.role is not None) == bool(vm.is_clustered)


def test_a_vm_is_registered_on_one_node_only(target: Target) -> None:
    nodes = target.node_reports()
    vm, owner = next((vm, node) for node, report in nodes.items() for vm in report.vms if vm.is_clustered)
    for node in nodes:
        state = there(target.bridge.get_vm_state(node, vm_id=vm.id))
        assert (state.registration is not None) == (node == owner)
        assert role_of(state).owner_node == owner


def test_paths_are_answered_in_order(target: Target) -> None:
    node, vm = next((node, vm) for node, report in target.node_reports().items() for vm in report.vms if vm.disks)
    disk = str(vm.disks[0].path)
    paths = ("C:\\No such\\[1]*.vhdx", disk, ntpath.dirname(disk))
    missing, file, folder = there(target.bridge.get_vm_state(node, vm_id=vm.id, path=paths)).files
    assert (missing.path, missing.exists) == (paths[0], False)
    assert (file.path, file.exists, file.is_folder) == (paths[1], True, False)
    assert (folder.path, folder.exists, folder.is_folder) == (paths[2], True, True)


def test_settings_of_a_role(target: Target) -> None:
    for resource in target.report().resources:
        if resource.resource_type == "Virtual Machine" and resource.vm_id is not None:
            setting = target.raw(target.nodes()[0], "Get-BorgClusterRoleSetting", {"VMId": resource.vm_id})
            assert setting["vm_resource"] is not None


def test_unknown_vm_is_nowhere(target: Target) -> None:
    state = target.raw(target.nodes()[0], "Get-BorgClusterVMState", {"VMId": NOBODY})
    assert (state["role"], state["registration"]) == (None, None)
    with pytest.raises(CommandFailed) as caught:
        target.bridge.get_role_setting(target.nodes()[0], vm_id=NOBODY)
    assert caught.value.fields["error_id"]


def test_unclaimed_vm(target: Target) -> None:
    node, vm = next((node, vm) for node, report in target.node_reports().items() for vm in report.vms)
    claim = target.raw(node, "Get-BorgClusterClaim", {"VMId": NOBODY, "Folder": work_folder_of(vm)})
    assert (claim["claim_id"], claim["acquired"]) == (None, False)


def test_unknown_command_is_told_apart(target: Target) -> None:
    with pytest.raises(RemotingError) as caught:
        target.raw(target.nodes()[0], "Get-BorgClusterNothing")
    assert caught.value.kind is Kind.MISSING_COMMAND


@pytest.mark.parametrize("value", ["", "no guid", "{}", "*"])
def test_what_is_no_vm_id_is_refused(target: Target, value: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        target.bridge.get_vm_state(target.nodes()[0], vm_id=value)
    assert caught.value.fields["category"] in {"InvalidArgument", "InvalidData"}


@pytest.fixture
def changeable(target: Target) -> tuple[str, VM]:
    """The VM that may be changed and its owner."""
    if target.changeable is None:
        pytest.skip("no VM may be changed: name one with --cluster-vm")
    return target.changeable_vm()


def test_claims_exclude_each_other(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge = changeable, target.bridge
    folder, mine, other = work_folder_of(vm), str(uuid.uuid4()), str(uuid.uuid4())

    def claim(claim_id: str) -> tuple[bool, str | None]:
        answer = bridge.new_claim(node, vm_id=vm.id, folder=folder, claim_id=claim_id, holder='here "[1]"', purpose="test")
        state = there(answer)
        return state.acquired, state.claim_id

    assert claim(mine) == (True, mine)
    assert claim(mine) == (True, mine)
    assert claim(other) == (False, mine)
    assert there(bridge.get_claim(node, vm_id=vm.id, folder=folder)).holder == 'here "[1]"'
    assert there(bridge.remove_claim(node, vm_id=vm.id, folder=folder, claim_id=other)).claim_id == mine
    assert there(bridge.remove_claim(node, vm_id=vm.id, folder=folder, claim_id=mine)).claim_id is None
    assert there(bridge.remove_claim(node, vm_id=vm.id, folder=folder, claim_id=mine)).claim_id is None
    assert claim(other) == (True, other)
    assert there(bridge.remove_claim(node, vm_id=vm.id, folder=folder, claim_id=other)).claim_id is None


def test_a_role_stops_and_starts_and_both_can_be_asked_twice(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge = changeable, target.bridge
    before = there(bridge.set_offline_action(node, vm_id=vm.id, action=0)).previous
    for _ in range(2):
        assert role_of(there(bridge.stop_role(node, vm_id=vm.id, timeout_second=TIMEOUT))).state == "Offline"
    for _ in range(2):
        assert role_of(there(bridge.start_role(node, vm_id=vm.id, timeout_second=TIMEOUT))).state == "Online"
    assert before is not None
    assert there(bridge.set_offline_action(node, vm_id=vm.id, action=before)).current == before


def test_a_vm_can_be_taken_out_and_put_back(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge, restore_id = changeable, target.bridge, str(uuid.uuid4())
    setting = there(bridge.get_role_setting(node, vm_id=vm.id))
    role = role_of(there(bridge.get_vm_state(node, vm_id=vm.id)))
    assert role.offline_action is not None
    files = tuple(file.path for file in vm.files if file.kind in {"configuration", "guest_state"})
    folder = ntpath.join(work_folder_of(vm), restore_id)
    saved = tuple(ntpath.join(folder, "saved", ntpath.basename(path)) for path in files)

    there(bridge.set_offline_action(node, vm_id=vm.id, action=0))
    there(bridge.stop_role(node, vm_id=vm.id, timeout_second=TIMEOUT))
    there(bridge.set_offline_action(node, vm_id=vm.id, action=role.offline_action))
    copied = there(bridge.copy_configuration(node, vm_id=vm.id, restore_id=restore_id, source=files, destination=saved))
    assert all_there(copied, saved)
    removed = there(bridge.remove_role(node, vm_id=vm.id))
    assert removed.role is None
    assert there(bridge.remove_role(node, vm_id=vm.id)).role is None

    for _ in range(20):
        # it's registered again only a while after the role has gone
        if there(bridge.get_vm_state(node, vm_id=vm.id)).registration is not None:
            break
    assert there(bridge.unregister_vm(node, vm_id=vm.id)).registration is None
    assert there(bridge.unregister_vm(node, vm_id=vm.id)).registration is None

    for _ in range(2):
        moved = there(bridge.move_file(node, restore_id=restore_id, source=saved, destination=files))
        assert [file.exists for file in moved.files] == [False] * len(saved) + [True] * len(files)
    configuration = next(path for path in files if path.lower().endswith(".vmcx"))
    for _ in range(2):
        result = there(bridge.register_vm(node, vm_id=vm.id, path=configuration))
        assert result.registered
    # what was copied lost the VM's own entry in its access list
    own = (*files, *(str(disk.path) for disk in vm.disks))
    assert all_there(there(bridge.grant_vm_access(node, vm_id=vm.id, path=own)), own)
    assert not registration_of(there(bridge.remove_saved_state(node, vm_id=vm.id))).has_saved_state

    for _ in range(2):
        assert role_of(there(bridge.add_role(node, vm_id=vm.id, name=role.name))).name == role.name
    result_of_settings = there(bridge.set_role_setting(node, vm_id=vm.id, setting=setting))
    assert result_of_settings.failed == ()
    assert result_of_settings.setting == setting
    started = there(bridge.start_role(node, vm_id=vm.id, timeout_second=TIMEOUT))
    assert role_of(started).state == "Online"
    there(bridge.remove_restore_folder(node, restore_id=restore_id, folder=(folder,)))
    assert not there(bridge.get_vm_state(node, vm_id=vm.id, path=(folder,))).files[0].exists


def all_there(result: FileResult, paths: tuple[str, ...]) -> bool:
    return [(file.path, file.exists) for file in result.files] == [(path, True) for path in paths]


def test_a_vm_without_a_role_stops_and_starts(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge = changeable, target.bridge
    setting = there(bridge.get_role_setting(node, vm_id=vm.id))
    there(bridge.remove_role(node, vm_id=vm.id))
    for _ in range(2):
        stopped = there(bridge.stop_vm(node, vm_id=vm.id, action="TurnOff", timeout_second=TIMEOUT))
        assert registration_of(stopped).state == "Off"
    for _ in range(2):
        started = there(bridge.start_vm(node, vm_id=vm.id, timeout_second=TIMEOUT))
        assert registration_of(started).state == "Running"
    there(bridge.add_role(node, vm_id=vm.id, name=setting.name))
    assert there(bridge.set_role_setting(node, vm_id=vm.id, setting=setting)).failed == ()


def test_files_are_never_overwritten_nor_moved_elsewhere(target: Target, changeable: tuple[str, VM]) -> None:
    (node, vm), bridge, restore_id = changeable, target.bridge, str(uuid.uuid4())
    disk = str(vm.disks[0].path)
    configuration = next(file.path for file in vm.files if file.kind == "configuration")
    folder = ntpath.join(work_folder_of(vm), restore_id)
    copy, absent = ntpath.join(folder, "saved", "copy"), ntpath.join(folder, "saved", "absent")
    copied = bridge.copy_configuration(node, vm_id=vm.id, restore_id=restore_id, source=(configuration,), destination=(copy,))
    assert all_there(there(copied), (copy,))

    for source, destination, error_id in (
        (copy, configuration, "BorgClusterDestinationExists"),
        (absent, absent + "2", "BorgClusterSourceMissing"),
        (disk, disk + ".moved", "BorgClusterPathNotAllowed"),
        (disk, copy.replace(restore_id, str(uuid.uuid4())), "BorgClusterPathNotAllowed"),
    ):
        with pytest.raises(CommandFailed) as caught:
            bridge.move_file(node, restore_id=restore_id, source=(source,), destination=(destination,))
        assert caught.value.fields["error_id"] == error_id
    for folder_of_others in (vm.path, work_folder_of(vm), ntpath.dirname(disk)):
        with pytest.raises(CommandFailed) as caught:
            bridge.remove_restore_folder(node, restore_id=restore_id, folder=(folder_of_others,))
        assert caught.value.fields["error_id"] == "BorgClusterPathNotAllowed"
    there(bridge.remove_restore_folder(node, restore_id=restore_id, folder=(folder,)))
