"""A boot proof is killed at each command that it gives; whatever comes next sweeps what is left, and the world is as it was."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from borg_cluster import boot
from borg_cluster.simulator import story
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.fingerprint import fingerprint
from tests.e2e.conftest import Shop, open_shop

VM = story.QUOTED
COMMANDS = (
    "New-BorgClusterClaim",
    "Move-BorgClusterFile",
    "Register-BorgClusterVMCopy",
    "Start-BorgClusterVM",
    "Test-BorgClusterBoot",
    "Stop-BorgClusterVM",
    "Unregister-BorgClusterVM",
    "Remove-BorgClusterRestoreFolder",
)


NEXT = (("verify", VM, "--boot"), ("discover",), ("create", "one"), ("check",), ("run",))
"""What is typed next: each of these after some of the kills."""
CELLS = [(command, kind) for command in COMMANDS for kind in ("change_before", "change_after")]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("boots") / "shop") as opened:
        assert opened.run("create", "one").code == 0
        yield opened


def world(shop: Shop) -> Any:
    return fingerprint(shop.cluster)


@pytest.mark.parametrize(("command", "kind", "following"), [(*cell, NEXT[i % len(NEXT)]) for i, cell in enumerate(CELLS)])
def test_killed_at_a_command_it_leaves_nothing_that_the_next_start_does_not_end(
    saved: Shop, command: str, kind: str, following: tuple[str, ...]
) -> None:
    before = world(saved)
    running: list[subprocess.Popen[bytes]] = []
    fault = Fault(kind=kind, command=command, change=lambda _: os.kill(running[0].pid, signal.SIGKILL))
    saved.cluster.faults.add(fault)
    words = [sys.executable, "-m", "borg_cluster", "verify", VM, "--boot"]
    with subprocess.Popen(words, env=saved.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        running.append(process)
        code = process.wait()
    assert (fault.fired, code) == (1, -signal.SIGKILL)

    done = saved.run(*following)
    assert done.code in {0, 1}, done.err
    assert [one for one in saved.cluster.state.machines if one.definition.name.startswith(boot.MARK)] == [], done.err
    if following[0] not in {"create", "run"}:  # these two have made a snapshot of the VM, which is in its configuration
        assert world(saved) == before
    volumes = [saved.cluster.volume_folder(name) / ".borg-cluster" for name in saved.cluster.volume_names]
    assert [path for folder in volumes for path in folder.rglob("*") if path.is_file()] == []
