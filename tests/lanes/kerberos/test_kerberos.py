"""Logins by Kerberos, with a real KDC: what works, and that nothing else is tried where it does not."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from borg_cluster import remoting
from borg_cluster.bridge import Bridge
from borg_cluster.core.policy import RemotingSettings
from borg_cluster.core.report import ClusterReport
from borg_cluster.remoting import Kind, RemotingError
from borg_cluster.simulator.wire import Nodes, serve
from tests.lanes.kerberos.realm import REALM, Realm, running
from tests.wire.conftest import settings_for, simulated_cluster
from tests.wire.echo import EchoCluster

REPORT = "Get-BorgClusterReport"
NODE = "node1.example.test"
UNKNOWN = "node3.example.test"
"""A node that answers, but that the realm has no service for."""

Enter = Callable[..., AbstractContextManager[remoting.Session]]


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with running(tmp_path_factory.mktemp("realm")) as realm, pytest.MonkeyPatch.context() as patch:
        for name, value in realm.environment.items():
            patch.setenv(name, value)
        for name in ("node1", "node2", "hv"):
            realm.add_host(f"{name}.example.test")
        yield realm


@pytest.fixture
def cluster() -> EchoCluster:
    return EchoCluster()


@pytest.fixture
def served(realm: Realm, cluster: EchoCluster, tmp_path: Path) -> Iterator[Nodes]:
    with serve(cluster, folder=tmp_path) as nodes:
        for account in nodes.accounts.values():
            realm.add_user(account.username.partition("@")[0], account.password)
        yield nodes
        realm.drop_tickets()


def kerberos(nodes: Nodes, role: str = "Restore", **changes: Any) -> RemotingSettings:
    """Return settings as the configuration's defaults have them: Kerberos, and a user of the realm."""
    name = nodes.accounts[role].username.partition("@")[0]
    return replace(settings_for(nodes), auth="kerberos", username=f"{name}@{REALM}", **changes)


def enter(settings: RemotingSettings, node: str, password: str | None) -> AbstractContextManager[remoting.Session]:
    return remoting.open_session(settings, node=node, address=remoting.address_of(settings, node), password=password)


def protocol_of(session: remoting.Session) -> str:
    """Return what a login ended as."""
    transport: Any = session._connection.transport
    (context,) = transport.session.auth.contexts.values()
    return str(context.negotiated_protocol)


def refused(opened: AbstractContextManager[remoting.Session]) -> RemotingError:
    with pytest.raises(RemotingError) as caught, opened as session:
        session.invoke(REPORT, {})
    assert caught.value.kind is Kind.AUTH
    assert "\n" not in caught.value.message
    assert caught.value.message.startswith(f"{NODE}: " if NODE in caught.value.message else f"{UNKNOWN}: ")
    return caught.value


def test_a_user_with_a_password(served: Nodes) -> None:
    with enter(kerberos(served), NODE, served.password) as session:
        assert session.invoke(REPORT, {})
        assert protocol_of(session) == "kerberos"


def test_the_ticket_of_whoever_runs_this(realm: Realm, served: Nodes) -> None:
    settings = kerberos(served)
    realm.get_ticket(str(settings.username), served.password)
    for username in (None, settings.username):
        with enter(replace(settings, username=username), NODE, None) as session:
            assert session.invoke(REPORT, {})
            assert protocol_of(session) == "kerberos"


def test_a_role(served: Nodes) -> None:
    with enter(kerberos(served, "Reader"), NODE, served.accounts["Reader"].password) as session:
        assert session.invoke(REPORT, {})
        with pytest.raises(RemotingError, match="it has no command Stop-BorgClusterVM"):
            session.invoke("Stop-BorgClusterVM", {})


def test_a_service_that_the_realm_does_not_know_is_no_reason_for_ntlm(served: Nodes, cluster: EchoCluster) -> None:
    error = refused(enter(kerberos(served), UNKNOWN, served.password))
    assert error.message == f"{UNKNOWN}: no login with kerberos: Server host/{UNKNOWN}@{REALM} not found in Kerberos database"
    assert "setspn" in str(error.hint)
    assert cluster.executed == []


def test_only_negotiate_ends_as_ntlm_there(served: Nodes) -> None:
    settings = replace(kerberos(served), auth="negotiate", username=served.username)
    for node, ends_as in ((UNKNOWN, "ntlm"), (NODE, "kerberos")):
        user = served.username if ends_as == "ntlm" else kerberos(served).username
        with enter(replace(settings, username=user), node, served.password) as session:
            assert session.invoke(REPORT, {})
            assert protocol_of(session) == ends_as


def test_wrong_password(served: Nodes) -> None:
    assert "password:" in str(refused(enter(kerberos(served), NODE, "wrong")).hint)


def test_unknown_user(served: Nodes) -> None:
    settings = replace(kerberos(served), username=f"nobody@{REALM}")
    error = refused(enter(settings, NODE, "password"))
    assert error.message == f"{NODE}: no login with kerberos: Client 'nobody@{REALM}' not found in Kerberos database"


def test_no_ticket(served: Nodes, cluster: EchoCluster) -> None:
    for username in (None, kerberos(served).username):
        error = refused(enter(replace(kerberos(served), username=username), NODE, None))
        assert "kinit" in str(error.hint)
    assert cluster.executed == []


def test_a_realm_that_nobody_knows(served: Nodes) -> None:
    error = refused(enter(replace(kerberos(served), username="backup@ELSEWHERE.TEST"), NODE, "password"))
    assert "krb5.conf" in str(error.hint)


def test_the_bridge_with_the_defaults_of_the_configuration(realm: Realm, tmp_path: Path) -> None:
    cluster = simulated_cluster(tmp_path)
    with serve(cluster, folder=cluster.folder) as nodes:
        realm.get_ticket(realm.add_user(nodes.username.partition("@")[0], nodes.password), nodes.password)
        settings = replace(kerberos(nodes), username=None, password=None)
        bridge = Bridge(settings, domain=cluster.domain, secret=lambda reference: pytest.fail(f"asked for {reference}"))
        assert isinstance(bridge.get_report("hv"), ClusterReport)
    realm.drop_tickets()
