"""What nobody could look up without a Windows cluster, as far as it touches backups: both answers end well.

By numbers: 1 offline VMs, 4 the view in a blackout, 5 a merge while its file is still open, 9 migration with a snapshot, 12 a
crash that is noticed late (with the faults), 13 disabled checkpoints, 14 a flag that follows a role late; 7, a locked
configuration, is among the ordinary tests, 10 among those of changed ranges.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import owner
from borg_cluster.core.policy import OnFailure
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.state import CommandError, SimulatedCluster
from tests.e2e.fault_site import NIGHTLY, FaultSite, open_fault_site


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: here it is commands that let time pass."""
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 8)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FaultSite]:
    with open_fault_site(tmp_path) as opened:
        yield opened


def is_well(site: FaultSite) -> None:
    assert [*site.untrue(), *site.wrong()] == []


@pytest.mark.parametrize("listed", ["absent", "off"])
def test_1_a_vm_whose_role_is_offline(site: FaultSite, listed: str) -> None:
    site.cluster.switches.offline_vm_listed = listed
    site.cluster.stop(site.web)
    ended = site.back_up()
    if listed == "absent":
        assert (ended.code, ended.done, ended.failed) == (2, 0, 1), ended
        assert "no node reports it" in "".join(ended.told)
        site.cluster.switches.offline_vm_listed = "off"
        site.cluster.start(site.web)
        assert site.back_up().done == 1
    else:
        assert (ended.done, ended.failed) == (1, 0), ended
    is_well(site)


@pytest.mark.parametrize("listed", ["none", "both", "source"])
@pytest.mark.parametrize("command", ["Get-BorgClusterVMState", "New-BorgClusterSnapshot", "Remove-BorgClusterSnapshot"])
def test_4_a_vm_in_the_blackout_of_its_migration(site: FaultSite, command: str, listed: str) -> None:
    site.cluster.switches.blackout_listed = listed

    def into_the_blackout(cluster: SimulatedCluster) -> None:
        cluster.begin_migration(site.web, "node2")
        while cluster.advance_migration(site.web) != "blackout":
            pass
        cluster.faults.add(Fault(kind="change_before", occurrence=4, change=out_of_it))

    def out_of_it(cluster: SimulatedCluster) -> None:
        cluster.finish_migration(site.web)

    fault = site.cluster.faults.add(Fault(kind="change_before", command=command, change=into_the_blackout))
    ended = site.back_up()
    assert fault.fired == 1
    assert list(site.untrue()) == []
    if not ended.done:
        assert site.back_up().done == 1
    assert site.owner == "node2"
    is_well(site)


@pytest.mark.parametrize("tries", [0, 1, 100_000])
def test_5_a_merge_while_the_frozen_file_is_still_open(site: FaultSite, tries: int) -> None:
    site.cluster.switches.merge_tries_refused = tries
    ended = site.back_up()
    assert (ended.done, ended.failed) == (1, 0), ended
    assert list(site.untrue()) == []
    refused = [entry for entry in site.cluster.log if entry["what"] == "merge failed" and "0x80070020" in str(entry["error"])]
    assert bool(refused) == bool(tries)
    if tries > 1:
        assert "not merged" in "".join(ended.told)
        again = site.back_up()
        assert (again.done, again.failed) == (0, 1), again
        assert "merg" in "".join(again.told)

        def close(machine: Machine) -> None:
            for one in machine.definition.merging():
                one.tries_left = 0

        site.cluster.switches.merge_tries_refused = 0
        site.cluster.edit(site.web, close)
        again = site.back_up()
        assert (again.done, again.failed) == (1, 0), again
    is_well(site)


@pytest.mark.parametrize("migrates", [True, False])
def test_9_a_migration_while_there_is_a_snapshot(site: FaultSite, migrates: bool) -> None:
    site.cluster.switches.migrates_with_snapshot = migrates

    def try_to_migrate() -> None:
        with suppress(CommandError):
            site.cluster.migrate(site.web, "node2")

    met = site.meet(try_to_migrate)
    ended = site.back_up()
    assert met.is_set()
    assert (ended.done, ended.failed, site.owner) == (1, 0, "node2" if migrates else "node1"), ended
    is_well(site)


@pytest.mark.parametrize("refused", [True, False])
def test_13_a_vm_whose_checkpoints_are_disabled(site: FaultSite, refused: bool) -> None:
    site.cluster.switches.disabled_checkpoints_refuse_snapshots = refused
    site.cluster.edit(site.web, lambda machine: setattr(machine.definition, "checkpoint_type", "Disabled"))
    ended = site.back_up()
    if refused:
        assert (ended.done, ended.failed) == (0, 1), ended
        assert "no application-consistent snapshot" in "".join(ended.told)
        site.night.reconfigure(jobs=(replace(NIGHTLY, on_failure=OnFailure.FALL_BACK),))
        ended = site.back_up()
        assert "no crash-consistent snapshot" in "".join(ended.told)
    assert (ended.done, ended.failed) == (1, 0), ended
    is_well(site)


@pytest.mark.parametrize("after", [0, 40])
def test_14_a_flag_that_follows_its_role_late(site: FaultSite, after: int) -> None:
    site.cluster.switches.clustered_flag_after = after
    for change, flag in ((site.cluster.end_highly_available, True), (site.cluster.make_highly_available, False)):
        change(site.web)
        assert (site.cluster.machine(site.web).is_clustered is flag) == bool(after)
        ended = site.back_up()
        assert (ended.done, ended.failed) == (1, 0), ended
        site.back_up()  # the flag follows meanwhile
        assert site.cluster.machine(site.web).is_clustered is not flag
    is_well(site)
