"""What pypsrp sees as it comes from the package index, without our remoting."""

import socket
from typing import Any

import pytest
import requests
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from borg_cluster.simulator.failure import CommandError
from borg_cluster.simulator.wire import Nodes
from tests.wire.echo import EchoCluster


@pytest.fixture(autouse=True)
def names_resolve(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for DNS: the cluster's names lead to its addresses."""
    look_up = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **named: Any) -> Any:
        return look_up(nodes.addresses.get(host, host), *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def connect(nodes: Nodes, name: str = "node1.example.test", **changes: Any) -> WSMan:
    how = {"auth": "ntlm", "username": nodes.username, "password": nodes.password, "cert_validation": str(nodes.ca)}
    return WSMan(name, port=nodes.port, no_proxy=True, **{**how, **changes})


def test_runs_a_command(nodes: Nodes) -> None:
    with connect(nodes) as connection, RunspacePool(connection, configuration_name="BorgCluster") as pool:
        shell = PowerShell(pool).add_cmdlet("Get-BorgClusterVMState").add_parameter("VMId", "a")
        (answer,) = shell.invoke()
        assert '"VMId": "a"' in answer
        assert shell.state == PSInvocationState.COMPLETED
        shell.close()
        assert pool.is_alive()


@pytest.mark.parametrize("encryption", ["never", "auto"])
def test_logs_in_by_negotiate(nodes: Nodes, encryption: str) -> None:
    with connect(nodes, auth="negotiate", encryption=encryption) as connection:
        RunspacePool(connection, configuration_name="BorgCluster").open()


def test_scripts_are_refused_as_without_a_language(nodes: Nodes, echo: EchoCluster) -> None:
    with connect(nodes) as connection, RunspacePool(connection, configuration_name="BorgCluster") as pool:
        shell = PowerShell(pool).add_script("Get-BorgClusterReport; Get-Process")
        shell.invoke()
        assert shell.streams.error[0].fq_error == "ScriptsNotAllowed"
    assert echo.executed == []


@pytest.mark.parametrize(
    ("build", "error_id"),
    [
        (lambda shell: shell.add_cmdlet("Get-Process"), "CommandNotFoundException"),
        (lambda shell: shell.add_cmdlet("Get-BorgClusterReport").add_cmdlet("Out-String"), "ScriptsNotAllowed"),
        (
            lambda shell: shell.add_cmdlet("Get-BorgClusterReport").add_argument("x"),
            "PositionalParameterNotFound,Get-BorgClusterReport",
        ),
        (
            lambda shell: shell.add_cmdlet("Get-BorgClusterVMState").add_parameter("VMId", {"a": 1}),
            "ScriptsNotAllowed",
        ),
    ],
)
def test_only_known_commands_with_plain_parameters(nodes: Nodes, echo: EchoCluster, build: Any, error_id: str) -> None:
    with connect(nodes) as connection, RunspacePool(connection, configuration_name="BorgCluster") as pool:
        shell = build(PowerShell(pool))
        shell.invoke()
        assert shell.streams.error[0].fq_error == error_id
    assert echo.executed == []


@pytest.mark.parametrize(
    ("error_id", "state", "had_errors"),
    [
        ("BorgClusterDestinationExists", PSInvocationState.FAILED, True),
        # the trap that remoting has to know: a cmdlet's own errors leave the pipeline completed
        ("InvalidState,Microsoft.HyperV.PowerShell.Commands.StopVM", PSInvocationState.COMPLETED, False),
    ],
)
def test_error_records_look_like_windows(nodes: Nodes, echo: EchoCluster, error_id: str, state: int, had_errors: bool) -> None:
    def fail(node: str, parameters: object) -> str:
        raise CommandError("It went wrong.", error_id, "InvalidOperation", code="5023", target="C:\\a")

    echo.answers["Get-BorgClusterReport"] = fail
    with connect(nodes) as connection, RunspacePool(connection, configuration_name="BorgCluster") as pool:
        shell = PowerShell(pool).add_cmdlet("Get-BorgClusterReport")
        shell.invoke()
        (record,) = shell.streams.error
        assert (shell.state, shell.had_errors) == (state, had_errors)
        assert (record.fq_error, record.category, record.target_name) == (error_id, 7, "C:\\a")
        assert record.exception is not None
        assert record.exception.adapted_properties["HResult"] == 0x8007139F - (1 << 32)
        assert str(record) == "It went wrong."


def test_several_pipelines_of_one_pool(nodes: Nodes) -> None:
    with connect(nodes) as connection, RunspacePool(connection, configuration_name="BorgCluster", max_runspaces=3) as pool:
        shells = [PowerShell(pool).add_cmdlet("Get-BorgClusterVMState").add_parameter("VMId", str(number)) for number in range(3)]
        for shell in shells:
            shell.begin_invoke()
        assert ['"VMId": "0"' in shells[0].end_invoke()[0] for _ in range(1)] == [True]
        assert all(f'"VMId": "{number}"' in shells[number].end_invoke()[0] for number in (2, 1))


def test_another_configuration_name_is_a_fault(nodes: Nodes) -> None:
    with connect(nodes) as connection, pytest.raises(WSManFaultError, match=r"Microsoft\.PowerShell\) was not found"):
        RunspacePool(connection).open()


def test_wrong_password_is_refused(nodes: Nodes) -> None:
    with connect(nodes, password="wrong") as connection, pytest.raises(AuthenticationError):
        RunspacePool(connection, configuration_name="BorgCluster").open()


def test_certificate_is_verified(nodes: Nodes) -> None:
    with connect(nodes, cert_validation=True) as connection, pytest.raises(requests.exceptions.SSLError):
        RunspacePool(connection, configuration_name="BorgCluster").open()


def test_an_action_that_endpoints_lack_is_a_fault(nodes: Nodes) -> None:
    with connect(nodes) as connection, pytest.raises(WSManFaultError, match="no such action"):
        RunspacePool.get_runspace_pools(connection)
