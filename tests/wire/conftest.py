"""Simulated nodes to talk to."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from borg_cluster import config, plugins, remoting
from borg_cluster.bridge import Bridge
from borg_cluster.core.policy import RemotingSettings
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.wire import Nodes, serve
from tests.wire.echo import EchoCluster
from tests.wire.target import Target

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


@pytest.fixture(scope="module")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The cluster of ``--cluster``, or a simulated one with VMs of all sorts."""
    file = request.config.getoption("--cluster")
    if file is not None:
        yield real_target(Path(file), request.config.getoption("--cluster-vm"))
        return
    cluster = simulated_cluster(tmp_path_factory.mktemp("conformance"))
    with serve(cluster, folder=cluster.folder) as served:
        yield Target(
            bridge=Bridge(settings_for(served), domain=cluster.domain, secret=lambda _: served.password),
            settings=settings_for(served),
            domain=cluster.domain,
            password=served.password,
            entry=cluster.name,
            changeable="web01",
            simulated=cluster,
        )
    cluster.check()


def real_target(file: Path, vm: str | None) -> Target:
    """Return the cluster that a configuration file describes."""
    policy, secret = config.load(file), plugins.load(None).secret
    reference = policy.remoting.password
    return Target(
        bridge=Bridge(policy.remoting, domain=policy.domain, secret=secret),
        settings=policy.remoting,
        domain=policy.domain,
        password=None if reference is None else secret(reference),
        entry=policy.cluster,
        changeable=vm,
    )


def simulated_cluster(folder: Path) -> SimulatedCluster:
    """Make a cluster with highly available VMs and others, running and not, with hostile names and a chain of checkpoints."""
    cluster = SimulatedCluster.create(folder / "cluster")
    cluster.pace = 0
    cluster.add_vm("web01", node="node1", disks=(DiskSpec(), DiskSpec()))
    cluster.add_vm("chained", node="node2", volume="Volume2", checkpoints=2)
    cluster.add_vm("web[1]* `$(x)' \U0001f600", node="node2", volume="Volume2", highly_available=False)
    cluster.add_vm("NO", node="node3", highly_available=False, state="Off")
    cluster.add_vm("twin", node="node1")
    cluster.add_vm("twin", node="node3", volume="Volume2")
    return cluster
