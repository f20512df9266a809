"""The commands in the order of a restore and of its undo: what Windows would do at each step, in every doubt's both outcomes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from borg_cluster.simulator.fingerprint import fingerprint, vm_fingerprint
from borg_cluster.simulator.state import CommandError, SimulatedCluster
from borg_cluster.simulator.vhdx_content import read
from tests.unit.simulated import RESTORE_ID, SMALL, ask, registration, role

ROOT = r"C:\ClusterStorage\Volume1"
OWN = rf"{ROOT}\.borg-cluster\{RESTORE_ID}"


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    return SimulatedCluster.create(tmp_path / "cluster")


def change(cluster: SimulatedCluster, command: str, **parameters: object) -> Any:
    return ask(cluster, "node1", command, **parameters)


def settle_unclustered(cluster: SimulatedCluster, vm_id: str) -> None:
    """Look until the VM is listed again after its role went, as the product does."""
    for _ in range(5):
        if registration(cluster, vm_id) is not None:
            return
    pytest.fail("the VM was never listed again")


def files_of(cluster: SimulatedCluster, vm_id: str) -> tuple[list[str], list[str]]:
    """Return the paths of a VM's disk files and of its other files."""
    report = change(cluster, "Get-BorgClusterNodeReport")
    (vm,) = (one for one in report["vms"] if one["id"] == vm_id)
    disks = [link["path"] for disk in vm["disks"] for link in disk["chain"]]
    return disks, [one["path"] for one in vm["files"] if one["kind"] != "iso"]


def below(folder: str, path: str) -> str:
    return f"{OWN}\\{folder}{path.removeprefix(ROOT)}"


def stage(cluster: SimulatedCluster, paths: list[str]) -> None:
    """Copy files into the staging folder from outside, as an extraction does: without any access list."""
    for path in paths:
        target = cluster.real_path(below("staged", path))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cluster.real_path(path), target)


def restore(cluster: SimulatedCluster, vm_id: str, disks: list[str], others: list[str]) -> Any:
    """Put the staged files in place of the VM; returns the settings of its role, to be put back."""
    setting = change(cluster, "Get-BorgClusterRoleSetting", VMId=vm_id)
    change(cluster, "Set-BorgClusterOfflineAction", VMId=vm_id, Action=0)
    change(cluster, "Stop-BorgClusterRole", VMId=vm_id, TimeoutSecond=60)
    saved = [below("saved", path) for path in others]
    change(cluster, "Copy-BorgClusterConfiguration", VMId=vm_id, RestoreId=RESTORE_ID, Source=others, Destination=saved)
    change(cluster, "Remove-BorgClusterRole", VMId=vm_id)
    settle_unclustered(cluster, vm_id)
    move(cluster, disks, [below("parked", path) for path in disks])
    change(cluster, "Unregister-BorgClusterVM", VMId=vm_id)
    place_and_register(cluster, vm_id, [(below("staged", path), path) for path in disks + others])
    return setting


def move(cluster: SimulatedCluster, sources: list[str], destinations: list[str]) -> Any:
    return change(cluster, "Move-BorgClusterFile", RestoreId=RESTORE_ID, Source=sources, Destination=destinations)


def place_and_register(cluster: SimulatedCluster, vm_id: str, pairs: list[tuple[str, str]]) -> Any:
    move(cluster, [source for source, _ in pairs], [destination for _, destination in pairs])
    (configuration,) = (path for _, path in pairs if path.endswith(f"{vm_id.upper()}.vmcx"))
    return change(cluster, "Register-BorgClusterVM", VMId=vm_id, Path=configuration)


def bring_back(cluster: SimulatedCluster, vm_id: str, setting: Any, paths: list[str]) -> None:
    change(cluster, "Grant-BorgClusterVMAccess", VMId=vm_id, Path=paths)
    change(cluster, "Add-BorgClusterRole", VMId=vm_id, Name=setting["name"])
    result = change(cluster, "Set-BorgClusterRoleSetting", VMId=vm_id, Setting=json.dumps(setting))
    assert result["failed"] == []
    change(cluster, "Start-BorgClusterRole", VMId=vm_id, TimeoutSecond=60)


@pytest.mark.parametrize("offline_vm_listed", ["absent", "off"])
@pytest.mark.parametrize("reregister_after", [0, 2])
@pytest.mark.parametrize("checkpoints", [0, 2])
def test_a_restore_in_place_brings_back_the_vm_its_disks_and_its_role(
    cluster: SimulatedCluster, offline_vm_listed: str, reregister_after: int, checkpoints: int
) -> None:
    cluster.switches.offline_vm_listed, cluster.switches.reregister_after = offline_vm_listed, reregister_after
    vm_id = cluster.add_vm("web[1]*", disks=(SMALL,), checkpoints=checkpoints)
    cluster.edit_role(vm_id, lambda one: one.properties.update(Priority=3000, AutoFailbackType=1))
    disks, others = files_of(cluster, vm_id)
    stage(cluster, disks + others)
    before = vm_fingerprint(cluster, vm_id)
    cluster.guest_write(vm_id, offset=4096, data=b"written after the backup")
    assert vm_fingerprint(cluster, vm_id) != before

    setting = restore(cluster, vm_id, disks, others)
    bring_back(cluster, vm_id, setting, disks + others)

    assert vm_fingerprint(cluster, vm_id) == before
    cluster.check()


def test_an_undo_brings_back_what_the_restore_took_away(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), checkpoints=1)
    disks, others = files_of(cluster, vm_id)
    stage(cluster, disks + others)
    cluster.guest_write(vm_id, offset=4096, data=b"written after the backup")
    before = fingerprint(cluster)

    setting = restore(cluster, vm_id, disks, others)
    change(cluster, "Unregister-BorgClusterVM", VMId=vm_id)  # merges the restored checkpoint, and deletes the configuration
    base = disks[-1]
    move(cluster, [base], [below("staged", base)])
    parked = [(below("parked", path), path) for path in disks]
    place_and_register(cluster, vm_id, parked + [(below("saved", path), path) for path in others])
    bring_back(cluster, vm_id, setting, others)

    assert fingerprint(cluster) == before
    cluster.check()


def test_a_restored_vm_without_access_to_its_files_does_not_start(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    disks, others = files_of(cluster, vm_id)
    stage(cluster, disks + others)
    setting = restore(cluster, vm_id, disks, others)
    change(cluster, "Add-BorgClusterRole", VMId=vm_id, Name=setting["name"])
    with pytest.raises(CommandError) as caught:
        change(cluster, "Start-BorgClusterRole", VMId=vm_id, TimeoutSecond=60)
    assert caught.value.code == "0x80070005"
    assert role(cluster, vm_id)["state"] == "Failed"
    change(cluster, "Grant-BorgClusterVMAccess", VMId=vm_id, Path=disks + others)
    assert change(cluster, "Start-BorgClusterRole", VMId=vm_id, TimeoutSecond=60)["role"]["state"] == "Online"


def test_a_failed_start_may_be_told_by_the_state_alone(cluster: SimulatedCluster) -> None:
    cluster.switches.failed_start = "state"
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    cluster.stop(vm_id)
    cluster.state.access.clear()
    answer = change(cluster, "Start-BorgClusterRole", VMId=vm_id, TimeoutSecond=60)
    assert (answer["role"]["state"], answer["role"]["vm_resource_state"]) == ("Failed", "Failed")


def test_registering_may_grant_access_by_itself(cluster: SimulatedCluster) -> None:
    cluster.switches.register_grants_access = True
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    disks, others = files_of(cluster, vm_id)
    stage(cluster, disks + others)
    restore(cluster, vm_id, disks, others)
    assert change(cluster, "Start-BorgClusterVM", VMId=vm_id, TimeoutSecond=60)["registration"]["state"] == "Running"


def test_a_sparse_disk_is_refused_unless_the_file_system_tolerates_it(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), highly_available=False)
    disks, _ = files_of(cluster, vm_id)
    cluster.stop(vm_id)
    real = cluster.real_path(disks[0])
    with real.open("r+b") as file:
        file.truncate(real.stat().st_size + (64 << 20))
    with pytest.raises(CommandError) as caught:
        change(cluster, "Start-BorgClusterVM", VMId=vm_id, TimeoutSecond=60)
    assert caught.value.code == "0xC03A001A"
    cluster.switches.refuse_sparse_files = False
    assert change(cluster, "Start-BorgClusterVM", VMId=vm_id, TimeoutSecond=60)["registration"]["state"] == "Running"


@pytest.mark.parametrize("needs_disks", [False, True])
@pytest.mark.impossible
def test_whether_remove_vm_minds_parked_disks_is_a_switch(cluster: SimulatedCluster, needs_disks: bool) -> None:
    cluster.switches.remove_vm_needs_disks = needs_disks
    vm_id = cluster.add_vm("db", disks=(SMALL,), state="Off", highly_available=False)
    disks, others = files_of(cluster, vm_id)
    move(cluster, disks, [below("parked", path) for path in disks])
    if needs_disks:
        with pytest.raises(CommandError) as caught:
            change(cluster, "Unregister-BorgClusterVM", VMId=vm_id)
        assert caught.value.code == "0x80070002"
        assert registration(cluster, vm_id) is not None
        assert all(cluster.real_path(path).exists() for path in others)
    else:
        assert change(cluster, "Unregister-BorgClusterVM", VMId=vm_id)["registration"] is None
        assert not any(cluster.real_path(path).exists() for path in others)
    assert all(cluster.real_path(below("parked", path)).exists() for path in disks)


@pytest.mark.impossible
def test_remove_vm_merges_checkpoints_into_the_base_and_keeps_it(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), checkpoints=2, highly_available=False)
    cluster.guest_write(vm_id, offset=100, data=b"newest")
    disks, others = files_of(cluster, vm_id)
    content = cluster.guest_read(vm_id, length=SMALL.size)
    cluster.stop(vm_id)
    change(cluster, "Unregister-BorgClusterVM", VMId=vm_id)
    there = [cluster.real_path(path).exists() for path in disks]
    assert there == [False, False, True]
    assert not any(cluster.real_path(path).exists() for path in others)
    assert read([cluster.real_path(disks[-1])], 0, SMALL.size) == content


def test_a_saved_state_fits_only_the_disks_that_it_was_saved_with(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), highly_available=False)
    disks, _ = files_of(cluster, vm_id)
    old = cluster.real_path(disks[0]).read_bytes()
    cluster.guest_write(vm_id, data=b"later")
    saved = change(cluster, "Stop-BorgClusterVM", VMId=vm_id, Action="Save", TimeoutSecond=60)["registration"]
    assert (saved["state"], saved["has_saved_state"]) == ("Saved", True)
    cluster.real_path(disks[0]).write_bytes(old)
    with pytest.raises(CommandError, match="saved state"):
        change(cluster, "Start-BorgClusterVM", VMId=vm_id, TimeoutSecond=60)
    dropped = change(cluster, "Remove-BorgClusterSavedState", VMId=vm_id)["registration"]
    assert (dropped["state"], dropped["has_saved_state"]) == ("Off", False)
    assert change(cluster, "Start-BorgClusterVM", VMId=vm_id, TimeoutSecond=60)["registration"]["state"] == "Running"


def test_a_saved_vm_is_still_saved_after_its_role_was_offline(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    assert change(cluster, "Stop-BorgClusterRole", VMId=vm_id, TimeoutSecond=60)["registration"] is None  # OfflineAction is Save
    change(cluster, "Remove-BorgClusterRole", VMId=vm_id)
    settle_unclustered(cluster, vm_id)
    assert registration(cluster, vm_id)["state"] == "Saved"
