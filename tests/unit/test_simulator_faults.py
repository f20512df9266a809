"""Scripted faults: each fires at its occurrence and nowhere else, and is logged."""

import json
from pathlib import Path

import pytest

from borg_cluster.simulator.faults import Decision
from borg_cluster.simulator.state import CommandError, Fault, SimulatedCluster
from tests.unit.simulated import SMALL, ask, listed, registration

REPORT = "Get-BorgClusterReport"


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    return SimulatedCluster.create(tmp_path / "cluster")


def fired(cluster: SimulatedCluster) -> list[object]:
    return [entry["what"] for entry in cluster.log if entry["kind"] == "fault"]


def test_a_connection_is_cut_at_the_occurrence_asked_for(cluster: SimulatedCluster) -> None:
    fault = cluster.faults.add(Fault(kind="drop_before", command=REPORT, occurrence=2))
    decisions = [cluster.faults.before("node1", command).drop for command in (REPORT, "Other", REPORT.lower(), REPORT)]
    assert decisions == [False, False, True, False]
    assert (fault.fired, fired(cluster)) == (1, ["drop_before"])


def test_before_and_after_are_counted_apart(cluster: SimulatedCluster) -> None:
    cluster.faults.add(Fault(kind="drop_after", node="node2"))
    cluster.faults.add(Fault(kind="freeze", node="NODE2", seconds=7, repeat=True))
    assert cluster.faults.before("node1", REPORT) == Decision()
    assert cluster.faults.after("node1", REPORT) == Decision()
    for _ in range(2):
        assert cluster.faults.before("node2", REPORT) == Decision(freeze=7)
    assert [cluster.faults.after("node2", REPORT).drop for _ in range(2)] == [True, False]


def test_the_nth_command_of_any_name_counts(cluster: SimulatedCluster) -> None:
    cluster.faults.add(Fault(kind="drop_after", occurrence=3))
    assert [cluster.faults.after("node1", command).drop for command in "abcd"] == [False, False, True, False]


def test_logins_are_refused(cluster: SimulatedCluster) -> None:
    cluster.faults.add(Fault(kind="refuse_login", node="node1", repeat=True))
    assert [cluster.faults.login(node) for node in ("node1", "node2", "node1")] == [False, True, False]
    cluster.faults.clear()
    assert cluster.faults.login("node1")


def test_the_world_changes_between_two_calls(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    cluster.faults.add(Fault(kind="change_after", command=REPORT, change=lambda world: world.migrate(vm_id, "node2")))
    owners = [
        next(role["owner_node"] for role in ask(cluster, "node1", REPORT)["roles"] if role["name"] == "db") for _ in range(2)
    ]
    assert owners == ["node1", "node2"]
    cluster.faults.add(Fault(kind="change_before", change=lambda world: world.register_twice(vm_id, "node3")))
    assert vm_id in listed(cluster, "node3")
    cluster.faults.add(Fault(kind="change_before", change=lambda world: world.lose(vm_id)))
    assert registration(cluster, vm_id, "node2") is None


def test_a_node_goes_down_before_a_command(cluster: SimulatedCluster) -> None:
    cluster.faults.add(Fault(kind="node_down", command=REPORT))
    with pytest.raises(CommandError) as caught:
        cluster.invoke("node1", REPORT, {})
    assert caught.value.code == "1722"
    assert [cluster.reachable(node) for node in cluster.node_names] == [False, True, True]


def test_an_error_record_instead_of_an_answer(cluster: SimulatedCluster) -> None:
    problem = CommandError("no", "AccessDenied,X", "PermissionDenied", code="5")
    cluster.faults.add(Fault(kind="error", command=REPORT, error=problem))
    with pytest.raises(CommandError) as caught:
        cluster.invoke("node1", REPORT, {})
    assert caught.value is problem
    assert ask(cluster, "node1", REPORT)["answered_by"] == "node1"


def test_an_old_module_and_an_old_schema(cluster: SimulatedCluster) -> None:
    cluster.faults.add(Fault(kind="old_schema", schema=0))
    cluster.faults.add(Fault(kind="old_module", occurrence=2, module_version="0.0.9"))
    answers = [json.loads(cluster.invoke("node1", REPORT, {})) for _ in range(3)]
    assert [answer["schema"] for answer in answers] == [0, 1, 1]
    assert [answer["module_version"] for answer in answers] == ["0.1.0", "0.0.9", "0.1.0"]


@pytest.mark.parametrize("wrong", [{"kind": "explode"}, {"kind": "change_before"}, {"kind": "error"}])
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"fault|needs"):
        Fault(**wrong)  # type: ignore[arg-type] # the test's own variety


def test_a_change_that_fails_halfway_is_saved_as_far_as_it_went(cluster: SimulatedCluster) -> None:
    vm_id = cluster.add_vm("db", disks=(SMALL,))
    cluster.stop(vm_id)
    cluster.state.access.clear()
    with pytest.raises(CommandError):
        cluster.invoke("node1", "Start-BorgClusterRole", {"VMId": vm_id, "TimeoutSecond": 1})
    assert SimulatedCluster.open(cluster.folder).state == cluster.state
