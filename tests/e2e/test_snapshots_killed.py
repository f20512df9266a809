"""create over the real wire, killed and cut off while a machine's disks are frozen: the next run leaves nothing behind."""

import os
import signal
import subprocess
import sys

import pytest

from borg_cluster.simulator import story
from borg_cluster.simulator.definition import Definition
from borg_cluster.simulator.faults import Fault
from tests.e2e.conftest import Shop


def definition(shop: Shop) -> Definition:
    vm_id = shop.cluster.find_vm(story.QUOTED)
    (found,) = [machine.definition for machine in shop.cluster.state.machines if machine.id == vm_id]
    return found


def frozen(shop: Shop) -> bool:
    """Return whether a recovery snapshot is there, or its leaves."""
    return any(one.type == "Recovery" for one in definition(shop).checkpoints)


def end_at(shop: Shop, number: int, command: str, occurrence: int) -> int:
    """Send `borg-cluster create` a signal when a command has been carried out and before its answer; return how it ended."""
    processes: list[subprocess.Popen[bytes]] = []
    fault = Fault(kind="change_after", command=command, occurrence=occurrence, change=lambda _: os.kill(processes[0].pid, number))
    shop.cluster.faults.add(fault)
    line = [sys.executable, "-m", "borg_cluster", "create", "one"]
    processes.append(subprocess.Popen(line, env=shop.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    output = processes[0].communicate(timeout=100)[0].decode()
    assert fault.fired == 1, output
    return processes[0].returncode


@pytest.mark.parametrize(
    ("command", "occurrence", "next_one"),
    [("New-BorgClusterSnapshot", 1, ("discover",)), ("Get-BorgClusterSnapshot", 2, ("create", "one"))],
    ids=["frozen, then discover", "read, then create"],
)
def test_what_a_killed_run_froze_is_swept_by_the_next_command(
    shop: Shop, command: str, occurrence: int, next_one: tuple[str, ...]
) -> None:
    paths = definition(shop).disk_paths()
    assert end_at(shop, signal.SIGKILL, command, occurrence) == -signal.SIGKILL
    assert frozen(shop)
    told = shop.run("plan", "one")
    assert "of run" in told.err
    assert "which died" in " ".join(told.err.split())
    assert frozen(shop)
    done = shop.run(*next_one)
    assert done.code in {0, 1}, done.err
    assert "the recovery snapshot that the dead run" in " ".join(done.err.split())
    assert not frozen(shop)
    assert definition(shop).disk_paths() == paths
    if next_one[0] == "discover":
        assert shop.run("create", "one").code == 0
    (archive,) = shop.ask("list")["archives"]
    assert archive["consistency"] == "application"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_snapshot(shop: Shop, number: signal.Signals) -> None:
    assert end_at(shop, number, "Get-BorgClusterSnapshot", 2) == 128 + number
    assert definition(shop).snapshots() == []
    assert shop.run("create", "one").code == 0


def test_a_snapshot_whose_answer_was_lost_is_found(shop: Shop) -> None:
    fault = shop.cluster.faults.add(Fault(kind="drop_after", command="New-BorgClusterSnapshot"))
    done = shop.run("create", "one")
    assert (done.code, fault.fired) == (0, 1), done.err
    assert not frozen(shop)
