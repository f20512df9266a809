"""Simulated nodes to talk to."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from borg_cluster import remoting
from borg_cluster.core.policy import RemotingSettings
from borg_cluster.simulator.wire import Nodes, serve
from tests.wire.echo import EchoCluster

Open = Callable[..., AbstractContextManager[remoting.Session]]


def settings_for(nodes: Nodes, **changes: Any) -> RemotingSettings:
    """Return settings with which these nodes are reached; timeouts are short, but far longer than an answer takes."""
    settings = RemotingSettings(
        auth="ntlm",
        username=nodes.username,
        password="{env UNUSED}",
        port=nodes.port,
        ca=str(nodes.ca),
        configuration_name=nodes.configuration_name,
        bootstrap=False,
        addresses=dict(nodes.addresses),
        connection_timeout=20,
        read_timeout=30,
        operation_timeout=20,
        deadline=60,
        nodes_at_once=4,
    )
    return replace(settings, **changes)


@pytest.fixture
def echo() -> EchoCluster:
    return EchoCluster()


@pytest.fixture
def nodes(echo: EchoCluster, tmp_path: Path) -> Iterator[Nodes]:
    with serve(echo, folder=tmp_path) as served:
        yield served


@pytest.fixture
def settings(nodes: Nodes) -> RemotingSettings:
    return settings_for(nodes)


@pytest.fixture
def open_node(nodes: Nodes) -> Open:
    """Return a function that opens a session: ``open_node("node1", deadline=3)``, with settings changed by keywords."""

    def open_it(name: str = "node1", *, password: str | None = None, **changes: Any) -> AbstractContextManager[remoting.Session]:
        settings = settings_for(nodes, **changes)
        address = remoting.address_of(settings, name)
        return remoting.open_session(settings, node=name, address=address, password=password or nodes.password)

    return open_it
