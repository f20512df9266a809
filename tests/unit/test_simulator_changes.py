"""Changed ranges since a reference point, what makes them worthless, copies beside the original, and a guest's heartbeat."""

from pathlib import Path
from typing import Any

import pytest

from borg_cluster.simulator.state import CommandError, SimulatedCluster
from borg_cluster.simulator.tracking import GRANULE
from borg_cluster.simulator.vhdx import MIB
from tests.unit.simulated import RESTORE_ID, SMALL, ask, listed, registration

RUNS = tuple(f"{number}1111111-0000-4000-8000-000000000001" for number in range(8))
GET_VHD = "OperationFailed,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD"
HOSTILE = ["web[1]*", "O'Brien's \"$(x)\"", "NO", "x" * 100, "two\nlines"]


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    made = SimulatedCluster.create(tmp_path / "cluster")
    made.switches.merge_after = 0
    return made


@pytest.fixture
def vm_id(cluster: SimulatedCluster) -> str:
    return cluster.add_vm("db", disks=(SMALL, SMALL))


def freeze(cluster: SimulatedCluster, vm_id: str, run: int) -> Any:
    """Make the snapshot of a run and return it."""
    wanted = {"VMId": vm_id, "RunId": RUNS[run], "Consistency": "Crash", "TimeoutSecond": 60}
    answer = ask(cluster, cluster.machine(vm_id).node, "New-BorgClusterSnapshot", **wanted)
    return next(one for one in answer["snapshots"] if one["id"] == answer["made"])


def point(cluster: SimulatedCluster, vm_id: str, run: int) -> Any:
    """Make a snapshot and convert it; return the reference point."""
    snapshot_id, node = freeze(cluster, vm_id, run)["id"], cluster.machine(vm_id).node
    answer = ask(cluster, node, "ConvertTo-BorgClusterReferencePoint", VMId=vm_id, SnapshotId=snapshot_id)
    return next(one for one in answer["reference_points"] if one["id"] == answer["made"])


def changed(cluster: SimulatedCluster, vm_id: str, path: str, since: str) -> list[tuple[int, int]]:
    """Return the changed ranges in order, those that touch as one."""
    node = cluster.machine(vm_id).node
    answer = ask(cluster, node, "Get-BorgClusterDiskChange", VMId=vm_id, Path=path, Since=since)
    joined: list[tuple[int, int]] = []
    for one in answer["ranges"]:
        if joined and sum(joined[-1]) == one["offset"]:
            joined[-1] = joined[-1][0], joined[-1][1] + one["length"]
        else:
            joined.append((one["offset"], one["length"]))
    return joined


def refusal(cluster: SimulatedCluster, vm_id: str, path: str, since: str) -> str:
    with pytest.raises(CommandError) as caught:
        changed(cluster, vm_id, path, since)
    return caught.value.error_id


def test_a_converted_snapshot_is_gone_and_its_point_is_listed(cluster: SimulatedCluster, vm_id: str) -> None:
    before = registration(cluster, vm_id)["disk_paths"]
    made = point(cluster, vm_id, 0)
    assert made["complete"]
    assert [disk["path"] for disk in made["disks"]] == before == registration(cluster, vm_id)["disk_paths"]
    assert len({disk["rct_id"] for disk in made["disks"]}) == 2
    assert ask(cluster, "node1", "Get-BorgClusterSnapshot", VMId=vm_id)["snapshots"] == []
    assert ask(cluster, "node1", "Get-BorgClusterReferencePoint", VMId=vm_id)["reference_points"] == [made]
    kinds = [file["kind"] for file in listed(cluster, "node1")[vm_id]["files"]]
    assert kinds.count("change_tracking") == 4


def test_changes_are_what_was_written_between_two_points(cluster: SimulatedCluster, vm_id: str) -> None:
    first = point(cluster, vm_id, 0)["disks"]
    cluster.guest_write(vm_id, offset=GRANULE + 1, data=b"x")
    second = point(cluster, vm_id, 1)["disks"]
    cluster.guest_write(vm_id, offset=5 * GRANULE - 1, data=b"xy")
    cluster.guest_write(vm_id, disk=1, offset=0, data=b"other disk")
    frozen = freeze(cluster, vm_id, 2)["disks"]
    cluster.guest_write(vm_id, offset=7 * MIB, data=b"after the snapshot")
    path = frozen[0]["path"]
    assert changed(cluster, vm_id, path, second[0]["rct_id"]) == [(4 * GRANULE, 2 * GRANULE)]
    assert changed(cluster, vm_id, path, first[0]["rct_id"]) == [(GRANULE, GRANULE), (4 * GRANULE, 2 * GRANULE)]
    assert changed(cluster, vm_id, frozen[1]["path"], second[1]["rct_id"]) == [(0, GRANULE)]
    assert refusal(cluster, vm_id, path, second[1]["rct_id"]) == "BorgClusterJobFailed"
    assert refusal(cluster, vm_id, path, "rctX:*") == "BorgClusterJobFailed"


def test_a_snapshot_that_is_only_removed_loses_no_change(cluster: SimulatedCluster, vm_id: str) -> None:
    since = point(cluster, vm_id, 0)["disks"][0]["rct_id"]
    cluster.guest_write(vm_id, offset=0, data=b"x")
    failed = freeze(cluster, vm_id, 1)["id"]
    cluster.guest_write(vm_id, offset=MIB, data=b"x")
    ask(cluster, "node1", "Remove-BorgClusterSnapshot", VMId=vm_id, SnapshotId=failed)
    path = freeze(cluster, vm_id, 2)["disks"][0]["path"]
    assert changed(cluster, vm_id, path, since) == [(0, GRANULE), (MIB, GRANULE)]


def test_a_removed_point_is_not_known_any_more_but_earlier_ones_keep_all(cluster: SimulatedCluster, vm_id: str) -> None:
    first = point(cluster, vm_id, 0)
    cluster.guest_write(vm_id, offset=0, data=b"x")
    second = point(cluster, vm_id, 1)
    cluster.guest_write(vm_id, offset=MIB, data=b"x")
    left = ask(cluster, "node1", "Remove-BorgClusterReferencePoint", VMId=vm_id, ReferencePointId=second["id"])
    assert left["reference_points"] == [first]
    path = freeze(cluster, vm_id, 2)["disks"][0]["path"]
    assert changed(cluster, vm_id, path, first["disks"][0]["rct_id"]) == [(0, GRANULE), (MIB, GRANULE)]
    assert refusal(cluster, vm_id, path, second["disks"][0]["rct_id"]) == "BorgClusterJobFailed"


@pytest.mark.parametrize("most", [GRANULE - 512, MIB, 64 * MIB])
def test_however_little_a_call_looks_at_the_answer_is_whole(cluster: SimulatedCluster, vm_id: str, most: int) -> None:
    cluster.switches.change_bytes_per_call = most
    since = point(cluster, vm_id, 0)["disks"][0]["rct_id"]
    cluster.guest_write(vm_id, offset=0, data=bytes(3 * MIB))
    path = freeze(cluster, vm_id, 1)["disks"][0]["path"]
    assert changed(cluster, vm_id, path, since) == [(0, 3 * MIB)]


def test_no_progress_is_an_error(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.change_bytes_per_call = 0
    since = point(cluster, vm_id, 0)["disks"][0]["rct_id"]
    path = freeze(cluster, vm_id, 1)["disks"][0]["path"]
    assert refusal(cluster, vm_id, path, since) == "BorgClusterNoProgress"


@pytest.mark.parametrize(
    ("name", "error_id"),
    [
        ("none.vhdx", GET_VHD),
        ("Virtual Machines", GET_VHD),
        ("..", "BorgClusterPathNotAllowed"),
    ],
)
def test_changes_are_of_the_vm_s_own_disks(cluster: SimulatedCluster, vm_id: str, name: str, error_id: str) -> None:
    since = point(cluster, vm_id, 0)["disks"][0]["rct_id"]
    assert refusal(cluster, vm_id, rf"C:\ClusterStorage\Volume1\db\{name}", since) == error_id


def test_arrays_of_unequal_length_tell_no_disk(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.switches.reference_arrays_agree = False
    made = point(cluster, vm_id, 0)
    assert (made["complete"], made["disks"]) == (False, [])


def test_an_old_configuration_has_no_reference_points(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("old", disks=(SMALL,), version="5.0")
    with pytest.raises(CommandError) as caught:
        point(cluster, vm_id, 0)
    assert (caught.value.error_id, caught.value.code) == ("BorgClusterMethodFailed", "0x80070032")
    assert len(ask(cluster, "node1", "Get-BorgClusterSnapshot", VMId=vm_id)["snapshots"]) == 1


def _migrate(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.migrate(vm_id, "node2")


def _crash(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.node_down(cluster.machine(vm_id).node)


def _restart(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.stop(vm_id)
    cluster.start(vm_id)


def _move(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.move_storage(vm_id, "Volume2")


def _write_offline(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.stop(vm_id, "Shutdown")
    cluster.offline_write(vm_id, offset=0, data=b"mounted on the host")
    cluster.start(vm_id)


def _restore(cluster: SimulatedCluster, vm_id: str) -> None:
    path = registration(cluster, vm_id)["disk_paths"][0]
    cluster.stop(vm_id, "Shutdown")
    real = cluster.real_path(path)
    restored = real.with_name("restored")
    restored.write_bytes(real.read_bytes())
    restored.replace(real)
    ask(cluster, "node1", "Grant-BorgClusterVMAccess", VMId=vm_id, Path=[path])
    cluster.start(vm_id)


def _clear(cluster: SimulatedCluster, vm_id: str) -> None:
    paths = registration(cluster, vm_id)["disk_paths"]
    cluster.stop(vm_id, "Shutdown")
    ask(cluster, "node1", "Clear-BorgClusterChangeTracking", RestoreId=RESTORE_ID, Path=paths)
    cluster.start(vm_id)


@pytest.mark.parametrize(
    ("what", "known"),
    [
        (_migrate, True),
        (_crash, True),
        (_restart, True),
        (_move, False),
        (_write_offline, False),
        (_restore, False),
        (_clear, False),
    ],
)
def test_what_change_tracking_outlives(cluster: SimulatedCluster, vm_id: str, what: Any, *, known: bool) -> None:
    since = point(cluster, vm_id, 0)["disks"][0]["rct_id"]
    cluster.guest_write(vm_id, offset=0, data=b"x")
    what(cluster, vm_id)
    path = freeze(cluster, vm_id, 1)["disks"][0]["path"]
    if known:
        assert changed(cluster, vm_id, path, since) == [(0, GRANULE)]
    else:
        assert refusal(cluster, vm_id, path, since) == "BorgClusterJobFailed"
    # and from a new point on they are known again
    made = freeze(cluster, vm_id, 1)["id"]
    node = cluster.machine(vm_id).node
    answer = ask(cluster, node, "ConvertTo-BorgClusterReferencePoint", VMId=vm_id, SnapshotId=made)
    fresh = next(one for one in answer["reference_points"] if one["id"] == answer["made"])["disks"][0]
    cluster.guest_write(vm_id, offset=MIB, data=b"y")
    again = freeze(cluster, vm_id, 2)["disks"][0]["path"]
    assert changed(cluster, vm_id, again, fresh["rct_id"]) == [(MIB, GRANULE)]
    cluster.check()


@pytest.mark.parametrize("ids", ["rctX", "guid"])
def test_whether_changes_are_known_after_storage_moved_is_a_doubt(cluster: SimulatedCluster, vm_id: str, ids: str) -> None:
    cluster.switches.tracking_survives_move_storage, cluster.switches.tracking_ids = True, ids
    since = point(cluster, vm_id, 0)["disks"][0]["rct_id"]
    cluster.guest_write(vm_id, offset=0, data=b"x")
    cluster.move_storage(vm_id, "Volume2")
    path = freeze(cluster, vm_id, 1)["disks"][0]["path"]
    assert changed(cluster, vm_id, path, since) == [(0, GRANULE)]


def test_tracking_files_are_parked_never_deleted(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("web[1]*", disks=(SMALL,), state="Off", change_tracking=True, highly_available=False)
    (disk,) = registration(cluster, vm_id)["disk_paths"]
    for _ in range(2):
        answer = ask(cluster, "node1", "Clear-BorgClusterChangeTracking", RestoreId=RESTORE_ID, Path=[disk])
        assert [(file["path"], file["exists"]) for file in answer["files"]] == [(f"{disk}.rct", False), (f"{disk}.mrt", False)]
    parked = cluster.volume_folder("Volume1") / ".borg-cluster" / RESTORE_ID / "parked"
    assert sorted(path.name for path in parked.rglob("*.?rt") if path.is_file()) == ["web[1]_.vhdx.mrt"]
    assert sorted(path.suffix for path in parked.rglob("*") if path.is_file()) == [".mrt", ".rct"]


def test_tracking_files_of_a_running_vm_stay(cluster: SimulatedCluster, vm_id: str) -> None:
    point(cluster, vm_id, 0)
    paths = registration(cluster, vm_id)["disk_paths"]
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node1", "Clear-BorgClusterChangeTracking", RestoreId=RESTORE_ID, Path=paths)
    assert caught.value.code == "0x80070020"


def placed_copy(cluster: SimulatedCluster, vm_id: str, folder: str = "copy") -> str:
    """Put the files of a VM that is off beside it, as a restore does; return the path of the .vmcx."""
    home = cluster.machine(vm_id).home
    source = cluster.real_path(home)
    target = source.with_name(folder)
    for file in [path for path in source.rglob("*") if path.is_file()]:
        placed = target / file.relative_to(source)
        placed.parent.mkdir(parents=True, exist_ok=True)
        placed.write_bytes(file.read_bytes())
    return rf"C:\ClusterStorage\Volume1\{folder}\Virtual Machines\{vm_id.upper()}.vmcx"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_copy_has_its_own_id_name_and_files_and_is_not_connected(cluster: SimulatedCluster, name: str) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), highly_available=False, state="Off", notes="#keep")
    wanted = {"Path": placed_copy(cluster, vm_id), "VMId": vm_id, "Name": name, "RestoreId": RESTORE_ID}
    first = ask(cluster, "node1", "Register-BorgClusterVMCopy", **wanted)
    assert first["registered"]
    assert first["incompatibilities"] == []
    again = ask(cluster, "node1", "Register-BorgClusterVMCopy", **wanted)
    assert (again["registered"], again["vm_id"]) == (True, first["vm_id"])
    copy, original = listed(cluster, "node1")[first["vm_id"]], listed(cluster, "node1")[vm_id]
    assert (copy["name"], original["name"]) == (name, "db")
    assert copy["notes"] == f"#keep\nborg-cluster restore {RESTORE_ID}"
    assert [one["switch_name"] for one in copy["network_adapters"]] == [None]
    assert [disk["path"] for disk in copy["disks"]] == [r"C:\ClusterStorage\Volume1\copy\db.vhdx"]
    for one in (first["vm_id"], vm_id):
        cluster.start(one)
    cluster.check()


def test_a_copy_never_takes_the_original_s_disks(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), highly_available=False, state="Off")
    path = placed_copy(cluster, vm_id)
    cluster.real_path(r"C:\ClusterStorage\Volume1\copy\db.vhdx").unlink()
    wanted = {"Path": path, "VMId": vm_id, "Name": "copy", "RestoreId": RESTORE_ID}
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node1", "Register-BorgClusterVMCopy", **wanted)
    assert caught.value.error_id == "BorgClusterDiskNotFound"
    assert len(listed(cluster, "node1")) == 1


def test_a_boot_is_told_by_the_heartbeat(cluster: SimulatedCluster, vm_id: str) -> None:
    def heartbeat(one: str) -> str | None:
        answer = ask(cluster, "node1", "Test-BorgClusterBoot", VMId=one, TimeoutSecond=60)
        found: str | None = answer["registration"]["heartbeat"]
        return found

    assert heartbeat(vm_id) == "OkApplicationsHealthy"
    silent = cluster.add_vm("silent", disks=(SMALL,), state="Off", highly_available=False)
    assert heartbeat(silent) is None
    cluster.edit(silent, lambda machine: setattr(machine.definition, "gives_heartbeat", False))
    cluster.start(silent)
    assert heartbeat(silent) == "NoContact"
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node2", "Test-BorgClusterBoot", VMId=vm_id, TimeoutSecond=60)
    assert caught.value.error_id == "BorgClusterVMNotRegistered"
