"""The commands one by one: parameters, preconditions, idempotence, and what they must never do."""

import base64
import gzip
import json
import uuid
from pathlib import Path

import pytest

from borg_cluster.simulator.commands import COMMANDS, Arguments, bind, find_command
from borg_cluster.simulator.execution import HANDLERS, as_text
from borg_cluster.simulator.state import CommandError, SimulatedCluster
from tests.unit.simulated import RESTORE_ID, SCHEMAS, SMALL, ask, registration, role

FOLDER = r"C:\ClusterStorage\Volume1\.borg-cluster"
OWN = rf"{FOLDER}\{RESTORE_ID}"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    return SimulatedCluster.create(tmp_path / "cluster")


def failure(cluster: SimulatedCluster, command: str, **parameters: object) -> CommandError:
    with pytest.raises(CommandError) as caught:
        cluster.invoke("node1", command, parameters)
    return caught.value


def test_the_table_the_handlers_and_the_schemas_are_about_the_same_commands() -> None:
    assert set(COMMANDS) == set(HANDLERS) == {path.stem for path in SCHEMAS.glob("*.json")}


def test_parameters_are_bound_as_powershell_does() -> None:
    bound = bind(find_command("get-borgclustervmstate"), {"vmid": "{ABCDEF01-0000-4000-8000-000000000000}", "PATH": "one"})
    assert bound == Arguments({"VMId": "abcdef01-0000-4000-8000-000000000000", "Path": ["one"]})
    assert bind(find_command("Get-BorgClusterVMState"), {"VMId": uuid.UUID(NOBODY), "Path": None}).text("VMId") == NOBODY


@pytest.mark.parametrize(
    ("command", "given", "error_id"),
    [
        ("Get-BorgClusterReport", {"Node": "x"}, "NamedParameterNotFound"),
        ("Get-BorgClusterVMState", {}, "MissingMandatoryParameter"),
        ("Get-BorgClusterVMState", {"VMId": "web[1]*"}, "ParameterArgumentTransformationError"),
        ("Get-BorgClusterVMState", {"VMId": NOBODY, "Path": [7]}, "ParameterArgumentTransformationError"),
        ("Stop-BorgClusterRole", {"VMId": NOBODY, "TimeoutSecond": "soon"}, "ParameterArgumentTransformationError"),
        ("Stop-BorgClusterRole", {"VMId": NOBODY, "TimeoutSecond": -1}, "ParameterArgumentValidationError"),
        ("Stop-BorgClusterVM", {"VMId": NOBODY, "Action": "Explode", "TimeoutSecond": 1}, "ParameterArgumentValidationError"),
        ("Set-BorgClusterOfflineAction", {"VMId": NOBODY, "Action": 4}, "ParameterArgumentValidationError"),
        ("Grant-BorgClusterVMAccess", {"VMId": NOBODY, "Path": []}, "ParameterArgumentValidationError"),
        ("Get-BorgClusterClaim", {"VMId": NOBODY, "Folder": ""}, "ParameterArgumentValidationError"),
    ],
)
def test_a_wrong_parameter_is_an_error_record(
    cluster: SimulatedCluster, command: str, given: dict[str, object], error_id: str
) -> None:
    problem = failure(cluster, command, **given)
    assert problem.error_id == f"{error_id},{command}"
    assert problem.category == "InvalidArgument"


def test_an_unknown_command_is_not_recognized(cluster: SimulatedCluster) -> None:
    assert failure(cluster, "Get-ChildItem").error_id == "CommandNotFoundException"


def test_a_long_answer_is_compressed(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), notes="ä" * 200_000)
    text = cluster.invoke("node1", "Get-BorgClusterNodeReport", {})
    assert text.startswith("H4sI")
    assert json.loads(gzip.decompress(base64.b64decode(text)))["vms"][0]["id"] == vm_id
    assert as_text({"a": "ä"}) == '{"a": "ä"}'


@pytest.mark.parametrize("name", ["node2", "NODE2", "node2.example.test"])
def test_a_node_answers_to_its_names_and_the_core_owner_to_the_cluster_s(cluster: SimulatedCluster, name: str) -> None:
    assert ask(cluster, name, "Get-BorgClusterNodeReport")["node"] == "node2"
    cluster.move_core_group("node3")
    assert ask(cluster, "hv.example.test", "Get-BorgClusterReport")["answered_by"] == "node3"
    with pytest.raises(KeyError):
        cluster.invoke("node9", "Get-BorgClusterReport", {})


def test_services_that_do_not_run(cluster: SimulatedCluster) -> None:
    cluster.node("node1").vmms = False
    assert failure(cluster, "Get-BorgClusterNodeReport").code == "0x8004100E"
    cluster.node("node1").clussvc = False
    problem = failure(cluster, "Get-BorgClusterReport")
    assert (problem.category, problem.code) == ("ConnectionError", "1753")


def test_what_is_done_already_is_no_error(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    path = registration(cluster, vm_id)["configuration_path"]
    again = {"VMId": vm_id}
    assert ask(cluster, "node1", "Add-BorgClusterRole", Name="other", **again)["role"]["name"] == "db"
    assert ask(cluster, "node1", "Start-BorgClusterRole", TimeoutSecond=1, **again)["role"]["state"] == "Online"
    assert ask(cluster, "node1", "Start-BorgClusterVM", TimeoutSecond=1, **again)["registration"]["state"] == "Running"
    assert ask(cluster, "node1", "Register-BorgClusterVM", Path=path, **again)["registered"] is True
    for _ in range(2):
        assert ask(cluster, "node1", "Stop-BorgClusterRole", TimeoutSecond=9, **again)["role"]["state"] == "Offline"
    for _ in range(2):
        assert ask(cluster, "node1", "Remove-BorgClusterRole", **again)["role"] is None
    for _ in range(2):
        assert ask(cluster, "node2", "Unregister-BorgClusterVM", **again)["registration"] is None


@pytest.mark.parametrize(
    ("command", "extra", "error_id"),
    [
        ("Start-BorgClusterRole", {"TimeoutSecond": 1}, "BorgClusterRoleMissing"),
        ("Get-BorgClusterRoleSetting", {}, "BorgClusterRoleMissing"),
        ("Set-BorgClusterOfflineAction", {"Action": 1}, "BorgClusterRoleMissing"),
        ("Start-BorgClusterVM", {"TimeoutSecond": 1}, "BorgClusterVMNotRegistered"),
        ("Add-BorgClusterRole", {"Name": "x"}, "BorgClusterVMNotRegistered"),
    ],
)
def test_a_role_or_vm_that_is_not_there_is_named_by_its_id(
    cluster: SimulatedCluster, command: str, extra: dict[str, object], error_id: str
) -> None:
    problem = failure(cluster, command, VMId=NOBODY, **extra)
    assert (problem.error_id, problem.category, problem.target) == (error_id, "ObjectNotFound", NOBODY)


def test_nothing_to_stop_drop_or_remove_is_no_error(cluster: SimulatedCluster) -> None:
    for command, extra in (
        ("Stop-BorgClusterRole", {"TimeoutSecond": 1}),
        ("Stop-BorgClusterVM", {"Action": "Save", "TimeoutSecond": 1}),
        ("Remove-BorgClusterRole", {}),
        ("Remove-BorgClusterSavedState", {}),
        ("Unregister-BorgClusterVM", {}),
    ):
        answer = ask(cluster, "node1", command, VMId=NOBODY, **extra)
        assert (answer["role"], answer["registration"]) == (None, None)


def test_a_vm_that_runs_elsewhere_is_left_alone(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), node="node2", highly_available=False)
    ask(cluster, "node1", "Stop-BorgClusterVM", VMId=vm_id, Action="Save", TimeoutSecond=1)
    assert registration(cluster, vm_id, "node2")["state"] == "Running"
    assert failure(cluster, "Add-BorgClusterRole", VMId=vm_id, Name="db").error_id == "BorgClusterVMNotRegistered"


def test_a_vm_is_not_unregistered_while_it_runs_or_has_a_role(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    assert failure(cluster, "Unregister-BorgClusterVM", VMId=vm_id).error_id == "BorgClusterRolePresent"
    cluster.end_highly_available(vm_id)
    assert failure(cluster, "Unregister-BorgClusterVM", VMId=vm_id).error_id == "BorgClusterVMRunning"


def test_a_role_that_holds_more_than_the_vm_is_not_removed(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    cluster.add_clustered_disk("Disk S", "S:", vm_id=vm_id)
    assert "Disk S" in failure(cluster, "Remove-BorgClusterRole", VMId=vm_id).message
    assert role(cluster, vm_id)["depends_on_disks"] == ["Disk S"]


@pytest.mark.parametrize("offered", ["absent", "another VM's", "damaged", "another path"])
@pytest.mark.impossible
def test_what_is_no_configuration_of_this_vm_is_not_registered(cluster: SimulatedCluster, offered: str) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), state="Off", highly_available=False)
    path = registration(cluster, vm_id)["configuration_path"]
    copy = r"C:\ClusterStorage\Volume1\copy.vmcx"
    content = cluster.real_path(path).read_bytes()
    if offered != "another path":
        ask(cluster, "node1", "Unregister-BorgClusterVM", VMId=vm_id)
    if offered != "absent":
        cluster.write_file(copy, content[:-9] + b"x" * 9 if offered != "damaged" else content[:40])
    wanted = NOBODY if offered == "another VM's" else vm_id
    problem = failure(cluster, "Register-BorgClusterVM", VMId=wanted, Path=copy)
    expected = {
        "another VM's": "VMIdDiffers",
        "damaged": "ImportVM",
        "another path": "VMRegisteredElsewhere",
        "absent": "PathNotFound",
    }
    assert expected[offered] in problem.error_id


@pytest.mark.impossible
def test_incompatibilities_are_told_and_only_a_missing_switch_or_medium_is_mended(cluster: SimulatedCluster) -> None:
    iso = r"C:\ClusterStorage\Volume1\tools.iso"
    cluster.write_file(iso, b"tools")
    vm_id = cluster.add_vm("db", disks=(SMALL,), state="Off", highly_available=False, switch="Lab", iso=iso, version="12.0")
    found = registration(cluster, vm_id)
    saved = cluster.real_path(found["configuration_path"]).read_bytes()
    ask(cluster, "node1", "Unregister-BorgClusterVM", VMId=vm_id)
    cluster.write_file(found["configuration_path"], saved)
    disk = cluster.real_path(found["disk_paths"][0])
    for path in (disk, cluster.real_path(iso)):
        path.rename(path.with_suffix(".away"))
    again = {"VMId": vm_id, "Path": found["configuration_path"]}
    answer = ask(cluster, "node1", "Register-BorgClusterVM", **again)
    assert (answer["registered"], answer["state"]["registration"]) == (False, None)
    assert {one["source_type"]: one["mended_by"] for one in answer["incompatibilities"]} == {
        "VMNetworkAdapter": "disconnected",
        "HardDiskDrive": None,
        "DvdDrive": "ejected",
        "VirtualMachine": None,
    }
    for path in (disk, cluster.real_path(iso)):
        path.with_suffix(".away").rename(path)
    cluster.node("node1").newest_version = "12.0"
    answer = ask(cluster, "node1", "Register-BorgClusterVM", **again)
    assert answer["registered"] is True
    assert [one["message_id"] for one in answer["incompatibilities"]] == [33012]
    (listed_vm,) = ask(cluster, "node1", "Get-BorgClusterNodeReport")["vms"]
    assert listed_vm["network_adapters"][0]["switch_name"] is None


def test_the_offline_action_tells_what_it_was(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    answer = ask(cluster, "node1", "Set-BorgClusterOfflineAction", VMId=vm_id, Action=2)
    assert (answer["previous"], answer["current"]) == (1, 2)


def test_a_running_vm_s_files_can_not_be_moved_copied_or_removed(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), home=rf"{OWN}\db")
    disk = registration(cluster, vm_id)["disk_paths"][0]
    for problem in (
        failure(cluster, "Move-BorgClusterFile", RestoreId=RESTORE_ID, Source=[disk], Destination=[rf"{OWN}\x"]),
        failure(cluster, "Move-BorgClusterFile", RestoreId=RESTORE_ID, Source=[OWN + r"\db"], Destination=[rf"{OWN}\x"]),
        failure(cluster, "Remove-BorgClusterRestoreFolder", RestoreId=RESTORE_ID, Folder=[OWN]),
        failure(
            cluster,
            "Copy-BorgClusterConfiguration",
            VMId=vm_id,
            RestoreId=RESTORE_ID,
            Source=[disk],
            Destination=[rf"{OWN}\copy"],
        ),
    ):
        assert problem.code == "0x80070020"
    cluster.check()


def test_moving_never_overwrites_and_is_repeatable(cluster: SimulatedCluster) -> None:
    first, second = rf"{OWN}\staged\a", r"C:\ClusterStorage\Volume1\deep\er\a"
    move = {"RestoreId": RESTORE_ID, "Source": [first], "Destination": [second]}
    assert failure(cluster, "Move-BorgClusterFile", **move).error_id == "BorgClusterSourceMissing"
    cluster.write_file(first, b"new")
    for _ in range(2):
        answer = ask(cluster, "node2", "Move-BorgClusterFile", **move)
        assert [one["exists"] for one in answer["files"]] == [False, True]
    cluster.write_file(first, b"newer")
    assert failure(cluster, "Move-BorgClusterFile", **move).error_id == "BorgClusterDestinationExists"
    assert cluster.real_path(second).read_bytes() == b"new"


def test_moving_stays_in_the_restore_s_folder_and_on_the_volume(cluster: SimulatedCluster) -> None:
    def moved(source: str, destination: str) -> str:
        return failure(cluster, "Move-BorgClusterFile", RestoreId=RESTORE_ID, Source=[source], Destination=[destination]).error_id

    cluster.write_file(rf"{OWN}\a", b"")
    outside = r"C:\ClusterStorage\Volume1\a"
    assert moved(outside, rf"{outside}2") == "BorgClusterPathNotAllowed"
    assert moved(rf"{FOLDER}\{NOBODY}\a", outside) == "BorgClusterPathNotAllowed"
    assert moved(rf"{OWN}\a", r"C:\ClusterStorage\Volume2\a") == "BorgClusterDifferentVolume"
    assert moved(rf"{OWN}\..\..\secret", outside) == "BorgClusterPathNotAllowed"
    assert moved(OWN, outside) == "BorgClusterPathNotAllowed"
    both = {"RestoreId": RESTORE_ID, "Source": [rf"{OWN}\a"], "Destination": [outside, outside]}
    assert failure(cluster, "Move-BorgClusterFile", **both).error_id == "BorgClusterUnequalPairs"
    assert failure(cluster, "Remove-BorgClusterRestoreFolder", RestoreId=RESTORE_ID, Folder=[FOLDER]).error_id == (
        "BorgClusterPathNotAllowed"
    )


def test_a_restore_s_folder_is_removed_with_all_in_it(cluster: SimulatedCluster) -> None:
    cluster.write_file(rf"{OWN}\staged\a", b"")
    for _ in range(2):
        answer = ask(cluster, "node1", "Remove-BorgClusterRestoreFolder", RestoreId=RESTORE_ID, Folder=[OWN])
        assert not answer["files"][0]["exists"]


def test_paths_are_found_whatever_their_case(cluster: SimulatedCluster) -> None:
    cluster.write_file(r"C:\ClusterStorage\Volume1\Some Folder\File.BIN", b"12345")
    answer = ask(
        cluster, "node1", "Get-BorgClusterVMState", VMId=NOBODY, Path=[r"c:\clusterstorage\VOLUME1\some folder\file.bin"]
    )
    assert answer["files"][0]["length"] == 5


def test_a_claim_belongs_to_who_made_it(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    mine, other = str(uuid.uuid4()), str(uuid.uuid4())
    key = {"VMId": vm_id, "Folder": FOLDER}
    who = {"Holder": "backup1", "Purpose": "restore"}
    assert ask(cluster, "node1", "Get-BorgClusterClaim", **key)["claim_id"] is None
    for _ in range(2):
        assert ask(cluster, "node1", "New-BorgClusterClaim", ClaimId=mine, **who, **key)["acquired"] is True
    taken = ask(cluster, "node2", "New-BorgClusterClaim", ClaimId=other, Holder="b", Purpose="p", **key)
    assert (taken["acquired"], taken["claim_id"], taken["holder"]) == (False, mine, "backup1")
    assert ask(cluster, "node2", "Remove-BorgClusterClaim", ClaimId=other, **key)["claim_id"] == mine
    for _ in range(2):
        assert ask(cluster, "node1", "Remove-BorgClusterClaim", ClaimId=mine, **key)["claim_id"] is None
    elsewhere = {**key, "Folder": r"C:\ClusterStorage\Volume1"}
    assert failure(cluster, "Get-BorgClusterClaim", **elsewhere).error_id == "BorgClusterPathNotAllowed"


def test_a_file_that_is_no_claim_is_an_error(cluster: SimulatedCluster) -> None:
    cluster.write_file(rf"{FOLDER}\claims\{NOBODY}.json", b'{"claim_id": "')
    assert failure(cluster, "Get-BorgClusterClaim", VMId=NOBODY, Folder=FOLDER).error_id == "BorgClusterClaimUnreadable"


def test_a_copy_is_made_once_and_left_alone(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), state="Off", highly_available=False, node="node2")
    source = [registration(cluster, vm_id, "node2")["configuration_path"], r"C:\ClusterStorage\Volume1\db\Virtual Machines"]
    copy = {"VMId": vm_id, "RestoreId": RESTORE_ID, "Source": source, "Destination": [rf"{OWN}\saved\a", rf"{OWN}\saved\b"]}
    first = ask(cluster, "node1", "Copy-BorgClusterConfiguration", **copy)
    assert [(one["exists"], one["is_folder"]) for one in first["files"]] == [(True, False), (True, True)]
    ask(cluster, "node2", "Unregister-BorgClusterVM", VMId=vm_id)
    assert ask(cluster, "node1", "Copy-BorgClusterConfiguration", **copy)["files"] == first["files"]
    copy["Destination"] = [rf"{OWN}\saved\c", rf"{OWN}\saved\b"]
    assert failure(cluster, "Copy-BorgClusterConfiguration", **copy).error_id == "BorgClusterSourceMissing"


def test_access_is_granted_on_all_paths_or_none(cluster: SimulatedCluster) -> None:
    cluster.write_file(r"C:\ClusterStorage\Volume1\a", b"")
    paths = [r"C:\ClusterStorage\Volume1\a", r"C:\ClusterStorage\Volume1\b"]
    assert failure(cluster, "Grant-BorgClusterVMAccess", VMId=NOBODY, Path=paths).error_id == "BorgClusterPathMissing"
    assert not cluster.granted(paths[0], "node1", NOBODY)


def test_role_settings_are_lost_with_the_role_and_put_back_one_by_one(cluster: SimulatedCluster) -> None:
    cluster.state.group_sets, cluster.state.affinity_rules = ["tier1"], ["apart"]
    vm_id = cluster.add_vm("db", disks=(SMALL,), state="Off")
    setting = ask(cluster, "node1", "Get-BorgClusterRoleSetting", VMId=vm_id)
    plain = json.loads(json.dumps(setting))
    setting |= {"description": "the database", "preferred_owners": ["node3", "node1"], "group_sets": ["tier1"]}
    setting |= {"affinity_rules": ["apart"], "anti_affinity_class_names": ["dbs"]}
    setting["properties"]["Priority"] = 3000
    setting["vm_resource"]["parameters"]["OfflineAction"] = 2
    setting["configuration_resource"]["properties"]["PendingTimeout"] = 1
    put = {"VMId": vm_id, "Setting": json.dumps(setting)}
    result = ask(cluster, "node1", "Set-BorgClusterRoleSetting", **put)
    assert len(result["applied"]) == 8
    assert (result["failed"], result["setting"]) == ([], setting)
    ask(cluster, "node1", "Remove-BorgClusterRole", VMId=vm_id)
    ask(cluster, "node1", "Add-BorgClusterRole", VMId=vm_id, Name="db")
    assert ask(cluster, "node1", "Get-BorgClusterRoleSetting", VMId=vm_id) == plain
    assert ask(cluster, "node1", "Set-BorgClusterRoleSetting", **put)["setting"] == setting
    assert ask(cluster, "node1", "Set-BorgClusterRoleSetting", **put)["applied"] == []


def test_a_setting_that_can_not_be_put_back_does_not_stop_the_others(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    setting = ask(cluster, "node1", "Get-BorgClusterRoleSetting", VMId=vm_id)
    setting["vm_resource"]["possible_owners"] = ["evicted", "node2"]
    setting["properties"] |= {"FromTheFuture": 1, "Priority": 1000}
    setting["group_sets"] = ["unknown"]
    result = ask(cluster, "node1", "Set-BorgClusterRoleSetting", VMId=vm_id, Setting=json.dumps(setting))
    failed = {one["setting"] for one in result["failed"]}
    assert failed == {"vm_resource.possible_owners", "properties.FromTheFuture", "group_sets"}
    assert result["setting"]["properties"]["Priority"] == 1000
    assert result["setting"]["vm_resource"]["possible_owners"] == ["node2"]
    assert failure(cluster, "Set-BorgClusterRoleSetting", VMId=vm_id, Setting="[]").category == "InvalidArgument"


def test_two_roles_can_not_have_one_name(cluster: SimulatedCluster) -> None:
    cluster.add_vm("db", disks=(SMALL,))
    second = cluster.add_vm("db", disks=(SMALL,), highly_available=False)
    assert failure(cluster, "Add-BorgClusterRole", VMId=second, Name="DB").code == "5010"
    assert role(cluster, second) is None
    third = cluster.add_vm("db", disks=(SMALL,))
    assert role(cluster, third)["name"] == "db (2)"
