"""Two processes and one VM: refused by the claim, named, broken; and a restore that another backup host takes over."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster import journal
from borg_cluster.simulator.faults import Fault
from tests.e2e.restore_site import PLAIN, WEB, Stock, make_stock
from tests.e2e.served_site import Served, go_on, serve_site

pytestmark = pytest.mark.timeout(600)  # processes of their own on a busy machine


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture
def served(stock: Stock, tmp_path: Path) -> Iterator[Served]:
    with serve_site(stock, tmp_path) as opened:
        yield opened


def kill_at(served: Served, command: str, vm_id: str) -> str:
    """Kill a restore here as a command that it gave has been carried out; return the restore's id."""
    processes: list[subprocess.Popen[bytes]] = []
    fault = Fault(kind="change_after", command=command, change=lambda _: os.kill(processes[0].pid, signal.SIGKILL))
    served.site.cluster.faults.add(fault)
    processes.append(served.begin(vm_id))
    output = processes[0].communicate(timeout=110)[0].decode()
    assert (fault.fired, processes[0].returncode) == (1, -signal.SIGKILL), output
    return served.only_restore()


def test_two_restores_of_one_vm_and_a_backup_meanwhile_are_refused_by_name(served: Served) -> None:
    vm_id, before = served.site.id_of(WEB), served.site.fingerprint()
    first = served.stop_at("Set-BorgClusterOfflineAction", "extract", vm_id, "--yes")
    code, output = served.there.run("extract", vm_id, "--yes")
    assert (code, "is claimed by borg-cluster on" in output, f"pid {first.pid}" in output) == (4, True, True), output
    code, output = served.there.run("create", "web")
    assert (code, "is claimed by borg-cluster on" in output) == (2, True), output
    code, output = served.here.run("claim", "break", vm_id, "--yes")
    assert (code, "is alive, and holds it for: restore" in output) == (4, True), output
    code, output = go_on(first)
    assert code in {0, 1}, output  # an answer may have been lost while it stood still
    assert served.site.fingerprint()["vms"][vm_id] == served.site.then["vms"][vm_id]
    assert served.site.others(vm_id, served.site.fingerprint()) == served.site.others(vm_id, before)


def test_a_restore_while_its_backup_runs_is_refused(served: Served) -> None:
    vm_id = served.site.id_of(PLAIN)
    backup = served.stop_at("New-BorgClusterSnapshot", "create", "plain")
    (claim,) = json.loads(served.there.run("--json", "claim", "show")[1])["claims"]
    assert (claim["vm_id"], claim["purpose"], claim["alive"]) == (vm_id, "backup by job plain", False)
    code, output = served.there.run("extract", vm_id, "--yes")
    assert (code, "backup by job plain" in output) == (4, True), output
    assert go_on(backup)[0] in {0, 1}


@pytest.mark.parametrize("way", ["resume", "undo"])
def test_another_host_takes_a_restore_over_only_if_the_user_says_that_its_holder_is_dead(served: Served, way: str) -> None:
    vm_id, before = served.site.id_of(WEB), served.site.fingerprint()
    restore_id = kill_at(served, "Move-BorgClusterFile", vm_id)
    code, output = served.there.run("restores", "--on-volumes")
    assert (code, restore_id in output, "another backup host" in output) == (0, True, True), output
    code, output = served.there.run(way, restore_id)
    assert (code, "may be alive" in output, "--take-over" in output) == (4, True, True), output
    code, output = served.there.run(way, restore_id, "--take-over")
    assert code in {0, 1}, output
    if way == "undo":
        assert served.site.fingerprint() == before
        assert served.site.own_files() == []
    else:
        assert served.site.fingerprint()["vms"][vm_id] == served.site.then["vms"][vm_id]
    code, output = served.here.run("resume", restore_id)
    assert code == 4, "what is over elsewhere is not gone on with here: " + output


def test_the_first_host_goes_on_where_another_one_stopped(served: Served) -> None:
    """Each of them knows from the volume what the other did."""
    vm_id = served.site.id_of(WEB)
    restore_id = kill_at(served, "Stop-BorgClusterRole", vm_id)
    processes: list[subprocess.Popen[bytes]] = []
    served.site.cluster.faults.add(
        Fault(
            kind="change_after",
            command="Register-BorgClusterVM",
            change=lambda _: os.kill(processes[0].pid, signal.SIGKILL),
        )
    )
    processes.append(served.there.begin("resume", restore_id, "--take-over"))
    processes[0].communicate(timeout=110)
    assert processes[0].returncode == -signal.SIGKILL
    code, output = served.here.run("resume", restore_id, "--take-over")
    assert code in {0, 1}, output
    assert "Unregister" in {step.kind for step in journal.read(served.context.state, restore_id).done}
    assert served.site.fingerprint()["vms"][vm_id] == served.site.then["vms"][vm_id]


def test_a_claim_is_shown_with_its_holder_and_broken_on_demand(served: Served) -> None:
    vm_id = served.site.id_of(PLAIN)
    assert "Nobody works on any virtual machine" in served.there.run("claim", "show")[1]
    kill_at(served, "Stop-BorgClusterVM", vm_id)
    (claim,) = json.loads(served.here.run("--json", "claim", "show", vm_id)[1])["claims"]
    assert (claim["purpose"], claim["dead"], claim["alive"]) == ("restore", True, False)
    (claim,) = json.loads(served.there.run("--json", "claim", "show", vm_id)[1])["claims"]
    assert (claim["dead"], claim["alive"]) == (False, False), "another machine's process can't be judged"
    code, output = served.there.run("claim", "break", vm_id)
    assert (code, "if it is dead for sure, say --yes" in output) == (4, True), output
    code, output = served.there.run("claim", "break", vm_id, "--yes")
    assert code == 0, output
    assert served.there.run("claim", "break", vm_id, "--yes")[0] == 4
