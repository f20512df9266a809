"""What happens on the simulated cluster by itself: who lists which VM, derived states, migrations, crashes, audits, durations."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from borg_cluster.simulator.definition import Definition, DefinitionDamaged, read_definition, write_definition
from borg_cluster.simulator.fingerprint import fingerprint, vm_fingerprint
from borg_cluster.simulator.making import file_name
from borg_cluster.simulator.state import CommandError, DiskSpec, SimulatedCluster, Violation
from tests.unit.simulated import SMALL, ask, listed, registration, role

HOSTILE = ["web[1]*", "O'Brien's \"$(x)\"", "NO", "two\nlines", "x" * 100, "con", "trailing. ", 'a:b/c\\d|e<f>g?"h', "ünïcödé ☃"]


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    return SimulatedCluster.create(tmp_path / "cluster")


@pytest.fixture
def vm_id(cluster: SimulatedCluster) -> str:
    return cluster.add_vm("db", disks=(SMALL,))


def states(cluster: SimulatedCluster, vm_id: str) -> tuple[str, str, str]:
    found = role(cluster, vm_id)
    return found["state"], found["vm_resource_state"], found["configuration_resource_state"]


def test_a_node_lists_only_what_is_registered_on_it(cluster: SimulatedCluster, vm_id: str) -> None:
    other = cluster.add_vm("other", disks=(SMALL,), node="node2")
    assert [set(listed(cluster, node)) for node in cluster.node_names] == [{vm_id}, {other}, set()]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_will_do(cluster: SimulatedCluster, name: str) -> None:
    first, second = cluster.add_vm(name, disks=(SMALL,)), cluster.add_vm(name, disks=(SMALL,))
    names = [listed(cluster, "node1")[vm_id]["name"] for vm_id in (first, second)]
    assert names == [name, name]
    cluster.stop(first)
    cluster.start(first)
    cluster.check()
    assert SimulatedCluster.open(cluster.folder).state == cluster.state


def test_a_file_that_somebody_removes_while_a_volume_is_counted_takes_no_space(
    cluster: SimulatedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stages files there takes no lock of the cluster's."""
    staged = cluster.volume_folder("Volume1") / ".borg-cluster" / "some" / "disk.vhdx"
    staged.parent.mkdir(parents=True)
    free = ask(cluster, "node1", "Get-BorgClusterReport")["volumes"][0]["free"]
    staged.write_bytes(bytes(4096))
    plain, asked = Path.lstat, []

    def too_late(path: Path) -> os.stat_result:
        asked.append(path)
        path.unlink()
        return plain(path)

    monkeypatch.setattr(Path, "lstat", too_late)
    assert ask(cluster, "node1", "Get-BorgClusterReport")["volumes"][0]["free"] == free
    assert asked == [staged]


def test_file_names_are_windows_own() -> None:
    assert [file_name(one) for one in ("web[1]*", "con", "CON.x", "a. ", "...", "com1x")] == [
        "web[1]_",
        "_con",
        "_CON.x",
        "a",
        "_",
        "com1x",
    ]


def test_states_are_derived_from_what_the_vm_does(cluster: SimulatedCluster, vm_id: str) -> None:
    assert states(cluster, vm_id) == ("Online", "Online", "Online")
    cluster.stop(vm_id, "Shutdown")
    assert states(cluster, vm_id) == ("PartialOnline", "Offline", "Online")
    assert registration(cluster, vm_id)["state"] == "Off"
    cluster.start(vm_id)
    cluster.stop(vm_id, "Save")
    assert states(cluster, vm_id) == ("PartialOnline", "Offline", "Online")
    assert registration(cluster, vm_id)["state"] == "Saved"
    cluster.stop(vm_id)
    assert states(cluster, vm_id) == ("Offline", "Offline", "Offline")


@pytest.mark.parametrize(("switch", "expected"), [("absent", None), ("off", "Saved")])
def test_a_vm_in_an_offline_role_is_gone_or_listed(
    cluster: SimulatedCluster, vm_id: str, switch: str, expected: str | None
) -> None:
    cluster.switches.offline_vm_listed = switch
    cluster.stop(vm_id)
    found = registration(cluster, vm_id)
    assert (found and found["state"]) == expected
    cluster.start(vm_id)
    assert registration(cluster, vm_id)["state"] == "Running"


@pytest.mark.parametrize("action", [0, 1, 2, 3])
def test_a_role_stops_by_its_offline_action(cluster: SimulatedCluster, vm_id: str, action: int) -> None:
    cluster.switches.offline_vm_listed = "off"
    ask(cluster, "node1", "Set-BorgClusterOfflineAction", VMId=vm_id, Action=action)
    cluster.stop(vm_id)
    assert registration(cluster, vm_id)["state"] == ("Saved" if action == 1 else "Off")


def test_a_guest_that_ignores_a_shutdown_leaves_the_role_pending_until_its_power_is_cut(
    cluster: SimulatedCluster, vm_id: str
) -> None:
    cluster.switches.guest_ignores_shutdown.append(vm_id)
    ask(cluster, "node1", "Set-BorgClusterOfflineAction", VMId=vm_id, Action=2)
    stopping = ask(cluster, "node1", "Stop-BorgClusterRole", VMId=vm_id, TimeoutSecond=1)
    assert (stopping["role"]["state"], stopping["registration"]["state"]) == ("Pending", "Stopping")
    ask(cluster, "node1", "Stop-BorgClusterVM", VMId=vm_id, Action="TurnOff", TimeoutSecond=1)
    assert states(cluster, vm_id) == ("Offline", "Offline", "Offline")


def test_what_takes_its_time_is_pending_meanwhile(tmp_path: Path) -> None:
    cluster = SimulatedCluster.create(tmp_path / "cluster", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    cluster.pace = 10.0
    assert ask(cluster, "node1", "Stop-BorgClusterRole", VMId=vm_id, TimeoutSecond=0)["role"]["state"] == "Pending"
    assert SimulatedCluster.open(cluster.folder).state.operations == cluster.state.operations
    cluster.advance(3600)
    assert states(cluster, vm_id)[0] == "Offline"
    assert ask(cluster, "node1", "Start-BorgClusterRole", VMId=vm_id, TimeoutSecond=0)["role"]["state"] == "Pending"
    cluster.advance(3600)
    assert states(cluster, vm_id)[0] == "Online"


def test_other_commands_are_answered_while_one_takes_its_time(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.pace = 10_000.0
    stopping = Thread(
        target=cluster.invoke, args=("node1", "Stop-BorgClusterRole", {"VMId": vm_id, "TimeoutSecond": 86_400}), daemon=True
    )
    stopping.start()
    while role(cluster, vm_id, "node2")["state"] != "Pending":
        pass
    cluster.advance(10**6)
    stopping.join(timeout=30)
    assert states(cluster, vm_id)[0] == "Offline"


def test_a_live_migration_has_its_phases(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.begin_migration(vm_id, "node2")
    assert role(cluster, vm_id)["migration_state"] == 1
    assert cluster.advance_migration(vm_id) == "transfer"
    assert registration(cluster, vm_id)["operational_status"] == [11, 32774]
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node1", "Stop-BorgClusterRole", VMId=vm_id, TimeoutSecond=1)
    assert caught.value.code == "5023"
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node1", "Stop-BorgClusterVM", VMId=vm_id, Action="Save", TimeoutSecond=1)
    assert caught.value.code == "32775"
    assert cluster.advance_migration(vm_id) == "blackout"
    assert cluster.advance_migration(vm_id) == "done"
    found = role(cluster, vm_id)
    assert (found["owner_node"], found["migration_state"]) == ("node2", 0)
    assert [set(listed(cluster, node)) for node in ("node1", "node2")] == [set(), {vm_id}]
    cluster.check()


@pytest.mark.parametrize(("switch", "where"), [("none", []), ("both", ["node1", "node2"]), ("source", ["node1"])])
def test_who_lists_a_vm_in_the_blackout_is_a_doubt(cluster: SimulatedCluster, vm_id: str, switch: str, where: list[str]) -> None:
    cluster.switches.blackout_listed = switch
    cluster.begin_migration(vm_id, "node2")
    while cluster.advance_migration(vm_id) != "blackout":
        pass
    found = {node: listed(cluster, node).get(vm_id) for node in cluster.node_names}
    assert [node for node, vm in found.items() if vm] == where
    assert {vm["disks"][0]["chain_error"] for vm in found.values() if vm} <= {"0x80070020"}


def test_a_cancelled_migration_stays_where_it_was(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.begin_migration(vm_id, "node2")
    cluster.cancel_migration(vm_id)
    assert role(cluster, vm_id)["migration_state"] == 4
    assert set(listed(cluster, "node1")) == {vm_id}
    with pytest.raises(CommandError):
        cluster.advance_migration(vm_id)


def test_a_vm_does_not_migrate_to_a_node_that_can_not_take_it(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.node_down("node2")
    for node in ("node1", "node2"):
        with pytest.raises(CommandError):
            cluster.begin_migration(vm_id, node)


def test_a_crashed_node_is_failed_over_later_and_comes_back_without_its_vms(cluster: SimulatedCluster, vm_id: str) -> None:
    local = cluster.add_vm("local", disks=(SMALL,), highly_available=False)
    cluster.node_down("node1", fail_over=False)
    assert not cluster.reachable("node1")
    report = ask(cluster, "node2", "Get-BorgClusterReport")
    (found,) = (one for one in report["roles"] if one["name"] == "db")
    assert (found["owner_node"], found["state"], found["status_information"]) == ("node1", "Online", ["Unmonitored"])
    with pytest.raises(CommandError):
        cluster.invoke("node1", "Get-BorgClusterReport", {})
    cluster.fail_over("node1")
    assert (cluster.core_owner, role(cluster, vm_id, "node2")["owner_node"]) == ("node2", "node2")
    assert registration(cluster, vm_id, "node2")["state"] == "Running"
    assert ask(cluster, "node2", "Get-BorgClusterReport")["volumes"][0]["owner_node"] == "node2"
    cluster.node_up("node1")
    assert {vm: one["state"] for vm, one in listed(cluster, "node1").items()} == {local: "Off"}
    cluster.check()


@pytest.mark.parametrize(
    ("action", "ran", "state"),
    [
        ("Nothing", True, "Off"),
        ("StartIfRunning", True, "Running"),
        ("StartIfRunning", False, "Off"),
        ("Start", False, "Running"),
    ],
)
def test_a_node_that_is_up_again_starts_what_is_to_start_with_it(
    cluster: SimulatedCluster, action: str, ran: bool, state: str
) -> None:
    local = cluster.add_vm("local", disks=(SMALL,), highly_available=False)
    cluster.edit(local, lambda machine: setattr(machine.definition, "automatic_start_action", action))
    if not ran:
        cluster.stop(local)
    cluster.node_down("node1")
    cluster.node_up("node1")
    assert cluster.machine(local).state == state
    cluster.check()


def test_a_drained_node_gives_its_roles_away(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.drain("node1")
    assert role(cluster, vm_id)["owner_node"] == "node2"
    assert cluster.node("node1").drain_status == "Completed"


def test_a_guest_s_writes_are_read_back_and_only_a_running_guest_writes(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.guest_write(vm_id, offset=3 * (1 << 20) - 2, data=b"across")
    assert cluster.guest_read(vm_id, offset=3 * (1 << 20) - 3, length=8)[1:7] == b"across"
    cluster.stop(vm_id, "TurnOff")
    with pytest.raises(CommandError):
        cluster.guest_write(vm_id, data=b"x")
    cluster.check()


def test_checkpoints_are_deleted_by_merging(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.take_checkpoint(vm_id)
    cluster.guest_write(vm_id, data=b"newer")
    before = cluster.guest_read(vm_id, length=SMALL.size)
    assert len(listed(cluster, "node1")[vm_id]["disks"][0]["chain"]) == 2
    cluster.remove_checkpoints(vm_id)
    vm = listed(cluster, "node1")[vm_id]
    assert (len(vm["disks"][0]["chain"]), vm["checkpoints"]) == (1, [])
    assert cluster.guest_read(vm_id, length=SMALL.size) == before
    cluster.check()


@pytest.mark.impossible
def test_a_broken_chain_says_why(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), checkpoints=1, highly_available=False)
    cluster.stop(vm_id)
    base = cluster.real_path(listed(cluster, "node1")[vm_id]["disks"][0]["chain"][1]["path"])
    content = base.read_bytes()
    other = cluster.add_vm("other", disks=(SMALL,), highly_available=False)
    errors = []
    base.write_bytes(cluster.real_path(registration(cluster, other)["disk_paths"][0]).read_bytes())
    errors.append(listed(cluster, "node1")[vm_id]["disks"][0]["chain_error"])
    base.write_bytes(b"no disk")
    errors.append(listed(cluster, "node1")[vm_id]["disks"][0]["chain_error"])
    base.write_bytes(content)
    away = base.rename(base.with_suffix(".away"))
    vm = listed(cluster, "node1")[vm_id]
    errors.append(vm["disks"][0]["chain_error"])
    assert errors == ["0xC03A000E", "0xC03A0005", "0xC03A000D"]
    assert [one["exists"] for one in vm["disks"][0]["chain"]] == [True, False]
    with pytest.raises(CommandError) as caught:
        cluster.start(vm_id)
    assert caught.value.code == "0xC03A000D"
    away.rename(base)
    cluster.start(vm_id)


def test_storage_moves_with_everything_and_while_the_vm_runs(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL, DiskSpec(size=SMALL.size, content=0, volume="Volume2")), checkpoints=1)
    before = cluster.guest_read(vm_id, length=SMALL.size)
    cluster.move_storage(vm_id, "Volume2")
    vm = listed(cluster, "node1")[vm_id]
    paths = [link["path"] for disk in vm["disks"] for link in disk["chain"]] + [file["path"] for file in vm["files"]]
    assert all(path.startswith("C:\\ClusterStorage\\Volume2\\db\\") for path in paths)
    assert cluster.guest_read(vm_id, length=SMALL.size) == before
    assert not (cluster.volume_folder("Volume1") / "db").exists()
    cluster.stop(vm_id)
    cluster.start(vm_id)
    cluster.check()


@pytest.mark.parametrize("how", ["replaced", "removed", "changed", "configuration replaced"])
@pytest.mark.impossible
def test_the_audit_notices_whoever_touches_a_running_vm_s_files(cluster: SimulatedCluster, vm_id: str, how: str) -> None:
    found = registration(cluster, vm_id)
    disk = cluster.real_path(found["configuration_path"] if how.startswith("conf") else found["disk_paths"][0])
    cluster.check()
    content = disk.read_bytes()
    if how == "removed":
        disk.unlink()
    elif how == "changed":
        disk.write_bytes(content)
        os.utime(disk, ns=(1, 1))
    else:
        disk.with_suffix(".new").write_bytes(content)
        disk.with_suffix(".new").replace(disk)
    registration(cluster, vm_id)
    with pytest.raises(Violation):
        cluster.check()
    assert [one["kind"] for one in cluster.log].count("violation") == len(cluster.state.violations)


@pytest.mark.impossible
def test_a_vm_that_runs_on_two_nodes_is_a_violation(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.register_twice(vm_id, "node2")
    cluster.check()
    assert [vm_id in listed(cluster, node) for node in ("node1", "node2")] == [True, True]
    assert listed(cluster, "node2")[vm_id]["disks"][0]["chain_error"] == "0x80070020"
    with pytest.raises(CommandError) as caught:
        ask(cluster, "node2", "Start-BorgClusterVM", VMId=vm_id, TimeoutSecond=1)
    assert caught.value.code == "0x80070020"
    cluster.machine(vm_id, "node2").state = "Running"
    with pytest.raises(Violation, match="two nodes"):
        cluster.check()


def test_a_vm_that_no_node_lists_keeps_its_role(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.lose(vm_id)
    assert [vm_id in listed(cluster, node) for node in cluster.node_names] == [False, False, False]
    assert role(cluster, vm_id)["state"] == "Online"


def test_a_destroyed_vm_leaves_nothing_but_what_it_shared(cluster: SimulatedCluster) -> None:
    iso = r"C:\ClusterStorage\Volume1\tools.iso"
    cluster.write_file(iso, b"tools")
    before = fingerprint(cluster)
    vm_id = cluster.add_vm("db", disks=(SMALL,), checkpoints=1, iso=iso, change_tracking=True)
    cluster.destroy(vm_id)
    assert fingerprint(cluster) == before
    kept = cluster.add_vm("kept", disks=(SMALL,), checkpoints=1)
    cluster.destroy(kept, keep_files=True)
    assert set(fingerprint(cluster)["files"]) - set(before["files"]) == {"volumes/Volume1/kept/kept.vhdx"}  # type: ignore[call-overload] # a list of texts
    cluster.check()


@pytest.mark.impossible
def test_two_vms_may_read_one_iso_but_not_write_one_disk(cluster: SimulatedCluster) -> None:
    iso = r"C:\ClusterStorage\Volume1\tools.iso"
    cluster.write_file(iso, b"tools")
    first = cluster.add_vm("one", disks=(SMALL,), iso=iso)
    cluster.add_vm("two", disks=(SMALL,), iso=iso)
    cluster.check()
    disk = registration(cluster, first)["disk_paths"][0].rsplit("\\", 1)[1]
    shared = DiskSpec(size=SMALL.size, name=disk, shared=True)
    guests = [cluster.add_vm(f"guest {number}", home=r"C:\ClusterStorage\Volume2\g", disks=(shared,)) for number in (1, 2)]
    cluster.check()
    cluster.edit(guests[0], lambda machine: setattr(machine.definition.disks[0], "shared", False))
    cluster.edit(guests[1], lambda machine: setattr(machine.definition.disks[0], "shared", False))
    with pytest.raises(Violation, match="is written by"):
        cluster.check()


def test_a_clustered_disk_is_reached_on_its_owner_only(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.add_clustered_disk("Disk S", "S:", vm_id=vm_id)
    cluster.write_file("S:\\x", b"123", "node1")
    cluster.write_file("D:\\y", b"1", "node2")
    looks = [
        [one["exists"] for one in ask(cluster, node, "Get-BorgClusterVMState", VMId=vm_id, Path=["S:\\x", "D:\\y"])["files"]]
        for node in ("node1", "node2")
    ]
    assert looks == [[True, False], [False, True]]
    cluster.write_file("\\\\files\\vms\\z", b"1")
    assert all(cluster.real_path("\\\\FILES\\vms\\z", node).exists() for node in cluster.node_names)
    report = ask(cluster, "node1", "Get-BorgClusterReport")
    configuration = next(one for one in report["resources"] if one["resource_type"].endswith("Configuration"))
    assert configuration["depends_on"] == [report["disks"][0]["id"]]


def test_the_configuration_file_really_holds_the_definition(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.rename(vm_id, "renamed")
    path = cluster.real_path(registration(cluster, vm_id)["configuration_path"])
    assert read_definition(path) == cluster.machine(vm_id).definition
    cluster.stop(vm_id)
    definition = read_definition(path)
    definition.notes = "edited while nobody listed it"
    write_definition(path, definition)
    cluster.start(vm_id)
    assert listed(cluster, "node1")[vm_id]["notes"] == "edited while nobody listed it"
    assert role(cluster, vm_id)["name"] == "db"


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"VMCXSIM1" + bytes(50)])
def test_a_damaged_configuration_file_is_not_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.vmcx"
    write_definition(path, Definition(id="1", name="a"))
    assert read_definition(path).name == "a"
    path.write_bytes(content)
    with pytest.raises((DefinitionDamaged, ValueError)):
        read_definition(path)


@pytest.mark.impossible
def test_a_role_whose_configuration_is_gone_fails(cluster: SimulatedCluster, vm_id: str) -> None:
    path = cluster.real_path(registration(cluster, vm_id)["configuration_path"])
    cluster.stop(vm_id)
    path.unlink()
    with pytest.raises(CommandError) as caught:
        cluster.start(vm_id)
    assert caught.value.code == "0x80070002"
    assert states(cluster, vm_id) == ("Failed", "Offline", "Failed")


@pytest.mark.parametrize("missing", [".vmgs", ".iso"])
def test_a_vm_does_not_start_without_its_files(cluster: SimulatedCluster, missing: str) -> None:
    iso = r"C:\ClusterStorage\Volume1\tools.iso"
    cluster.write_file(iso, b"tools")
    vm_id = cluster.add_vm("db", disks=(SMALL,), iso=iso, state="Off", highly_available=False)
    path = cluster.real_path(iso if missing == ".iso" else registration(cluster, vm_id)["configuration_path"])
    path.with_suffix(missing).unlink()
    with pytest.raises(CommandError) as caught:
        cluster.start(vm_id)
    assert caught.value.code == "0x80070002"


def test_the_world_is_kept_on_disk_and_logged(cluster: SimulatedCluster, vm_id: str) -> None:
    cluster.guest_write(vm_id, data=b"x")
    again = SimulatedCluster.open(cluster.folder)
    assert again.state == cluster.state
    assert vm_fingerprint(again, vm_id) == vm_fingerprint(cluster, vm_id)
    lines = [json.loads(line) for line in (cluster.folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["what"] for line in lines] == ["create", "add_vm", "guest_write"]
    assert again.log == lines
    again.stop(vm_id)
    assert again.log[-1]["number"] == len(lines) + 1


def test_the_same_seed_makes_the_same_world(tmp_path: Path) -> None:
    worlds = [SimulatedCluster.create(tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    for world in worlds:
        world.add_vm("db", disks=(SMALL,))
    prints = [fingerprint(world) for world in worlds]
    assert prints[0] == prints[1] != prints[2]


def test_settings_show_in_a_fingerprint_but_generated_ids_do_not(cluster: SimulatedCluster, vm_id: str) -> None:
    before = vm_fingerprint(cluster, vm_id)
    cluster.end_highly_available(vm_id)
    assert vm_fingerprint(cluster, vm_id) != before
    cluster.make_highly_available(vm_id)
    assert vm_fingerprint(cluster, vm_id) == before
    cluster.edit_role(vm_id, lambda one: one.properties.update(Priority=0))
    assert vm_fingerprint(cluster, vm_id) != before


@pytest.mark.impossible
@pytest.mark.parametrize("how", ["disk", "configuration", "parent"])
def test_a_vm_that_can_not_be_started_any_more_is_a_violation(cluster: SimulatedCluster, how: str) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), state="Off", highly_available=False, checkpoints=1)
    machine = cluster.machine(vm_id)
    leaf = cluster.real_path(machine.definition.disk_paths()[0])
    parent = next(path for path in leaf.parent.glob("*.vhdx"))
    lost = {"disk": leaf, "configuration": cluster.real_path(machine.configuration_path), "parent": parent}[how]
    lost.rename(lost.with_name("elsewhere"))
    with pytest.raises(Violation, match="neither the old nor a new"):
        cluster.check()


def test_what_is_set_aside_with_a_restore_s_mark_can_be_started(cluster: SimulatedCluster) -> None:
    """As a restore does it: the configuration is copied, disks are parked one by one, the VM is unregistered."""
    vm_id = cluster.add_vm("db", disks=(SMALL,), highly_available=False, state="Off", checkpoints=1)
    machine = cluster.machine(vm_id)
    own = cluster.volume_folder("Volume1") / ".borg-cluster" / "0b0e0000-0000-4000-8000-000000000001"
    configuration = cluster.real_path(machine.configuration_path)
    for room, real in [("saved", configuration), *(("parked", path) for path in configuration.parents[1].rglob("*.*vhdx"))]:
        aside = own / room / "Volume1" / real.relative_to(cluster.volume_folder("Volume1"))
        aside.parent.mkdir(parents=True, exist_ok=True)
        if room == "saved":
            aside.write_bytes(real.read_bytes())
        else:
            real.rename(aside)
        cluster.check()
    ask(cluster, "node1", "Unregister-BorgClusterVM", VMId=vm_id)
    cluster.check()


def test_a_vm_that_is_given_up_may_be_gone(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,), state="Off", highly_available=False)
    cluster.give_up(vm_id)
    cluster.real_path(cluster.machine(vm_id).definition.disk_paths()[0]).unlink()
    cluster.check()
