"""The simulated cluster behind the wire: its faults and moves as the bridge sees them."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from borg_cluster.bridge import Bridge, Lost
from borg_cluster.core.report import ClusterReport, NodeReport
from borg_cluster.errors import CommandFailed
from borg_cluster.simulator.failure import invalid_group_state
from borg_cluster.simulator.faults import CONNECTION_KINDS, WORLD_KINDS, Fault
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.wire import Nodes, serve
from tests.wire.conftest import real_target, settings_for, simulated_cluster
from tests.wire.target import there


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    return simulated_cluster(tmp_path)


@pytest.fixture
def nodes(cluster: SimulatedCluster) -> Iterator[Nodes]:
    with serve(cluster, folder=cluster.folder) as served:
        yield served


@pytest.fixture
def bridge(cluster: SimulatedCluster, nodes: Nodes) -> Bridge:
    settings = settings_for(nodes, read_timeout=3, operation_timeout=3)
    return Bridge(settings, domain=cluster.domain, secret=lambda _: nodes.password)


EFFECTS = {
    "drop_before": "unreachable",
    "drop_after": "unreachable",
    "freeze": "timed_out",
    "refuse_login": "refused",
    "node_down": "unreachable",
    "old_schema": "failed",
}
"""Why the answer is lost; with any other kind it arrives."""


@pytest.mark.parametrize("kind", sorted({*CONNECTION_KINDS, *WORLD_KINDS} - {"error", "change_before", "change_after"}))
def test_each_kind_of_fault(cluster: SimulatedCluster, bridge: Bridge, kind: str) -> None:
    fault = cluster.faults.add(Fault(kind=kind, node="node2"))
    answers = {node: bridge.get_node_report(node) for node in cluster.node_names}
    reasons = {node: answer.reason for node, answer in answers.items() if isinstance(answer, Lost)}
    assert reasons == ({"node2": EFFECTS[kind]} if kind in EFFECTS else {})
    assert fault.fired == 1


def test_old_module_says_so(cluster: SimulatedCluster, bridge: Bridge) -> None:
    cluster.faults.add(Fault(kind="old_module", module_version="0.0.1"))
    assert there(bridge.get_node_report("node1")).module_version == "0.0.1"


def test_error_instead_of_an_answer(cluster: SimulatedCluster, bridge: Bridge) -> None:
    error = invalid_group_state("web01", "StopClusterGroupCommand", target="web01")
    cluster.faults.add(Fault(kind="error", command="Stop-BorgClusterRole", error=error))
    with pytest.raises(CommandFailed) as caught:
        bridge.stop_role("node1", vm_id=cluster.find_vm("web01"), timeout_second=10)
    assert caught.value.fields["code"] == "0x8007139F"
    assert caught.value.fields["category"] == "InvalidOperation"


@pytest.mark.parametrize("moment", ["change_before", "change_after"])
def test_world_changes_around_a_command(cluster: SimulatedCluster, bridge: Bridge, moment: str) -> None:
    vm_id = cluster.find_vm("web01")
    cluster.faults.add(Fault(kind=moment, change=lambda world: world.migrate(vm_id, "node3")))
    first, second = (there(bridge.get_vm_state("node1", vm_id=vm_id)) for _ in range(2))
    assert (first.registration is None) == (moment == "change_before")
    assert second.registration is None
    assert there(bridge.get_vm_state("node3", vm_id=vm_id)).registration is not None


def test_cluster_name_moves_with_the_core_group(cluster: SimulatedCluster, bridge: Bridge) -> None:
    assert there(bridge.get_report("hv")).answered_by == "node1"
    cluster.move_core_group("node3")
    report = there(bridge.get_report("hv"))
    assert (report.answered_by, report.core_owner) == ("node3", "node3")


def test_a_node_that_dies_takes_its_name_away_and_comes_back(cluster: SimulatedCluster, bridge: Bridge) -> None:
    cluster.node_down("node1")
    assert isinstance(bridge.get_node_report("node1"), Lost)
    assert {node.name: node.state for node in there(bridge.get_report("node2")).nodes}["node1"] == "Down"
    cluster.node_up("node1")
    assert isinstance(bridge.get_node_report("node1"), NodeReport)


def test_all_nodes_are_asked_at_once(cluster: SimulatedCluster, bridge: Bridge) -> None:
    with ThreadPoolExecutor(9) as pool:
        answers = list(pool.map(bridge.get_node_report, cluster.node_names * 4))
    assert [there(answer).node for answer in answers] == list(cluster.node_names * 4)


def test_names_survive_from_the_cluster_to_the_core(cluster: SimulatedCluster, bridge: Bridge) -> None:
    names = [vm.name for node in cluster.node_names for vm in there(bridge.get_node_report(node)).vms]
    assert sorted(names) == sorted(["web01", "chained", "web[1]* `$(x)' \U0001f600", "NO", "twin", "twin"])


def test_configuration_file_leads_to_the_cluster(
    cluster: SimulatedCluster, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remoting = {
        "auth": "ntlm",
        "username": nodes.username,
        "password": "{env CLUSTER_PASSWORD}",
        "port": nodes.port,
        "ca": str(nodes.ca),
        "addresses": dict(nodes.addresses),
    }
    file = tmp_path / "config.yaml"
    # JSON is YAML, too
    mounts = [{"windows": cluster.volume_path("Volume1"), "path": str(cluster.volume_folder("Volume1"))}]
    file.write_text(json.dumps({"cluster": "hv.example.test", "remoting": remoting, "mounts": mounts}), encoding="utf-8")
    monkeypatch.setenv("CLUSTER_PASSWORD", nodes.password)
    target = real_target(file, "web01")
    assert isinstance(target.bridge.get_report(target.entry), ClusterReport)
    assert target.changeable_vm()[1].name == "web01"
