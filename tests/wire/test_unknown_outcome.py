"""A change whose answer was lost may have been made or not: it is told as lost, and it is never sent again."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from borg_cluster.bridge import Bridge, Lost
from borg_cluster.core.vm_state import RoleSetting
from borg_cluster.simulator.commands import COMMANDS, Command
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.wire import Nodes, serve
from borg_cluster.stopping import Stop, Stopped
from tests.wire.conftest import settings_for, simulated_cluster
from tests.wire.echo import EchoCluster
from tests.wire.target import there
from tests.wire.test_bridge import SETTING, VM, _snake

CHANGES = [command for command in COMMANDS.values() if not command.name.startswith("Get-")]


def change(bridge: Bridge, command: Command) -> Any:
    """Call the bridge's method of a command with values that fit."""
    examples: dict[str, object] = {"guid": VM, "string": "TurnOff", "string[]": ("C:\\a",), "int": 1, "bool": True}
    values = {_snake(name): examples[kind.type] for name, kind in command.parameters.items()}
    if "setting" in values:
        values["setting"] = SETTING
    return getattr(bridge, _snake(command.name.replace("BorgCluster", "")))("node1", **values)


def bridge_to(nodes: Nodes, **changes: Any) -> Bridge:
    return Bridge(settings_for(nodes, **changes), domain="example.test", secret=lambda _: nodes.password)


@pytest.mark.parametrize(("kind", "executions"), [("drop_before", 0), ("drop_after", 1), ("refuse_login", 0)])
def test_a_lost_answer_is_lost_and_the_command_is_sent_once(nodes: Nodes, echo: EchoCluster, kind: str, executions: int) -> None:
    bridge = bridge_to(nodes)
    for command in CHANGES:
        echo.executed.clear()
        fault = echo.faults.add(Fault(kind=kind))
        lost = change(bridge, command)
        assert isinstance(lost, Lost), command
        assert lost.reason == ("refused" if kind == "refuse_login" else "unreachable")
        assert echo.executed == [("node1", command.name)] * executions
        assert fault.fired == 1


def test_the_deadline_ends_the_waiting_not_the_command(nodes: Nodes, echo: EchoCluster) -> None:
    """A change that takes longer than its deadline is lost as any other; the node is asked once."""
    echo.faults.add(Fault(kind="freeze"))
    lost = bridge_to(nodes, deadline=2).remove_role("node1", vm_id=VM)
    assert isinstance(lost, Lost)
    assert lost.reason == "timed_out"
    assert echo.executed == []


@pytest.mark.parametrize(("kind", "removed"), [("drop_before", False), ("drop_after", True)])
def test_whether_it_was_made_is_seen_by_looking(tmp_path: Path, kind: str, *, removed: bool) -> None:
    cluster = simulated_cluster(tmp_path)
    vm_id = cluster.find_vm("web01")
    with serve(cluster, folder=cluster.folder) as nodes:
        bridge = Bridge(settings_for(nodes), domain=cluster.domain, secret=lambda _: nodes.password)
        setting = there(bridge.get_role_setting("node1", vm_id=vm_id))
        assert isinstance(setting, RoleSetting)
        there(bridge.stop_role("node1", vm_id=vm_id, timeout_second=60))
        cluster.faults.add(Fault(kind=kind, command="Remove-BorgClusterRole"))
        assert isinstance(bridge.remove_role("node1", vm_id=vm_id), Lost)
        assert (there(bridge.get_vm_state("node2", vm_id=vm_id)).role is None) == removed
        # the step that looked may be taken again, either way
        assert there(bridge.remove_role("node2", vm_id=vm_id)).role is None


def test_a_long_wait_is_given_up_when_all_is_to_end_and_a_change_is_not(nodes: Nodes, echo: EchoCluster) -> None:
    for name, given_up in (("Wait-BorgClusterMerge", True), ("New-BorgClusterSnapshot", False)):
        stop, begun, ended = Stop(), Event(), Event()
        bridge = Bridge(
            settings_for(nodes, operation_timeout=1), domain="example.test", secret=lambda _: nodes.password, stop=stop
        )

        def answer(*_: object, begun: Event = begun, ended: Event = ended) -> str:
            begun.set()
            return str(ended.wait(60))

        echo.answers[name] = answer
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(change, bridge, COMMANDS[name])
            assert begun.wait(60)
            stop.set()
            if given_up:
                with pytest.raises(Stopped):
                    asked.result(60)
                ended.set()
            else:
                ended.set()
                assert isinstance(asked.result(60), Lost), "the answer was waited for, though it is no report"
