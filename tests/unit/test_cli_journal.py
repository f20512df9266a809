"""What reaches the journal, by a socket of the test's own."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster.cli.systemd_journal import Journal, is_our_stderr
from borg_cluster.core import event as events
from borg_cluster.core.event import Event
from tests.unit.test_cli_sinks import EVERY_EVENT, FAILED, FINISHED, HOSTILE, STARTED

RUN = events.RunStarted(run_id="r-1", cluster="hv", verb="run")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "socket"))
        opened.settimeout(5)
        yield opened


def journal(folder: Path, missed: list[Event], *, verbosity: int = 1) -> Journal:
    return Journal(missed.append, verbosity=verbosity, names={}, path=folder / "socket")


def received(server: socket.socket) -> dict[str, str]:
    """Read one datagram, as the journal does."""
    data, found = server.recv(65536), {}
    while data:
        name, _, data = data.partition(b"\n")
        size = int.from_bytes(data[:8], "little")
        found[name.decode()] = data[8 : 8 + size].decode()
        assert data[8 + size : 9 + size] == b"\n"
        data = data[9 + size :]
    return found


def test_an_archive_has_its_fields_whatever_the_vm_is_called(server: socket.socket, tmp_path: Path) -> None:
    missed: list[Event] = []
    show = journal(tmp_path, missed)
    found = []
    for event in (RUN, STARTED, FINISHED):
        show(event)
        found.append(received(server))

    assert found[2] == {
        "MESSAGE": r"done      web[1]* [red]\x1b[31m\n  3.0 MiB read, 1.0 MiB stored, 1.2 s",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "borg-cluster",
        "RUN_ID": "r-1",
        "VM": HOSTILE,
        "VM_ID": "id-1",
        "NODE": "node1",
        "ARCHIVE": "hv-id-1",
    }
    assert missed == []


def test_a_volume_is_one_and_a_failure_an_error(server: socket.socket, tmp_path: Path) -> None:
    show = journal(tmp_path, [])
    show(EVERY_EVENT[7])
    volume = received(server)
    show(FAILED)
    failure = received(server)

    assert (volume["VOLUME"], volume["PRIORITY"], "VM" in volume) == ("Volume1", "4", False)
    assert (failure["VM"], failure["PRIORITY"], "NODE" in failure) == ("db01", "3", False)


def test_every_event_that_has_a_line_is_sent_once(server: socket.socket, tmp_path: Path) -> None:
    missed: list[Event] = []
    show = journal(tmp_path, missed)
    for event in EVERY_EVENT:
        show(event)
        if not isinstance(event, events.Progress):
            assert received(server)["MESSAGE"]
    server.setblocking(False)
    with pytest.raises(BlockingIOError):
        server.recv(1)

    assert missed == []


def test_long_text_is_cut_rather_than_lost(server: socket.socket, tmp_path: Path) -> None:
    journal(tmp_path, [])(events.Warned(subject="s", message="m" * 200_000, hint=None))

    assert len(received(server)["MESSAGE"]) == 8192


def test_without_a_journal_the_terminal_has_it(tmp_path: Path) -> None:
    missed: list[Event] = []
    journal(tmp_path, missed)(FAILED)

    assert missed == [FAILED]


def test_only_a_stderr_that_is_the_journals_counts(tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("w", encoding="utf-8") as file:
        found = os.fstat(file.fileno())
        ours = {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}

        assert is_our_stderr(ours, descriptor=file.fileno())
        assert not is_our_stderr({"JOURNAL_STREAM": f"{found.st_dev}:1"}, descriptor=file.fileno())
        assert not is_our_stderr({}, descriptor=file.fileno())


def test_archives_that_are_made_at_the_same_time_keep_their_own_nodes(server: socket.socket, tmp_path: Path) -> None:
    other = replace(STARTED, subject="id-2", name="db01", node="node2", archive="hv-id-2")
    show = journal(tmp_path, [], verbosity=0)  # where nothing is said of their beginnings
    for event in (RUN, STARTED, other):
        show(event)
    show(events.Warned(subject="id-1", message="slow", hint=None))
    warned = received(server)
    show(replace(FAILED, subject="id-2", name="db01", refused=False))
    failed = received(server)
    show(FINISHED)
    finished = received(server)

    assert (warned["VM"], warned["VM_ID"], warned["RUN_ID"]) == (HOSTILE, "id-1", "r-1")
    assert (failed["VM_ID"], failed["NODE"]) == ("id-2", "node2")
    assert (finished["VM_ID"], finished["NODE"]) == ("id-1", "node1")
