"""Restores over the real wire that are killed, cut off and interrupted, then resumed or undone."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster import extract, journal
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.simulator.faults import Fault
from tests.e2e.restore_site import PLAIN, WEB, Stock, make_stock
from tests.e2e.served_site import Served, serve_site


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture
def served(stock: Stock, tmp_path: Path) -> Iterator[Served]:
    with serve_site(stock, tmp_path) as opened:
        yield opened


def _end_at(served: Served, vm_id: str, number: int, *, command: str, occurrence: int) -> int:
    """Send the product's process a signal when a command has been carried out and before its answer; return how it ended."""
    processes: list[subprocess.Popen[bytes]] = []
    fault = Fault(
        kind="change_after",
        command=command,
        occurrence=occurrence,
        change=lambda _: os.kill(processes[0].pid, number),
    )
    served.site.cluster.faults.add(fault)
    processes.append(served.begin(vm_id))
    output = processes[0].communicate(timeout=100)[0].decode()
    assert fault.fired == 1, output
    return processes[0].returncode


@pytest.mark.parametrize("way", ["resume", "undo"])
@pytest.mark.parametrize(
    ("name", "command", "occurrence"),
    [
        (WEB, "Stop-BorgClusterRole", 1),
        (WEB, "Move-BorgClusterFile", 1),
        (WEB, "Register-BorgClusterVM", 1),
        (PLAIN, "Unregister-BorgClusterVM", 1),
    ],
    ids=["Stop", "Park", "Register", "Unregister-plain"],
)
def test_a_restore_that_is_killed_is_finished_or_taken_back(
    served: Served, way: str, name: str, command: str, occurrence: int
) -> None:
    vm_id, before = served.site.id_of(name), served.site.fingerprint()
    assert _end_at(served, vm_id, signal.SIGKILL, command=command, occurrence=occurrence) == -signal.SIGKILL
    restore_id = served.only_restore()
    assert journal.read(served.context.state, restore_id).in_doubt
    if way == "undo":
        extract.undo(served.context, restore_id)
        assert served.site.fingerprint() == before
        assert served.site.own_files() == []
    else:
        extract.resume(served.context, restore_id)
        assert served.site.fingerprint()["vms"][vm_id] == served.site.then["vms"][vm_id]
        assert served.site.others(vm_id, served.site.fingerprint()) == served.site.others(vm_id, before)
        assert served.site.finished().offline_seconds is not None


def test_a_signal_stops_it_between_steps(served: Served) -> None:
    vm_id, before = served.site.id_of(WEB), served.site.fingerprint()
    assert _end_at(served, vm_id, signal.SIGTERM, command="Remove-BorgClusterRole", occurrence=1) not in {0, 1}
    progress = journal.read(served.context.state, served.only_restore())
    assert not progress.in_doubt
    assert progress.next_step is not None
    assert progress.next_step.kind == "AwaitUnclustered"
    extract.undo(served.context, served.only_restore())
    assert served.site.fingerprint() == before


CHANGES = (
    "New-BorgClusterClaim",
    "Stop-BorgClusterRole",
    "Copy-BorgClusterConfiguration",
    "Remove-BorgClusterRole",
    "Move-BorgClusterFile",
    "Unregister-BorgClusterVM",
    "Register-BorgClusterVM",
    "Grant-BorgClusterVMAccess",
    "Add-BorgClusterRole",
    "Set-BorgClusterRoleSetting",
    "Start-BorgClusterRole",
    "Remove-BorgClusterClaim",
)


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_every_lost_answer_is_looked_for(served: Served, kind: str) -> None:
    """The connection drops at each change, once before it is carried out and once after."""
    vm_id, before = served.site.id_of(WEB), served.site.fingerprint()
    faults = [served.site.cluster.faults.add(Fault(kind=kind, command=command)) for command in CHANGES]
    progress = extract.restore(served.context, RestoreRequest(vm=vm_id))
    assert [fault.command for fault in faults if fault.fired != 1] == []
    assert served.site.fingerprint()["vms"][vm_id] == served.site.then["vms"][vm_id]
    extract.undo(served.context, progress.plan.source.restore_id)
    assert served.site.fingerprint() == before


def test_the_restore_follows_a_role_whose_owner_dies(served: Served) -> None:
    """The node goes down as the answer to the stop is awaited: the role's new owner is asked."""
    vm_id = served.site.id_of(WEB)
    fault = Fault(kind="change_before", command="Stop-BorgClusterRole", change=lambda cluster: cluster.node_down("node2"))
    served.site.cluster.faults.add(fault)
    progress = extract.restore(served.context, RestoreRequest(vm=vm_id))
    assert (progress.outcome, fault.fired) == ("restored", 1)
    after, then = served.site.fingerprint()["vms"][vm_id], served.site.then["vms"][vm_id]
    assert after["disks"] == then["disks"]
    assert after["role"]["state"] == "Online"
    assert after["role"]["owner"] != "node2"
