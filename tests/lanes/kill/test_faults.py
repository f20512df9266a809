"""Faults by phases of a backup: whatever went wrong, what is shown as good is whole, and the next night leaves nothing behind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from borg_cluster import owner
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import CommandError, SimulatedCluster
from tests.e2e.fault_site import VOLUME, FaultSite, open_fault_site

Record = Callable[[str, object], None]
PHASES = {
    "look": ("Get-BorgClusterVMState", 1),
    "claim": ("New-BorgClusterClaim", 1),
    "role": ("Get-BorgClusterRoleSetting", 1),
    "freeze": ("New-BorgClusterSnapshot", 1),
    "proof": ("Get-BorgClusterSnapshot", 2),
    "end": ("Remove-BorgClusterSnapshot", 1),
    "merge": ("Wait-BorgClusterMerge", 1),
    "release": ("Remove-BorgClusterClaim", 1),
}
"""The phases of a VM's backup, each with its command, and the how manieth of a night that is."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: here it is commands that let time pass."""
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 8)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSite]:
    with open_fault_site(tmp_path_factory.mktemp("faults")) as opened:
        yield opened


@pytest.fixture
def site(shared: FaultSite) -> Iterator[FaultSite]:
    """The site, with the VM on its first node and the cluster's name on the third."""
    home(shared)
    yield shared
    shared.cluster.switches.merge_after = 1


def home(site: FaultSite) -> None:
    """Bring the world back to where it began."""
    site.cluster.clear_volume(VOLUME)
    if site.cluster.machine(site.web).state == "PausedCritical":
        site.cluster.resume(site.web)
    for node in site.cluster.node_names:
        if not site.cluster.reachable(node):
            site.cluster.node_up(node)
    if site.cluster.machine(site.web).migration is not None:
        site.cluster.finish_migration(site.web)
    if site.owner != "node1":
        site.cluster.migrate(site.web, "node1")
    site.cluster.move_core_group("node3")
    site.night.context.bridge.aliases.clear()  # type: ignore[attr-defined] # a DirectBridge


def migrate(site: FaultSite) -> None:
    site.cluster.migrate(site.web, next(name for name in ("node2", "node1") if name != site.owner))


def lose_owner(site: FaultSite) -> None:
    site.cluster.node_down(site.owner)


def lose_owner_slowly(site: FaultSite) -> None:
    """The cluster takes its time to notice: fifteen more commands."""
    lost = site.owner
    site.cluster.node_down(lost, fail_over=False)
    late = Fault(kind="change_before", occurrence=8, change=lambda cluster: cluster.fail_over(lost))
    site.cluster.faults.add(late)


def move_name(site: FaultSite) -> None:
    site.cluster.move_core_group("node2")


def lose_name(site: FaultSite) -> None:
    """The node that holds the cluster's name dies."""
    site.cluster.node_down("node3")


def migrate_slowly(site: FaultSite) -> None:
    """The VM is in a live migration for some commands, blackout included."""
    site.cluster.begin_migration(site.web, next(name for name in ("node2", "node1") if name != site.owner))
    site.cluster.advance_migration(site.web)
    for number in (2, 5):
        site.cluster.faults.add(Fault(kind="change_before", occurrence=number, change=_advance(site)))


def _advance(site: FaultSite) -> Callable[[SimulatedCluster], None]:
    def advance(cluster: SimulatedCluster) -> None:
        if cluster.machine(site.web).migration is not None:
            cluster.advance_migration(site.web)

    return advance


WORLD = {
    "the owner dies": lose_owner,
    "the owner dies, noticed late": lose_owner_slowly,
    "the VM migrates": migrate,
    "the VM migrates slowly": migrate_slowly,
    "the cluster's name moves": move_name,
    "the name's node dies": lose_name,
}


def end(site: FaultSite, record: Record, fault: str, phase: str, fired: Callable[[], bool]) -> None:
    """Let the night go by, then the next one; judge and record both."""
    ended = site.back_up()
    happened = fired()
    wrong = list(site.untrue())
    if not happened:
        wrong.append("the fault did not fire")
    home(site)
    again = site.back_up()
    if again.code not in {0, 1} or again.done != 1:
        wrong.append(f"the next night ends with {again.code}: {'; '.join(again.told)}")
    wrong += [*site.untrue(), *site.wrong()]
    outcome = "the archive stands" if ended.done else "no archive; the next night's stands"
    told = "; ".join(ended.told) or "nothing"
    record("fault", f"{fault} | {phase} | {'; '.join(wrong) or outcome} | {ended.code} | {told.replace('|', '/')}")
    assert not wrong, f"{fault}, {phase}: {'; '.join(wrong)} (told: {told})"


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("fault", WORLD)
def test_the_world_changes(site: FaultSite, record_property: Record, fault: str, moment: str, phase: str) -> None:
    command, number = PHASES[phase]
    change = Fault(kind=f"change_{moment}", command=command, occurrence=number, change=lambda _: WORLD[fault](site))
    site.cluster.faults.add(change)
    end(site, record_property, fault, f"{moment} {phase}", lambda: change.fired == 1)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_connection_is_lost(site: FaultSite, record_property: Record, moment: str, phase: str) -> None:
    command, number = PHASES[phase]
    drop = site.cluster.faults.add(Fault(kind=f"drop_{moment}", command=command, occurrence=number))
    what = "the question is lost" if moment == "before" else "the answer is lost"
    end(site, record_property, what, f"during {phase}", lambda: drop.fired == 1)


@pytest.mark.parametrize("fault", WORLD)
def test_the_world_changes_while_borg_reads(site: FaultSite, record_property: Record, fault: str) -> None:
    met = site.meet(lambda: WORLD[fault](site), number=1)
    end(site, record_property, fault, "within borg's read", met.is_set)


@pytest.mark.parametrize("error", [("32770", "the VSS writer failed"), ("0x80070070", "There is not enough space on the disk.")])
def test_the_snapshot_is_refused(site: FaultSite, record_property: Record, error: tuple[str, str]) -> None:
    refused = CommandError(error[1], "BorgClusterSnapshotFailed", code=error[0])
    fault = site.cluster.faults.add(Fault(kind="error", command="New-BorgClusterSnapshot", error=refused))
    end(site, record_property, f"the snapshot is refused: {error[1]}", "freeze", lambda: fault.fired == 1)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[FaultSite]:
    """A site of the test's own, whose volume may be full."""
    with open_fault_site(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("keeps", [False, True])
def test_the_volume_fills_up_while_the_vm_is_frozen(full: FaultSite, record_property: Record, keeps: bool) -> None:
    full.cluster.switches.critical_keeps_snapshots = keeps
    full.meet(full.fill_volume_and_write)
    phase = f"within borg's read, a snapshot {'can not' if keeps else 'can'} be ended then"
    end(full, record_property, "the volume is full, the VM paused", phase, lambda: full.logged("volume full"))


def test_the_volume_has_no_room_for_a_leaf(full: FaultSite, record_property: Record) -> None:
    """Since the cluster was asked."""

    def change(cluster: SimulatedCluster) -> None:
        cluster.fill_volume(VOLUME, left=1 << 20)

    full.cluster.faults.add(Fault(kind="change_before", command="New-BorgClusterSnapshot", change=change))
    end(full, record_property, "the volume is full", "freeze", lambda: full.logged("not enough space"))


def test_the_volume_has_no_room_for_a_merge(full: FaultSite, record_property: Record) -> None:
    def write_and_fill() -> None:
        full.cluster.guest_write(full.web, offset=3 << 20, data=b"into the leaf")
        full.cluster.fill_volume(VOLUME)

    full.meet(write_and_fill)
    end(full, record_property, "the volume is full", "merge", lambda: full.logged("merge failed"))


@pytest.mark.parametrize("phase", PHASES)
def test_a_node_answers_with_an_error(site: FaultSite, record_property: Record, phase: str) -> None:
    """The volume is full, say."""
    command, number = PHASES[phase]
    full = CommandError("There is not enough space on the disk.", "OperationFailed", code="0x80070070")
    fault = site.cluster.faults.add(Fault(kind="error", command=command, occurrence=number, error=full))
    end(site, record_property, "a node says that the disk is full", f"instead of {phase}", lambda: fault.fired == 1)


def test_the_merge_does_not_end_that_night(site: FaultSite, record_property: Record) -> None:
    site.cluster.switches.merge_after = None
    mend = Fault(kind="change_after", command="Remove-BorgClusterClaim", change=_let_merge)
    site.cluster.faults.add(mend)
    end(site, record_property, "the merge does not end", "merge", lambda: mend.fired == 1)


def _let_merge(cluster: SimulatedCluster) -> None:
    cluster.switches.merge_after = 1


def test_the_mount_vanishes(site: FaultSite, record_property: Record, tmp_path: Path) -> None:
    volume = site.cluster.volume_folder("Volume1")
    elsewhere = tmp_path / "elsewhere"
    met = site.meet(lambda: volume.rename(elsewhere), number=1)

    def return_at_the_next_look(_: SimulatedCluster) -> None:
        if elsewhere.exists():
            elsewhere.rename(volume)

    back = Fault(kind="change_before", repeat=True, change=return_at_the_next_look)
    site.cluster.faults.add(back)
    end(site, record_property, "the mount vanishes", "within borg's read", met.is_set)
