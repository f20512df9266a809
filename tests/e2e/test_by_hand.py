"""Borg in a script, exactly as the README says; and what is left when `snapshot open` is killed."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from borg_cluster.shipped import shipped
from borg_cluster.simulator import story
from borg_cluster.simulator.faults import Fault
from tests.e2e.conftest import Shop

README = Path(__file__).parents[2] / "README.md"


def script() -> str:
    """Return the README's script, for the job that this site has."""
    (found,) = re.findall(r"```sh\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found.count(" nightly") == 2
    return str(found).replace(" nightly", " one")


def frozen(shop: Shop) -> int:
    return sum(len(machine.definition.snapshots()) for machine in shop.cluster.state.machines)


@pytest.fixture
def environment(shop: Shop, tmp_path: Path) -> dict[str, str]:
    """Where a script finds the two hooks, borg and borg-cluster."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("borg_pre.sh", "borg_post.sh"):
        shutil.copy(shipped("hooks") / name, folder)
    path = os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**shop.environment, **shop.site.borg_environment, "PATH": path}


def test_a_script_as_the_readme_has_it_archives_what_is_frozen(shop: Shop, environment: dict[str, str]) -> None:
    done = subprocess.run(["sh", "-c", script()], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (archive,) = shop.site.borg("list", "--short").decode().split()
    vm_id = shop.cluster.find_vm(story.QUOTED)
    files = shop.site.files_of(archive)
    assert any(path.lower().endswith(f"{vm_id}.vmcx") for path in files)
    assert any(path.endswith(".vhdx") for path in files)
    kinds = [str(entry["what"]) for entry in shop.cluster.log if entry["kind"] == "command"]
    assert kinds.count("New-BorgClusterSnapshot") == kinds.count("Remove-BorgClusterSnapshot") == 1
    assert frozen(shop) == 0
    shop.site.repository.rename(shop.site.folder / "gone")
    failed = subprocess.run(["sh", "-c", script()], env=environment, capture_output=True, text=True, check=False)
    assert failed.returncode == 2, "borg's own code"
    assert frozen(shop) == 0


def test_opening_that_was_killed_is_closed_all_the_same(shop: Shop, environment: dict[str, str]) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    fault = Fault(
        kind="change_after", command="New-BorgClusterSnapshot", change=lambda _: os.kill(processes[0].pid, signal.SIGKILL)
    )
    shop.cluster.faults.add(fault)
    line = [sys.executable, "-m", "borg_cluster", "snapshot", "open", "--job", "one", "--owner", str(os.getpid())]
    processes.append(subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    output = processes[0].communicate(timeout=100)[0].decode()
    assert (fault.fired, processes[0].returncode) == (1, -signal.SIGKILL), output
    assert frozen(shop) == 1
    closed = shop.run("--json", "snapshot", "close", "--job", "one")
    assert (closed.code, closed.document["ended"]) == (0, 1), closed.err
    assert frozen(shop) == 0
    assert not list((shop.site.folder / "state" / "runs").rglob("*.jsonl"))
    assert shop.run("snapshot", "open", "--job", "one", "--max-age", "soon").code == 64
