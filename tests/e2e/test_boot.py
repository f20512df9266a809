"""`verify --boot`: a copy is started without network, and gone again, whatever happens; the VM itself is never touched."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from borg_cluster import boot, extract, journal, leftovers, upkeep
from borg_cluster.core.event import Booted, Checked, Event, Noted, RestoreFinished, UpkeepFailed, Warned
from borg_cluster.core.policy import CheckKind, JobKind
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.discover import discover
from borg_cluster.errors import BorgClusterError, Refused, RestoreStopped
from borg_cluster.run import run
from borg_cluster.simulator import story
from borg_cluster.simulator.failure import vm_start_failed
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.fingerprint import fingerprint
from borg_cluster.simulator.making import DiskSpec
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests.direct import DirectBridge
from tests.e2e.conftest import Shop
from tests.e2e.matrix_site import UnpackedArchives
from tests.e2e.restore_site import BEFORE, RestoreSite, Stock, make_stock

VM = 'shop "1"; $(rm)'


def fill(cluster: SimulatedCluster) -> None:
    """Add one VM, highly available, with disks on two volumes."""
    disks = (DiskSpec(size=2 * MIB, content=MIB // 2), DiskSpec(size=2 * MIB, content=MIB // 2, volume="Volume2"))
    vm_id = cluster.add_vm(VM, node="node2", disks=disks, home=r"C:\ClusterStorage\Volume1\shop")
    cluster.guest_write(vm_id, data=BEFORE)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("boot") / "world", fill=fill)


@pytest.fixture(scope="module")
def archives(stock: Stock, tmp_path_factory: pytest.TempPathFactory) -> UnpackedArchives:
    return UnpackedArchives(stock, tmp_path_factory.mktemp("archives"))


@pytest.fixture
def site(stock: Stock, tmp_path: Path) -> Iterator[tuple[RestoreSite, str]]:
    with stock.copy(tmp_path) as opened:
        yield opened, opened.id_of(VM)


@pytest.fixture
def fast(site: tuple[RestoreSite, str], archives: UnpackedArchives, monkeypatch: pytest.MonkeyPatch) -> tuple[RestoreSite, str]:
    """The site, which extracts without borg."""
    archives.install(monkeypatch)
    return site


def copies(cluster: SimulatedCluster) -> list[Any]:
    return [one for one in cluster.state.machines if one.definition.name.startswith(boot.MARK)]


def told(site: RestoreSite, kind: type[Event]) -> list[Any]:
    return [event for event in site.events if isinstance(event, kind)]


def fault(site: RestoreSite, **how: Any) -> Fault:
    return site.cluster.faults.add(Fault(**how))


def test_a_copy_boots_without_network_and_is_gone_again(site: tuple[RestoreSite, str]) -> None:
    world, vm_id = site
    before = world.fingerprint()
    seen: list[Any] = []

    def look(cluster: SimulatedCluster) -> None:
        seen.extend(
            (one.id, one.state, one.node, [adapter.switch_name for adapter in one.definition.adapters]) for one in copies(cluster)
        )

    looking = fault(world, kind="change_before", command="Test-BorgClusterBoot", change=look)
    booted = boot.boot(world.context, vm_id, node="node3")

    assert looking.fired == 1
    ((copy_id, state, node, switches),) = seen
    assert copy_id != vm_id
    assert (state, node) == ("Running", "node3")
    assert switches
    assert set(switches) == {None}
    assert (booted.subject, booted.node, booted.heartbeat) == (vm_id, "node3", "OkApplicationsHealthy")
    assert told(world, Booted) == [booted]
    assert told(world, Warned) == told(world, RestoreFinished) == []
    assert world.fingerprint() == before
    assert world.own_files() == []
    assert boot.leftovers(world.context) == journal.restores(world.context.state) == ()


def test_a_guest_without_a_heartbeat_did_not_boot(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    before = world.fingerprint()

    def silence(cluster: SimulatedCluster) -> None:
        for one in copies(cluster):
            one.heartbeat = "NoContact"

    hanging = fault(world, kind="change_before", command="Test-BorgClusterBoot", change=silence)
    with pytest.raises(
        BorgClusterError, match=r"did not boot: on node2 it is Running, and gave no heartbeat within 5 s \(NoContact"
    ):
        boot.boot(world.context, vm_id, patience=5)
    assert hanging.fired == 1
    assert world.fingerprint() == before
    assert told(world, Booted) == []


def test_a_copy_that_can_not_be_started_is_told_with_windows_reason(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    before = world.fingerprint()
    error = vm_start_failed("x", "Not enough memory in the system to start the virtual machine.", code="0x8007000E", target="x")
    refusing = fault(world, kind="error", command="Start-BorgClusterVM", error=error)
    with pytest.raises(RestoreStopped, match="Not enough memory"):
        boot.boot(world.context, vm_id)
    assert refusing.fired == 1
    assert world.fingerprint() == before
    assert world.own_files() == []


def test_without_memory_it_is_refused_before_anything_is_extracted_and_another_node_named(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    before = world.fingerprint()
    for node, memory in (("node2", 1536), ("node3", 512), ("node1", 4096)):
        world.cluster.node(node).memory = memory * MIB
    with pytest.raises(boot.NoRoom, match=r"node2 has 512 MiB of memory left, shop .* starts with 1,024 MiB") as caught:
        boot.boot(world.context, vm_id)
    assert caught.value.hint == "start it where there is more: --node node1 (4,096 MiB are free)"
    with pytest.raises(boot.NoRoom, match="node3 has 512 MiB"):
        boot.boot(world.context, vm_id, node="node3")
    assert world.own_files() == []
    assert boot.leftovers(world.context) == ()
    assert boot.boot(world.context, vm_id, node="node1").node == "node1"
    world.cluster.node("node1").memory = 1
    with pytest.raises(boot.NoRoom) as caught:
        boot.boot(world.context, vm_id)
    assert "no other node has that much" in (caught.value.hint or "")
    with pytest.raises(Refused, match="room for none"):
        boot.boot_random(world.context, "main", seed=1)
    assert world.fingerprint() == before


def test_an_archive_that_does_not_tell_its_memory_starts_with_what_the_vm_has_now(
    fast: tuple[RestoreSite, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, vm_id = fast
    resolve = vars(extract)["resolve_archive"]

    def of_old(*words: Any, **options: Any) -> Any:
        label, name, manifest = resolve(*words, **options)
        told = {key: value for key, value in manifest.vm.items() if key != "memory_startup"}
        return label, name, replace(manifest, vm=told)

    monkeypatch.setattr(extract, "resolve_archive", of_old)
    world.cluster.node("node2").memory = 1536 * MIB
    with pytest.raises(boot.NoRoom, match="starts with 1,024 MiB"):
        boot.boot(world.context, vm_id)


def test_a_node_that_goes_down_meanwhile_leaves_what_the_next_start_sweeps(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    before = world.fingerprint()["vms"][vm_id]
    bridge = world.context.bridge
    assert isinstance(bridge, DirectBridge)

    def die(node: str, command: str) -> None:
        if command == "Test-BorgClusterBoot":
            world.cluster.node_down(node)

    bridge.before = die
    with pytest.raises(BorgClusterError, match="did not boot: node3 went away meanwhile"):
        boot.boot(world.context, vm_id, node="node3")
    assert [one["node"] for one in world.cluster.log if one["what"] == "node_down"] == ["node3"]
    bridge.before = lambda _node, _command: None
    (warning,) = told(world, Warned)
    assert "could not be removed" in warning.message
    assert len(boot.leftovers(world.context)) == 1
    world.cluster.node_up("node3")
    assert len(copies(world.cluster)) == 1

    boot.sweep(world.context)
    assert copies(world.cluster) == []
    assert world.own_files() == []
    assert [one.message for one in told(world, Noted) if "dead boot proof" in one.message]
    assert world.fingerprint()["vms"][vm_id] == before


def test_a_signal_ends_it_and_the_copy_is_gone(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    before = world.fingerprint()

    class Ended(BaseException):
        pass

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Ended

    usual = signal.signal(signal.SIGTERM, end)
    try:
        kill = fault(
            world, kind="change_before", command="Test-BorgClusterBoot", change=lambda _: os.kill(os.getpid(), signal.SIGTERM)
        )
        with pytest.raises(Ended):
            boot.boot(world.context, vm_id)
    finally:
        signal.signal(signal.SIGTERM, usual)
    assert kill.fired == 1
    assert world.fingerprint() == before
    assert world.own_files() == []


def test_what_a_killed_one_left_is_swept_and_is_in_nobodys_way(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    before = world.fingerprint()
    extract.restore(world.context, extract.plan(world.context, boot._request(world.context, vm_id, "latest", None, None)))
    assert len(copies(world.cluster)) == 1

    restored = extract.restore(world.context, RestoreRequest(vm=vm_id))
    extract.undo(world.context, restored.plan.source.restore_id)
    booted = boot.boot(world.context, vm_id)
    assert booted.subject == vm_id
    assert copies(world.cluster) == []
    assert world.fingerprint() == before
    assert world.own_files() == []


def test_a_proof_that_waits_for_its_heartbeat_is_nobodys_leftover(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    seen: list[Any] = []

    def another_command(cluster: SimulatedCluster) -> None:
        leftovers.end_own(world.context)
        seen.append((leftovers.told(world.context, None), len(copies(cluster))))

    meanwhile = fault(world, kind="change_before", command="Test-BorgClusterBoot", change=another_command)
    assert boot.boot(world.context, vm_id).heartbeat == "OkApplicationsHealthy"
    assert (meanwhile.fired, seen) == (1, [((), 1)])
    assert copies(world.cluster) == []
    assert list((world.context.state / "locks").glob("boot*")) == []


@pytest.mark.parametrize("way", ["discover", "run"])
def test_what_a_dead_one_left_is_told_and_ended_by_whatever_comes_next(fast: tuple[RestoreSite, str], way: str) -> None:
    world, vm_id = fast
    before = world.fingerprint()
    extract.restore(world.context, extract.plan(world.context, boot._request(world.context, vm_id, "latest", None, None)))
    elsewhere = replace(world.context, policy=replace(world.context.policy, cluster="another.example.test"))
    assert leftovers.told(elsewhere, None) == ()
    (left,) = leftovers.told(world.context, None)
    assert (left.subject, left.message.startswith(f"the copy {boot.MARK} ")) == (vm_id, True)
    if way == "discover":
        inventory = leftovers.end(world.context, discover(world.context))
        assert [vm.name for vm in inventory.virtual_machines] == [VM]
    else:
        looks = replace(world.context.policy.jobs[0], kind=JobKind.DISCOVERY)
        run(
            replace(world.context, policy=replace(world.context.policy, jobs=(looks,), checks=())),
            run_id="20260301-0200-4000-8000-000000000002",
            seed=1,
        )
    assert copies(world.cluster) == []
    assert leftovers.told(world.context, None) == ()
    assert world.fingerprint() == before
    assert world.own_files() == []


def test_a_damaged_journal_hinders_no_backup(fast: tuple[RestoreSite, str]) -> None:
    world, vm_id = fast
    done = extract.restore(world.context, RestoreRequest(vm=vm_id))
    records = world.context.state / "restores" / done.plan.source.restore_id / "journal.jsonl"
    records.write_bytes(b"damaged\n" + records.read_bytes())
    assert boot.sweep(world.context) is False
    assert [one.message for one in told(world, Warned) if "can't be told" in one.message]
    (left,) = leftovers.told(world.context, None)
    assert "damaged" in left.message


def test_killed_by_the_hardest_signal_it_is_swept_by_the_next_discover(window: Shop, tmp_path: Path) -> None:
    """The lane `kill` kills it at each of its commands. The window's own state must not tell of it: others look there."""
    shutil.copytree(window.site.folder / "state", tmp_path / "state")
    around = {**window.environment, "STATE_DIRECTORY": str(tmp_path / "state")}
    before = fingerprint(window.cluster)
    running: list[subprocess.Popen[bytes]] = []
    kill = window.cluster.faults.add(
        Fault(kind="change_after", command="Register-BorgClusterVMCopy", change=lambda _: os.kill(running[0].pid, signal.SIGKILL))
    )
    program = [sys.executable, "-m", "borg_cluster"]
    words = [*program, "verify", story.QUOTED, "--boot"]
    with subprocess.Popen(words, env=around, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        running.append(process)
        assert process.wait() == -signal.SIGKILL
    assert kill.fired == 1
    assert len(copies(window.cluster)) == 1
    done = subprocess.run([*program, "discover"], env=around, capture_output=True, text=True, check=False)
    assert "which a dead boot proof left, is gone" in done.stderr
    assert copies(window.cluster) == []
    assert fingerprint(window.cluster) == before


def test_what_can_not_be_done_is_refused_before_anything_is(
    fast: tuple[RestoreSite, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, vm_id = fast
    before = world.fingerprint()
    with pytest.raises(Refused, match="node9"):
        boot.boot(world.context, vm_id, node="node9")
    with pytest.raises(Refused, match="no archive is of a virtual machine 'nobody'"):
        boot.boot(world.context, "nobody")
    monkeypatch.setattr("borg_cluster.boot.shutil.disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(boot.NoRoom, match="has 10 bytes left, the copy of"):
        boot.boot(world.context, vm_id)
    with pytest.raises(Refused, match="room for none"):
        boot.boot_random(world.context, "main", seed=1)
    assert world.fingerprint() == before


def test_the_check_boots_a_vm_chosen_by_chance(fast: tuple[RestoreSite, str]) -> None:
    world, _ = fast
    before = world.fingerprint()
    context = replace(world.context)
    upkeep.check(context, seed=3, only=(CheckKind.BOOT,))
    assert [event.check for event in told(world, Checked)] == ["boot"], told(world, UpkeepFailed)
    assert len(told(world, Booted)) == 1
    assert world.fingerprint() == before
    assert CheckKind.BOOT in context.catalog.upkeep(context.policy.cluster, "main")


@pytest.mark.parametrize(
    "words", [("--boot", "--to", "x"), ("--node", "node1"), ("--to-volume", "V"), ("--boot", "--patience", "0")]
)
def test_options_that_do_not_go_together_are_usage(window: Shop, words: tuple[str, ...]) -> None:
    assert window.run("verify", "any", *words).code == 64
