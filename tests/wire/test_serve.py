"""What serving leaves behind: nothing; and what it never shows: secrets."""

import gc
import logging
import os
import socket
import threading
from pathlib import Path

import pytest

from borg_cluster import remoting
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.wire import Nodes, serve
from tests.wire.conftest import Open, settings_for
from tests.wire.echo import EchoCluster


def test_threads_sockets_and_the_environment_are_as_before(echo: EchoCluster, tmp_path: Path) -> None:
    before = (set(threading.enumerate()), os.environ.get("NTLM_USER_FILE"))
    echo.faults.add(Fault(kind="freeze"))
    with serve(echo, folder=tmp_path) as nodes:
        idle = socket.create_connection((nodes.addresses["node2"], nodes.port))
        settings = settings_for(nodes, read_timeout=2, operation_timeout=2)
        with (
            pytest.raises(remoting.RemotingError, match="no answer in time"),
            remoting.open_session(settings, node="node1", address=nodes.addresses["node1"], password=nodes.password) as session,
        ):
            session.invoke("Get-BorgClusterReport", {})
    with idle:
        assert idle.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((nodes.addresses["node1"], nodes.port))
    assert (set(threading.enumerate()), os.environ.get("NTLM_USER_FILE")) == before
    # an unclosed socket would be an error here
    gc.collect()


def test_two_clusters_side_by_side(echo: EchoCluster, tmp_path: Path) -> None:
    def ask(nodes: Nodes, password: str) -> str:
        address = nodes.addresses["node1"]
        with remoting.open_session(settings_for(nodes), node="node1", address=address, password=password) as session:
            return session.invoke("Get-BorgClusterReport", {})

    with serve(echo, folder=tmp_path / "one") as one:
        with serve(echo, folder=tmp_path / "two") as two:
            assert not set(one.addresses.values()) & set(two.addresses.values())
            assert ask(one, one.password) == ask(two, two.password)
            with pytest.raises(remoting.RemotingError, match="login refused"):
                ask(one, two.password)
        assert ask(one, one.password)


def test_many_nodes(tmp_path: Path) -> None:
    cluster = EchoCluster()
    cluster.node_names = tuple(f"node{number}" for number in range(1, 65))
    with serve(cluster, folder=tmp_path) as nodes:
        settings = settings_for(nodes)
        address = remoting.address_of(settings, "node64")
        with remoting.open_session(settings, node="node64", address=address, password=nodes.password) as session:
            assert '"node": "node64"' in session.invoke("Get-BorgClusterReport", {})


def test_clients_that_speak_something_else_do_no_harm(nodes: Nodes, open_node: Open) -> None:
    for words in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 300):
        with socket.create_connection((nodes.addresses["node1"], nodes.port)) as client:
            client.sendall(words)
    with open_node() as session:
        assert session.invoke("Get-BorgClusterReport", {})


def test_no_secret_is_logged(nodes: Nodes, open_node: Open, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with open_node() as session:
        session.invoke("Get-BorgClusterVMState", {"VMId": "a parameter"})
    assert nodes.password not in caplog.text
    assert "a parameter" not in caplog.text


def test_no_secret_is_shown(nodes: Nodes) -> None:
    assert nodes.password not in repr(nodes)
    assert (nodes.ca.parent / "node1.pem").stat().st_mode & 0o077 == 0
