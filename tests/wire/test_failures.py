"""Each way to get no answer: one kind, one line, and a hint where something can be done."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster.errors import ExitCode
from borg_cluster.remoting import Kind, RemotingError
from borg_cluster.simulator.certificates import Authority
from borg_cluster.simulator.failure import CommandError
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.wire import Nodes
from tests.wire.conftest import Open
from tests.wire.echo import EchoCluster

REPORT = "Get-BorgClusterReport"


def failure_of(open_node: Open, name: str = "node1", *, command: str = REPORT, **changes: object) -> RemotingError:
    """Return the error of one call."""
    with pytest.raises(RemotingError) as caught, open_node(name, **changes) as session:
        session.invoke(command, {})
    error = caught.value
    assert error.message.startswith(name)
    assert "\n" not in error.message
    assert error.exit_code == ExitCode.ALL_FAILED
    return error


@pytest.fixture
def silent_port(nodes: Nodes) -> Iterator[int]:
    """A port of node1's address that accepts connections and never says a word."""
    with socket.create_server((nodes.addresses["node1"], 0)) as listener:
        yield listener.getsockname()[1]


def test_connection_refused(open_node: Open, nodes: Nodes) -> None:
    with socket.create_server((nodes.addresses["node1"], 0)) as listener:
        port = listener.getsockname()[1]
    error = failure_of(open_node, port=port)
    assert error.kind is Kind.UNREACHABLE
    assert error.message == f"node1: connection refused on port {port}"
    assert error.hint is not None
    assert "winrm" in error.hint


def test_name_without_an_address(open_node: Open) -> None:
    error = failure_of(open_node, "nowhere.invalid")
    assert error.kind is Kind.UNREACHABLE
    assert error.message == "nowhere.invalid: its name has no address"
    assert "addresses:" in str(error.hint)


def test_node_that_is_down(open_node: Open, echo: EchoCluster) -> None:
    echo.down.add("node1")
    error = failure_of(open_node)
    assert error.kind is Kind.UNREACHABLE
    assert error.message.startswith("node1: the connection was lost")
    echo.down.clear()
    with open_node() as session:
        assert session.invoke(REPORT, {})


def test_node_that_goes_down_during_a_command(open_node: Open, echo: EchoCluster) -> None:
    def die(node: str, parameters: object) -> str:
        echo.down.add(node)
        return "never seen"

    echo.answers[REPORT] = die
    assert failure_of(open_node).kind is Kind.UNREACHABLE


def test_node_that_went_down_has_lost_its_sessions(open_node: Open, echo: EchoCluster) -> None:
    with open_node() as session:
        echo.down.add("node1")
        with pytest.raises(RemotingError):
            session.invoke(REPORT, {})
        echo.down.clear()
        with pytest.raises(RemotingError, match="the session is gone") as caught:
            session.invoke(REPORT, {})
    assert caught.value.kind is Kind.UNREACHABLE


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_dropped_connection(open_node: Open, echo: EchoCluster, kind: str) -> None:
    echo.faults.add(Fault(kind=kind, command=REPORT))
    error = failure_of(open_node)
    assert error.kind is Kind.UNREACHABLE
    assert echo.executed == ([] if kind == "drop_before" else [("node1", REPORT)])
    with open_node() as session:
        assert session.invoke(REPORT, {})


def test_frozen_node_times_out_and_is_asked_only_once(open_node: Open, echo: EchoCluster) -> None:
    echo.faults.add(Fault(kind="freeze", command=REPORT))
    begin = time.monotonic()
    error = failure_of(open_node, read_timeout=2, operation_timeout=2)
    assert error.kind is Kind.TIMEOUT
    # pypsrp itself would ask six times, and pause for two minutes in between
    assert time.monotonic() - begin < 60
    assert echo.executed == []


def test_frozen_network_times_out(open_node: Open, silent_port: int) -> None:
    assert failure_of(open_node, port=silent_port, connection_timeout=2, read_timeout=2).kind is Kind.TIMEOUT


def test_deadline_ends_a_command_that_answers_nothing_for_long(open_node: Open, echo: EchoCluster) -> None:
    ended = threading.Event()
    echo.answers[REPORT] = lambda *_: str(ended.wait(60))
    error = failure_of(open_node, deadline=2, operation_timeout=1)
    ended.set()
    assert error.kind is Kind.TIMEOUT
    assert error.message == "node1: no answer in time"


def test_command_longer_than_the_operation_timeout_is_waited_for(open_node: Open, echo: EchoCluster) -> None:
    never = threading.Event()
    echo.answers[REPORT] = lambda *_: str(never.wait(1.5))
    with open_node(operation_timeout=1) as session:
        assert session.invoke(REPORT, {}) == "False"


def test_certificate_of_an_unknown_authority(open_node: Open, tmp_path: Path) -> None:
    other = Authority(tmp_path, name="other")
    for ca in (None, str(other.path)):
        error = failure_of(open_node, ca=ca)
        assert error.kind is Kind.TLS
        assert error.message.startswith("node1: its TLS certificate is not trusted: ")
        assert "remoting: ca:" in str(error.hint)


def test_authority_that_cannot_be_read(open_node: Open, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name, reason in (("missing.pem", "no such file or directory"), ("empty.pem", "no certificate or crl found")):
        error = failure_of(open_node, ca=str(tmp_path / name))
        assert error.kind is Kind.TLS
        assert error.message == f"node1: no authority to trust in {tmp_path / name}: {reason}"
        assert "remoting: ca:" in str(error.hint)


def test_certificate_of_another_name(open_node: Open, nodes: Nodes) -> None:
    error = failure_of(open_node, addresses={"node1": nodes.addresses["node2"]})
    assert error.kind is Kind.TLS
    assert error.message == "node1: its TLS certificate is for another name"


def test_address_instead_of_a_name(open_node: Open, nodes: Nodes) -> None:
    error = failure_of(open_node, nodes.addresses["node1"], addresses={})
    assert error.kind is Kind.TLS


def test_no_tls_on_that_port(open_node: Open, nodes: Nodes) -> None:
    with socket.create_server((nodes.addresses["node1"], 0)) as listener:

        def answer_plainly() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer_plainly)
        thread.start()
        error = failure_of(open_node, port=listener.getsockname()[1])
        thread.join()
    assert error.kind is Kind.TLS


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic"])
def test_wrong_password(open_node: Open, auth: str) -> None:
    error = failure_of(open_node, auth=auth, password="wrong")
    assert error.kind is Kind.AUTH
    assert "login refused" in error.message
    assert "username:" in str(error.hint)


@pytest.mark.parametrize("auth", ["ntlm", "basic"])
def test_unknown_user(open_node: Open, auth: str) -> None:
    assert failure_of(open_node, auth=auth, username="nobody").kind is Kind.AUTH


def test_node_that_refuses_logins(open_node: Open, echo: EchoCluster) -> None:
    fault = echo.faults.add(Fault(kind="refuse_login", node="node1"))
    assert failure_of(open_node).kind is Kind.AUTH
    assert fault.fired == 1
    with open_node() as session:
        assert session.invoke(REPORT, {})


def test_settings_that_no_login_fits(open_node: Open) -> None:
    assert failure_of(open_node, auth="basic", username=None).kind is Kind.AUTH


def test_unknown_configuration_name(open_node: Open) -> None:
    error = failure_of(open_node, configuration_name="Elsewhere")
    assert error.kind is Kind.CONFIGURATION
    assert error.message == "node1: it has no session configuration Elsewhere"
    assert "Install-BorgCluster.ps1" in str(error.hint)


def test_command_that_the_module_lacks(open_node: Open) -> None:
    error = failure_of(open_node, command="Get-BorgClusterFuture")
    assert error.kind is Kind.MISSING_COMMAND
    assert error.message == "node1: it has no command Get-BorgClusterFuture"
    assert "Install-BorgCluster.ps1" in str(error.hint)


@pytest.mark.parametrize(
    ("error_id", "code", "seen"),
    [
        ("BorgClusterSourceMissing", None, None),
        ("InvalidState,Microsoft.HyperV.PowerShell.Commands.StopVM", "0x80070020", "0x80070020"),
        ("ClusterObjectNotFound,Microsoft.FailoverClusters.PowerShell.GetClusterGroupCommand", "5013", "0x80071395"),
    ],
)
def test_any_error_record_fails_the_call(
    open_node: Open, echo: EchoCluster, error_id: str, code: str | None, seen: str | None
) -> None:
    def fail(node: str, parameters: object) -> str:
        raise CommandError("It went\nwrong.", error_id, "ResourceBusy", code=code, target="web[1]*")

    echo.answers[REPORT] = fail
    error = failure_of(open_node)
    assert error.kind is Kind.COMMAND
    assert error.message == f"node1: {REPORT}: It went wrong."
    assert error.fields == {"error_id": error_id, "category": "ResourceBusy", "code": seen, "target": "web[1]*"}


def test_answer_that_is_no_gzip(open_node: Open, echo: EchoCluster) -> None:
    echo.answers[REPORT] = lambda *_: "H4sIAAAAbroken"
    error = failure_of(open_node)
    assert (error.kind, error.message) == (Kind.WSMAN, f"node1: {REPORT}: its compressed answer is damaged")


def test_failure_of_the_simulator_itself_is_an_error_record(open_node: Open, echo: EchoCluster) -> None:
    def fail(node: str, parameters: object) -> str:
        raise KeyError("a mistake")

    echo.answers[REPORT] = fail
    assert failure_of(open_node).fields["error_id"] == "SimulatorFailed"


def test_cluster_name_follows_the_core_group(open_node: Open, echo: EchoCluster) -> None:
    with open_node("hv.example.test") as session:
        assert '"node": "node1"' in session.invoke(REPORT, {})
        echo.core_owner = "node3"
        with pytest.raises(RemotingError, match="the session is gone") as caught:
            session.invoke(REPORT, {})
        assert caught.value.kind is Kind.UNREACHABLE
    with open_node("hv") as session:
        assert '"node": "node3"' in session.invoke(REPORT, {})


def test_cluster_name_without_an_owner(open_node: Open, echo: EchoCluster) -> None:
    echo.down.add(echo.core_owner)
    assert failure_of(open_node, "hv").kind is Kind.UNREACHABLE
    echo.core_owner = ""
    assert failure_of(open_node, "hv").kind is Kind.UNREACHABLE


def test_error_in_the_with_block_is_not_masked_by_closing(open_node: Open, echo: EchoCluster) -> None:
    def fail() -> None:
        with open_node() as session:
            session.invoke(REPORT, {})
            echo.down.add("node1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
