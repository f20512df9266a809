"""What the bridge makes of answers and of their absence."""

import inspect
import json
import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from borg_cluster import remoting
from borg_cluster.bridge import ANSWERS, Bridge, Lost, asking
from borg_cluster.core.vm_state import ResourceSetting, RoleSetting, VMState
from borg_cluster.errors import CommandFailed
from borg_cluster.simulator.commands import COMMANDS
from borg_cluster.simulator.failure import CommandError, vm_not_found
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.wire import Nodes
from tests.wire.conftest import settings_for
from tests.wire.echo import EchoCluster

VM = "0b2f3a44-5c6d-4e7f-8a9b-0c1d2e3f4a5b"


def vm_state(**changes: Any) -> dict[str, Any]:
    state = {"schema": 1, "node": "node1", "vm_id": VM, "taken_at": "2026-01-02T03:04:05Z"}
    return {**state, "role": None, "registration": None, "files": [], **changes}


@pytest.fixture
def bridge(nodes: Nodes) -> Bridge:
    return bridge_to(nodes)


def bridge_to(nodes: Nodes, *, asked: list[str] | None = None, **changes: Any) -> Bridge:
    def secret(reference: str) -> str:
        if asked is not None:
            asked.append(reference)
        return nodes.password

    return Bridge(settings_for(nodes, **changes), domain="example.test", secret=secret)


def answer(echo: EchoCluster, command: str, value: object) -> None:
    echo.answers[command] = lambda *_: value if isinstance(value, str) else json.dumps(value)


def test_one_method_for_each_command_of_the_table() -> None:
    methods = {name: method for name, method in inspect.getmembers(Bridge, inspect.isfunction) if not name.startswith("_")}
    assert methods.pop("kept_sessions")
    assert methods.keys() == {_snake(command.replace("BorgCluster", "")) for command in COMMANDS}
    assert list(ANSWERS) == list(COMMANDS)
    for name, command in COMMANDS.items():
        parameters = list(inspect.signature(methods[_snake(name.replace("BorgCluster", ""))]).parameters)
        assert parameters == ["self", "node", *map(_snake, command.parameters)]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=VM)(?=[A-Z])", "_", name.replace("-", "")).lower()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the nodes to which sessions were opened, and '-node' for each that ended."""
    told: list[str] = []
    plain = remoting.open_session

    @contextmanager
    def heard(*arguments: Any, node: str, **named: Any) -> Iterator[remoting.Session]:
        with plain(*arguments, node=node, **named) as session:
            told.append(node)
            try:
                yield session
            finally:
                told.append(f"-{node}")

    monkeypatch.setattr(remoting, "open_session", heard)
    return told


ONE = "node1.example.test"


def test_each_question_has_a_session_of_its_own(bridge: Bridge, echo: EchoCluster, opened: list[str]) -> None:
    answer(echo, "Get-BorgClusterVMState", vm_state())
    for _ in range(2):
        bridge.get_vm_state("node1", vm_id=VM)
    assert opened == [ONE, f"-{ONE}", ONE, f"-{ONE}"]


def test_a_session_is_kept_from_one_question_to_the_next(bridge: Bridge, echo: EchoCluster, opened: list[str]) -> None:
    answer(echo, "Get-BorgClusterVMState", vm_state())

    def fail(*_: object) -> str:
        raise vm_not_found(VM)

    echo.answers["Get-BorgClusterClaim"] = fail
    with bridge.kept_sessions():
        for _ in range(3):
            assert isinstance(bridge.get_vm_state("node1", vm_id=VM), VMState)
            with pytest.raises(CommandFailed):
                bridge.get_claim("node1", vm_id=VM, folder="C:\\ClusterStorage\\Volume1\\.borg-cluster")
        assert opened == [ONE]
    assert opened == [ONE, f"-{ONE}"]


def test_threads_that_ask_at_once_share_no_session(bridge: Bridge, echo: EchoCluster, opened: list[str]) -> None:
    together = threading.Barrier(2, timeout=60)

    def meet(*_: object) -> str:
        together.wait()
        return json.dumps(vm_state())

    echo.answers["Get-BorgClusterVMState"] = meet
    with bridge.kept_sessions(), ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            answers = list(pool.map(lambda _: bridge.get_vm_state("node1", vm_id=VM), range(2)))
            assert all(isinstance(one, VMState) for one in answers)
        assert opened == [ONE, ONE]


def test_a_kept_session_that_broke_is_lost_and_not_used_again(bridge: Bridge, echo: EchoCluster, opened: list[str]) -> None:
    answer(echo, "Get-BorgClusterVMState", vm_state())
    with bridge.kept_sessions():
        bridge.get_vm_state("node1", vm_id=VM)
        fault = echo.faults.add(Fault(kind="drop_before"))
        assert isinstance(bridge.get_vm_state("node1", vm_id=VM), Lost)
        assert isinstance(bridge.get_vm_state("node1", vm_id=VM), VMState)
    assert (fault.fired, opened.count(ONE), opened.count(f"-{ONE}")) == (1, 2, 2)


def test_a_session_that_nobody_used_for_long_is_not_trusted(
    bridge: Bridge, echo: EchoCluster, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(echo, "Get-BorgClusterVMState", vm_state())
    monkeypatch.setattr(asking, "_FRESH", -1.0)
    with bridge.kept_sessions():
        for _ in range(2):
            bridge.get_vm_state("node1", vm_id=VM)
        assert opened == [ONE, f"-{ONE}", ONE]


def test_parameters_arrive_under_their_windows_names(bridge: Bridge, echo: EchoCluster) -> None:
    seen: dict[str, Mapping[str, object]] = {}

    def remember(command: str) -> Any:
        def remembered(node: str, parameters: Mapping[str, object]) -> str:
            seen[command] = parameters
            return "{}"

        return remembered

    echo.answers = {command: remember(command) for command in COMMANDS}
    for name, command in COMMANDS.items():
        method = getattr(bridge, _snake(name.replace("BorgCluster", "")))
        method("node1", **{_snake(parameter): _example(kind.type, parameter) for parameter, kind in command.parameters.items()})
        assert list(seen[name]) == list(command.parameters)


def _example(kind: str, name: str) -> object:
    if name == "Setting":
        return SETTING
    return {"guid": VM, "string": "web[1]*", "string[]": ("C:\\a", "C:\\b"), "int": 1}[kind]


SETTING = RoleSetting(
    schema=1,
    vm_id=VM,
    name="ünï \U0001f600",
    description="",
    properties={"Priority": 3000, "PreferredSite": None},
    preferred_owners=("node2",),
    anti_affinity_class_names=(),
    group_sets=(),
    affinity_rules=(),
    vm_resource=ResourceSetting(
        parameters={"OfflineAction": 1}, properties={"PendingTimeout": None}, possible_owners=(), extra_dependencies=()
    ),
    configuration_resource=None,
)


def test_settings_travel_whole(bridge: Bridge, echo: EchoCluster) -> None:
    def put_back(node: str, parameters: Mapping[str, object]) -> str:
        return json.dumps(
            {"schema": 1, "vm_id": VM, "applied": [], "failed": [], "setting": json.loads(str(parameters["Setting"]))}
        )

    echo.answers["Set-BorgClusterRoleSetting"] = put_back
    result = bridge.set_role_setting("node1", vm_id=VM, setting=SETTING)
    assert not isinstance(result, Lost)
    assert result.setting == SETTING


def test_answers_are_decoded(bridge: Bridge, echo: EchoCluster) -> None:
    file = {"path": "C:\\a", "exists": False, "is_folder": False, "length": None, "modified": None, "in_use": None}
    answer(echo, "Get-BorgClusterVMState", vm_state(files=[file]))
    state = bridge.get_vm_state("node1", vm_id=VM, path=("C:\\a",))
    assert isinstance(state, VMState)
    assert (state.vm_id, state.files[0].path) == (VM, "C:\\a")


def test_paths_that_are_not_asked_for_are_not_sent(bridge: Bridge, echo: EchoCluster) -> None:
    def check(node: str, parameters: Mapping[str, object]) -> str:
        assert dict(parameters) == {"VMId": VM}
        return json.dumps(vm_state())

    echo.answers["Get-BorgClusterVMState"] = check
    assert isinstance(bridge.get_vm_state("node1", vm_id=VM), VMState)


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        (vm_state(schema=2), "node1: its module answers with schema 2, this borg-cluster reads schema 1", "update borg-cluster"),
        (vm_state(schema=0), "node1: its module answers with schema 0, this borg-cluster reads schema 1", "Install-Borg"),
        ({"node": "node1"}, "node1: unreadable answer: schema: Field required", "Install-Borg"),
        ("WARNING: no JSON", "node1: unreadable answer: answer: Invalid JSON", "Install-Borg"),
        ([1], "node1: unreadable answer: answer: Input should be an object", "Install-Borg"),
        (vm_state(files={"path": "x"}), "node1: unreadable answer: files: Input should be a valid array", "Install-Borg"),
        (vm_state(node=1), "node1: unreadable answer: node: Input should be a valid string", "Install-Borg"),
        ({**vm_state(), "schema": "1"}, "node1: unreadable answer: schema: Input should be a valid integer", "Install-Borg"),
    ],
)
def test_unreadable_answers_are_lost(bridge: Bridge, echo: EchoCluster, value: object, message: str, hint: str) -> None:
    answer(echo, "Get-BorgClusterVMState", value)
    lost = bridge.get_vm_state("node1", vm_id=VM)
    assert isinstance(lost, Lost)
    assert lost.reason == "failed"
    assert lost.message.startswith(message)
    assert hint in str(lost.hint)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(kind="drop_before"), "unreachable"),
        (Fault(kind="drop_after"), "unreachable"),
        (Fault(kind="freeze"), "timed_out"),
        (Fault(kind="refuse_login"), "refused"),
    ],
)
def test_faults_of_connections_are_lost(nodes: Nodes, echo: EchoCluster, fault: Fault, reason: str) -> None:
    answer(echo, "Stop-BorgClusterRole", vm_state())
    echo.faults.add(fault)
    bridge = bridge_to(nodes, read_timeout=2, operation_timeout=2)
    lost = bridge.stop_role("node1", vm_id=VM, timeout_second=1)
    assert isinstance(lost, Lost)
    assert (lost.node, lost.reason) == ("node1", reason)
    # the verb looks again, and sees
    assert isinstance(bridge_to(nodes).stop_role("node1", vm_id=VM, timeout_second=1), VMState)


@pytest.mark.parametrize(
    ("changes", "reason", "hint"),
    [
        ({"configuration_name": "Elsewhere"}, "failed", "Install-BorgCluster.ps1 on node1.example.test"),
        ({"ca": None}, "failed", "remoting: ca:"),
        ({"username": "nobody"}, "refused", "remoting: username:"),
        ({"addresses": {}}, "unreachable", "remoting: addresses:"),
    ],
)
def test_wrong_settings_are_lost_with_a_hint(nodes: Nodes, changes: dict[str, Any], reason: str, hint: str) -> None:
    lost = bridge_to(nodes, **changes).get_report("node1")
    assert isinstance(lost, Lost)
    assert lost.reason == reason
    assert hint in str(lost.hint)


def test_node_without_the_module_is_lost(bridge: Bridge, echo: EchoCluster) -> None:
    def refuse(node: str, parameters: object) -> str:
        raise CommandError("The term is not recognized.", "CommandNotFoundException", "ObjectNotFound")

    echo.answers["Get-BorgClusterReport"] = refuse
    lost = bridge.get_report("node1")
    assert isinstance(lost, Lost)
    assert lost.message == "node1.example.test: it has no command Get-BorgClusterReport"


def test_error_record_is_an_error(bridge: Bridge, echo: EchoCluster) -> None:
    def refuse(node: str, parameters: object) -> str:
        raise vm_not_found(VM)

    echo.answers["Register-BorgClusterVM"] = refuse
    with pytest.raises(CommandFailed) as caught:
        bridge.register_vm("node2", vm_id=VM, path="C:\\a.vmcx")
    assert caught.value.fields == {
        "node": "node2",
        "command": "Register-BorgClusterVM",
        "error_id": "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM",
        "category": "InvalidArgument",
        "code": None,
        "target": VM,
    }
    assert VM in caught.value.message


def test_deadline_grows_with_what_the_command_may_take(nodes: Nodes, echo: EchoCluster) -> None:
    never = threading.Event()

    def take_longer_than_a_report_may(node: str, parameters: Mapping[str, object]) -> str:
        never.wait(4)
        return json.dumps(vm_state())

    echo.answers["Stop-BorgClusterRole"] = take_longer_than_a_report_may
    state = bridge_to(nodes, deadline=3, operation_timeout=1).stop_role("node1", vm_id=VM, timeout_second=30)
    assert isinstance(state, VMState)
    assert echo.executed == [("node1", "Stop-BorgClusterRole")]


def test_secret_is_resolved_once_and_only_when_needed(nodes: Nodes) -> None:
    asked: list[str] = []
    bridge = bridge_to(nodes, asked=asked)
    assert asked == []
    bridge.get_report("node1")
    bridge.get_report("node2")
    assert asked == ["{env UNUSED}"]


@pytest.mark.parametrize(
    ("login", "references"),
    [
        ({"auth": "basic"}, ["{terminal USER}"]),
        ({"auth": "negotiate", "username": None}, []),
        ({"auth": "kerberos"}, []),
        ({"auth": "certificate", "username": None, "certificate": "/nowhere.pem"}, []),
    ],
)
def test_without_a_password_a_terminal_is_asked_if_there_is_a_user(
    nodes: Nodes, login: dict[str, Any], references: list[str]
) -> None:
    """But for Kerberos, which has its ticket, and for a certificate, whose key need not have one."""
    asked: list[str] = []
    bridge_to(nodes, asked=asked, password=None, **login).get_report("node1")
    assert asked == [reference.replace("USER", nodes.username) for reference in references]


def test_names_with_a_dot_are_left_as_they_are(nodes: Nodes) -> None:
    bridge = bridge_to(nodes, addresses={})
    for name, asked_for in (("node1", "node1.example.test"), ("node1.other.invalid", "node1.other.invalid")):
        lost = bridge.get_report(name)
        assert isinstance(lost, Lost)
        assert (lost.node, lost.message) == (name, f"{asked_for}: its name has no address")


def test_a_cluster_without_a_domain(nodes: Nodes, echo: EchoCluster) -> None:
    answer(echo, "Get-BorgClusterVMState", vm_state())
    bridge = Bridge(settings_for(nodes), domain=None, secret=lambda _: nodes.password)
    assert isinstance(bridge.get_vm_state("node1", vm_id=VM), VMState)
