"""A session that is given the module's own files: those, and no other text."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from borg_cluster import remoting
from borg_cluster.bridge import Bridge
from borg_cluster.core.report import ClusterReport
from borg_cluster.remoting import Kind, RemotingError
from borg_cluster.remoting.bootstrap import module_texts
from borg_cluster.shipped import shipped
from borg_cluster.simulator.commands import COMMANDS
from borg_cluster.simulator.wire import Nodes, serve
from tests.wire.conftest import settings_for, simulated_cluster
from tests.wire.echo import EchoCluster

MODULE = shipped("powershell") / "BorgCluster"
REPORT = "Get-BorgClusterReport"
Full = Callable[..., AbstractContextManager[remoting.Session]]


@pytest.fixture
def nodes(echo: EchoCluster, tmp_path: Path) -> Iterator[Nodes]:
    with serve(echo, folder=tmp_path, bootstrap=MODULE) as served:
        yield served


@pytest.fixture
def full(nodes: Nodes) -> Full:
    """Return a function that opens a full session; ``bootstrap=False`` for one that is given no files."""

    def open_it(role: str = "Restore", *, bootstrap: bool = True, **changes: Any) -> AbstractContextManager[remoting.Session]:
        account = nodes.accounts[role]
        named = {"configuration_name": "Microsoft.PowerShell", "username": account.username, **changes}
        settings = settings_for(nodes, bootstrap=bootstrap, **named)
        return remoting.open_session(settings, node="node1", address=nodes.addresses["node1"], password=account.password)

    return open_it


def test_every_command_is_there_once_the_files_are(full: Full, echo: EchoCluster) -> None:
    echo.answers = {command: lambda *_: "{}" for command in COMMANDS}
    with full() as session:
        assert [session.invoke(command, {}) for command in COMMANDS] == ["{}"] * len(COMMANDS)


def test_each_file_is_sent_as_it_is_the_private_ones_first() -> None:
    files = [*sorted(MODULE.glob("Private/*.ps1")), *sorted(MODULE.glob("Public/*.ps1"))]
    assert [text.encode() for text in module_texts()] == [file.read_bytes().removeprefix(b"\xef\xbb\xbf") for file in files]


def test_a_fresh_session_knows_no_command_of_ours(full: Full, echo: EchoCluster) -> None:
    with full(bootstrap=False) as session, pytest.raises(RemotingError) as caught:
        session.invoke(REPORT, {})
    assert caught.value.kind is Kind.MISSING_COMMAND
    assert echo.executed == []


def test_what_a_session_was_given_ends_with_it(full: Full) -> None:
    with full() as session:
        assert session.invoke(REPORT, {})
    with full(bootstrap=False) as session, pytest.raises(RemotingError, match="it has no command"):
        session.invoke(REPORT, {})


@pytest.mark.parametrize("change", [lambda text: text + " ", lambda text: text + "\nGet-Process", lambda text: text.upper()])
def test_no_other_text_is_taken(full: Full, change: Callable[[str], str]) -> None:
    first, *rest = module_texts()
    with full(bootstrap=False) as session:
        with pytest.raises(RemotingError, match="does not take the module's files: This simulated session takes no text"):
            session.define((*rest, change(first)))
        with pytest.raises(RemotingError, match="it has no command"):
            session.invoke(REPORT, {})


def test_a_module_that_lacks_a_function_is_told_by_its_name(full: Full) -> None:
    texts = tuple(text for text in module_texts() if "function ConvertTo-BorgClusterAnswer" not in text)
    with full(bootstrap=False) as session:
        session.define(texts)
        with pytest.raises(RemotingError) as caught:
            session.invoke(REPORT, {})
    assert caught.value.kind is Kind.MISSING_COMMAND


def test_files_of_an_older_version_are_refused(full: Full, tmp_path: Path) -> None:
    shutil.copytree(MODULE, tmp_path / "old")
    file = tmp_path / "old" / "Public" / f"{REPORT}.ps1"
    file.write_text(file.read_text(encoding="utf-8").replace("SYNOPSIS", "synopsis"), encoding="utf-8")
    with full(bootstrap=False) as session, pytest.raises(RemotingError, match="does not take"):
        session.define(module_texts(tmp_path / "old"))


def test_the_endpoint_takes_no_text_at_all(full: Full) -> None:
    with pytest.raises(RemotingError) as caught, full(configuration_name="BorgCluster"):
        pass
    assert caught.value.kind is Kind.CONFIGURATION
    assert "no-language mode" in caught.value.message
    assert "bootstrap" in str(caught.value.hint)


@pytest.mark.parametrize("role", ["Reader", "Backup"])
def test_a_full_session_is_for_administrators(full: Full, role: str) -> None:
    with pytest.raises(RemotingError) as caught, full(role):
        pass
    assert caught.value.kind is Kind.AUTH


def test_without_the_files_there_is_no_full_session(echo: EchoCluster, tmp_path: Path) -> None:
    with serve(echo, folder=tmp_path / "restricted") as nodes:
        settings = settings_for(nodes, bootstrap=True, configuration_name="Microsoft.PowerShell")
        opened = remoting.open_session(settings, node="node1", address=nodes.addresses["node1"], password=nodes.password)
        with pytest.raises(RemotingError) as caught, opened:
            pass
    assert caught.value.kind is Kind.CONFIGURATION


def test_the_bridge_asks_a_cluster_without_the_endpoint(tmp_path: Path) -> None:
    cluster = simulated_cluster(tmp_path)
    with serve(cluster, folder=cluster.folder, bootstrap=MODULE) as nodes:
        settings = settings_for(nodes, bootstrap=True, configuration_name="Microsoft.PowerShell")
        bridge = Bridge(settings, domain=cluster.domain, secret=lambda _: nodes.password)
        assert isinstance(bridge.get_report("hv"), ClusterReport)
