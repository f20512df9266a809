"""run, with a job that looks, two repositories that share the VMs, and a summary of what changed: over the real wire."""

import os
import signal
import subprocess
import sys

import pytest

from borg_cluster.simulator import story
from borg_cluster.simulator.faults import Fault
from tests.e2e.conftest import Shop

JOBS = """
  shared:
    kind: virtual_machines
    repositories: ["*"]
    assign: [{repository: second, name: "sql*"}, {repository: main, name: "O'Brien*"}]
    select: {include: [{name: "O'Brien*"}, {name: sql01}]}
  look:
    kind: discovery
    frequency: 1h
checks: []
compact: {frequency: 1 year}
"""


@pytest.fixture
def twin(shop: Shop) -> Shop:
    """The shop with a second repository, and a job that shares two VMs out."""
    text, _, _ = shop.site.configuration.read_text(encoding="utf-8").partition("\njobs:\n")
    second = shop.site.folder / "second"
    text = text.replace("    label: main\n", f"    label: main\n  - path: '{second}'\n    label: second\n", 1)
    shop.site.configuration.write_text(f"{text}\njobs:{JOBS}", encoding="utf-8")
    done = shop.run("repo-create", "second")
    assert done.code == 0, done.err
    return shop


def test_a_look_is_a_job_and_the_next_run_tells_what_was_done_about_each_change(twin: Shop) -> None:
    first = twin.ask("run")
    assert [(job["job"], job["due"], job["done"]) for job in first["jobs"]] == [("shared", True, 2), ("look", True, 1)]
    assert first["changes"] == []
    placed = {one["name"]: one["repository"] for one in twin.ask("list")["archives"]}
    assert placed == {story.QUOTED: "main", "sql01": "second"}

    vm_id = twin.cluster.find_vm("sql01")
    before = next(machine.node for machine in twin.cluster.state.machines if machine.id == vm_id)
    after = next(node for node in twin.cluster.node_names if node != before)
    twin.cluster.migrate(vm_id, after)
    looked = twin.run("run", "look")
    assert looked.code in {0, 1}, looked.err
    assert "the cluster was asked" in looked.out
    assert twin.run("plan", "look").code == 64
    assert "archive" not in looked.out.replace("archived", "")
    assert "migrated" in twin.run("history", "sql01").out, "history knows it before the next backup"

    second = twin.ask("run", "shared")
    (moved,) = second["changes"]  # and nothing that the first run told, or could have
    assert (moved["name"], moved["kind"], moved["was"], moved["now"]) == ("sql01", "migrated", before, after)
    assert moved["treatment"] == "archived"


def test_a_vm_stays_where_it_is_until_it_is_sent_elsewhere(twin: Shop) -> None:
    plan = {one["name"]: one for one in twin.ask("plan", "shared")["archives"]}
    assert plan["sql01"]["repository_reason"] == "by the rule name sql*"
    assert twin.run("create", "shared").code == 0
    text = twin.site.configuration.read_text(encoding="utf-8")
    twin.site.configuration.write_text(text.replace('name: "sql*"', 'name: "other*"'), encoding="utf-8")
    assert {one["name"]: one["repository"] for one in twin.ask("plan", "shared")["archives"]}["sql01"] == "second"

    for lost in (twin.site.folder / "state").glob("catalog.sqlite*"):
        lost.unlink()
    assert twin.run("catalog", "rebuild").code in {0, 1}
    (home,) = twin.ask("assign", "sql01")["assigned"]
    assert (home["repository"], home["reason"]) == ("second", "its archives are there")

    assert twin.run("assign", "sql01", "--to", "nowhere").code == 64
    assert "main" in twin.run("assign", "sql01", "--to", "main").out
    assert {one["name"]: one["repository"] for one in twin.ask("plan", "shared")["archives"]}["sql01"] == "main"
    shown = twin.run("plan", "shared").out
    assert "to main: it was sent there" in shown
    assert twin.run("assign", "--anew").code == 64


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_a_signal_ends_both_repositories_in_order(twin: Shop, number: signal.Signals) -> None:
    processes: list[subprocess.Popen[bytes]] = []
    fault = Fault(
        kind="change_after",
        command="New-BorgClusterSnapshot",
        occurrence=2,
        change=lambda _: os.kill(processes[0].pid, number),
    )
    twin.cluster.faults.add(fault)
    line = [sys.executable, "-m", "borg_cluster", "run", "shared"]
    processes.append(subprocess.Popen(line, env=twin.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    output = processes[0].communicate(timeout=100)[0].decode()
    assert fault.fired == 1, output
    assert processes[0].returncode == 128 + number, output
    assert not [one for machine in twin.cluster.state.machines for one in machine.definition.snapshots()]
    again = twin.run("run", "shared")
    assert again.code == 0, again.err
    assert len(twin.ask("list")["archives"]) == 2


def test_two_runs_at_once_are_refused_by_the_job_s_lock(twin: Shop) -> None:
    second: list[int] = []
    fault = Fault(
        kind="change_after",
        command="New-BorgClusterSnapshot",
        change=lambda _: second.append(
            subprocess.run(
                [sys.executable, "-m", "borg_cluster", "run", "shared"], env=twin.environment, check=False, capture_output=True
            ).returncode
        ),
    )
    twin.cluster.faults.add(fault)
    assert twin.run("run", "shared").code == 0
    assert (fault.fired, second) == (1, [4])
