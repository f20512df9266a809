"""Ways to log in, and what a login may do."""

import importlib.util
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pypsrp.wsman
import pytest
from cryptography.hazmat.primitives import serialization

from borg_cluster import remoting
from borg_cluster.bridge import Bridge, Lost
from borg_cluster.remoting import Kind, RemotingError
from borg_cluster.simulator.certificates import Authority
from borg_cluster.simulator.commands import COMMANDS
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.wire import Nodes, serve
from tests.wire.conftest import settings_for
from tests.wire.echo import EchoCluster

REPORT = "Get-BorgClusterReport"
Enter = Callable[..., AbstractContextManager[remoting.Session]]


@pytest.fixture
def enter(nodes: Nodes) -> Enter:
    """Return a function that opens a session by the settings given and no others."""

    def open_it(*, password: str | None = None, **login: Any) -> AbstractContextManager[remoting.Session]:
        settings = settings_for(nodes, **{"username": None, "password": None, **login})
        return remoting.open_session(settings, node="node1", address=nodes.addresses["node1"], password=password)

    return open_it


def refused(opened: AbstractContextManager[remoting.Session]) -> RemotingError:
    """Return the one-line error of a login that must not succeed."""
    with pytest.raises(RemotingError) as caught, opened as session:
        session.invoke(REPORT, {})
    assert caught.value.kind is Kind.AUTH
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("auth", ["ntlm", "negotiate", "basic"])
def test_a_password(nodes: Nodes, enter: Enter, auth: str) -> None:
    for account in nodes.accounts.values():
        with enter(auth=auth, username=account.username, password=account.password) as session:
            assert session.invoke(REPORT, {})


def test_one_user_does_not_have_the_password_of_another(nodes: Nodes, enter: Enter) -> None:
    reader, backup = nodes.accounts["Reader"], nodes.accounts["Backup"]
    for auth in ("ntlm", "negotiate", "basic"):
        refused(enter(auth=auth, username=reader.username, password=backup.password))


def test_a_user_of_another_cluster_is_unknown(nodes: Nodes, tmp_path: Path) -> None:
    with serve(EchoCluster(), folder=tmp_path / "other") as other:
        settings = settings_for(nodes, username=other.username)
        address = nodes.addresses["node1"]
        refused(remoting.open_session(settings, node="node1", address=address, password=other.password))


def test_a_certificate(nodes: Nodes, enter: Enter) -> None:
    with enter(auth="certificate", certificate=str(nodes.certificates["Backup"])) as session:
        assert session.invoke("New-BorgClusterClaim", {})
        with pytest.raises(RemotingError, match="it has no command Stop-BorgClusterVM"):
            session.invoke("Stop-BorgClusterVM", {})


def test_a_certificate_whose_key_has_a_password(nodes: Nodes, enter: Enter, tmp_path: Path) -> None:
    pem = nodes.certificates["Reader"].read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    kind = serialization.PrivateFormat.PKCS8
    locked = key.private_bytes(serialization.Encoding.PEM, kind, serialization.BestAvailableEncryption(b"key word"))
    (tmp_path / "key.pem").write_bytes(locked)
    login = {
        "auth": "certificate",
        "certificate": str(nodes.certificates["Reader"]),
        "certificate_key": str(tmp_path / "key.pem"),
    }
    with enter(**login, password="key word") as session:
        assert session.invoke(REPORT, {})
    for wrong in ("another", None):
        assert "no login with the certificate" in refused(enter(**login, password=wrong)).message


def test_a_certificate_that_is_not_there_is_told_by_its_file(enter: Enter) -> None:
    error = refused(enter(auth="certificate", certificate="/nowhere/me.pem"))
    assert error.message == "node1: no login with the certificate /nowhere/me.pem: no such file or directory"
    assert "remoting: certificate:" in str(error.hint)


def test_a_certificate_and_a_key_that_do_not_fit(nodes: Nodes, enter: Enter) -> None:
    one, other = (str(nodes.certificates[role]) for role in ("Reader", "Backup"))
    assert "key values mismatch" in refused(enter(auth="certificate", certificate=one, certificate_key=other)).message


def test_a_certificate_of_an_unknown_authority(nodes: Nodes, enter: Enter, tmp_path: Path) -> None:
    strange = Authority(tmp_path, name="strange").issue_user(nodes.username)
    error = refused(enter(auth="certificate", certificate=str(strange)))
    assert error.message == f"node1: the certificate {strange} is refused"


def test_a_certificate_of_nobody(nodes: Nodes, enter: Enter, tmp_path: Path) -> None:
    """A node's own certificate is of the right authority, but no user's."""
    error = refused(enter(auth="certificate", certificate=str(nodes.ca.parent / "node2.pem")))
    assert "must map it to a user" in str(error.hint)


def test_a_certificate_without_its_header_is_no_login(nodes: Nodes, enter: Enter) -> None:
    """As on Windows: TLS alone logs nobody in."""
    error = refused(enter(auth="basic", username=nodes.username, password="wrong"))
    assert "login refused" in error.message


def test_basic_never_leaves_without_tls(nodes: Nodes) -> None:
    heard = []
    with socket.create_server((nodes.addresses["node1"], 0)) as listener:

        def listen() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(10000))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=listen)
        thread.start()
        settings = settings_for(nodes, auth="basic", port=listener.getsockname()[1])
        opened = remoting.open_session(settings, node="node1", address=nodes.addresses["node1"], password=nodes.password)
        with pytest.raises(RemotingError) as caught, opened:
            pass
        thread.join()
    assert caught.value.kind is Kind.TLS
    assert b"Authorization" not in heard[0]
    # a TLS handshake
    assert heard[0].startswith(b"\x16\x03")


@pytest.mark.skipif(
    importlib.util.find_spec("gssapi") is not None, reason="Kerberos is installed: tests/lanes/kerberos tells more"
)
def test_kerberos_that_is_not_installed_is_no_ntlm(nodes: Nodes, enter: Enter, echo: EchoCluster) -> None:
    error = refused(enter(auth="kerberos", username=nodes.username, password=nodes.password))
    assert error.message == "node1: no login with kerberos: the package gssapi is not installed"
    assert "borg-cluster[kerberos]" in str(error.hint)
    assert echo.executed == []


def test_credssp_that_is_not_installed_is_said(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("No module named 'requests_credssp'")

    monkeypatch.setattr(pypsrp.wsman, "HttpCredSSPAuth", missing)
    error = refused(enter(auth="credssp", username="u", password="p"))
    assert error.message == "node1: no login with credssp: the package requests-credssp is not installed"
    assert error.hint == "pip install 'borg-cluster[credssp]', or set remoting: auth:"


@pytest.fixture
def delegating(echo: EchoCluster, tmp_path: Path) -> Iterator[Nodes]:
    with serve(echo, folder=tmp_path / "credssp", credssp=True) as served:
        yield served


def test_credssp_where_both_sides_name_it(nodes: Nodes, delegating: Nodes, enter: Enter) -> None:
    pytest.importorskip("requests_credssp")
    settings = settings_for(delegating, auth="credssp")
    address = delegating.addresses["node1"]
    with remoting.open_session(settings, node="node1", address=address, password=delegating.password) as session:
        assert session.invoke(REPORT, {})
    refused(remoting.open_session(settings, node="node1", address=address, password="wrong"))
    # where the node has it switched off, as Windows has it
    refused(enter(auth="credssp", username=nodes.username, password=nodes.password))


@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
def test_credssp_is_never_chosen(delegating: Nodes, auth: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pypsrp.wsman, "HttpCredSSPAuth", None)
    settings = settings_for(delegating, auth=auth)
    address = delegating.addresses["node1"]
    with remoting.open_session(settings, node="node1", address=address, password=delegating.password) as session:
        assert session.invoke(REPORT, {})


@pytest.mark.parametrize("role", ["Reader", "Backup", "Restore"])
def test_a_role_has_its_commands_and_those_of_the_roles_before_it(
    nodes: Nodes, enter: Enter, echo: EchoCluster, role: str
) -> None:
    account = nodes.accounts[role]
    theirs = {"Reader": 1, "Backup": 2, "Restore": 3}
    echo.answers = {command: lambda *_: "{}" for command in COMMANDS}
    with enter(auth="ntlm", username=account.username, password=account.password) as session:
        for name, command in COMMANDS.items():
            if theirs[command.role] <= theirs[role]:
                assert session.invoke(name, {}) == "{}"
                continue
            with pytest.raises(RemotingError) as caught:
                session.invoke(name, {})
            # as JEA has it: the command is not forbidden, it isn't there
            assert caught.value.kind is Kind.MISSING_COMMAND
            assert "role lacks it" in str(caught.value.hint)
    assert {COMMANDS[name].role for _, name in echo.executed} == {one for one in theirs if theirs[one] <= theirs[role]}


def test_a_role_that_lacks_a_command_is_lost_not_an_exception(nodes: Nodes) -> None:
    reader = nodes.accounts["Reader"]
    bridge = Bridge(settings_for(nodes, username=reader.username), domain="example.test", secret=lambda _: reader.password)
    lost = bridge.remove_role("node1", vm_id="0b2f3a44-5c6d-4e7f-8a9b-0c1d2e3f4a5b")
    assert isinstance(lost, Lost)
    assert lost.message == "node1.example.test: it has no command Remove-BorgClusterRole"


def test_a_login_that_the_node_refuses_now(nodes: Nodes, enter: Enter, echo: EchoCluster) -> None:
    fault = echo.faults.add(Fault(kind="refuse_login"))
    error = refused(enter(auth="certificate", certificate=str(nodes.certificates["Reader"])))
    assert "the node must map the certificate to a user" in str(error.hint)
    assert fault.fired == 1


def test_a_node_that_points_elsewhere_is_not_followed(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And ~/.netrc gives no login of its own."""
    (tmp_path / ".netrc").write_text(f"default login {nodes.username} password {nodes.password}\n", encoding="utf-8")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    settings = settings_for(nodes, auth="certificate", username=None, certificate=str(nodes.certificates["Reader"]))
    with remoting.open_session(settings, node="node1", address=nodes.addresses["node1"], password=None) as session:
        session.invoke(REPORT, {})
        with pytest.raises(RemotingError, match="it has no command"):
            session.invoke("Stop-BorgClusterVM", {})
    assert os.environ["NETRC"] in sys.modules["os"].environ.values()
