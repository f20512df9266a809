"""Faults in the middle of a night, as they are: what is shown as good is whole, and the next night leaves nothing behind.

The lane 'kill' plays many more of them.
"""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from borg_cluster import owner
from borg_cluster.catalog import Catalog
from borg_cluster.core.event import ArchiveFinished, Followed
from borg_cluster.core.policy import Repository
from borg_cluster.simulator.vhdx import MIB
from tests.e2e.borg_site import open_borg
from tests.e2e.fault_site import NIGHTLY, VOLUME, FaultSite, open_fault_site
from tests.e2e.small_disk import fill, small_disk


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing: here it is commands that let time pass."""
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 8)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FaultSite]:
    with open_fault_site(tmp_path) as opened:
        yield opened


def the_next_night_is_well(site: FaultSite) -> None:
    ended = site.back_up()
    assert (ended.code in {0, 1}, ended.done, ended.failed) == (True, 1, 0), ended
    assert [*site.untrue(), *site.wrong()] == []


def test_a_vm_that_migrates_while_borg_reads_has_its_snapshot_ended_on_its_new_owner(site: FaultSite) -> None:
    met = site.meet(lambda: site.cluster.migrate(site.web, "node2"))
    ended = site.back_up()
    assert met.is_set()
    assert (ended.done, ended.failed, site.owner) == (1, 0, "node2"), ended
    assert [(event.was, event.now) for event in site.night.of(Followed)] == [("node1", "node2")]
    removed = [node for node, name in site.night.context.bridge.asked if name == "Remove-BorgClusterSnapshot"]  # type: ignore[attr-defined] # a DirectBridge
    assert removed == ["node2"]
    assert [*site.untrue(), *site.wrong()] == []


def test_a_snapshot_that_is_gone_after_the_read_lets_the_vm_be_read_once_more(site: FaultSite) -> None:
    """So a failover may leave it: what was read is not proven, and is not shown."""

    def fail_over() -> None:
        (found,) = site.cluster.machine(site.web).definition.snapshots()
        site.cluster.node_down("node1")
        site.cluster.remove_snapshot(site.web, found.id)

    met = site.meet(fail_over)
    ended = site.back_up()
    assert met.is_set()
    assert (ended.done, ended.failed) == (1, 0), ended
    assert "is read once more" in "".join(ended.told)
    assert [*site.untrue(), *site.wrong()] == []


def test_a_repository_without_room_fails_the_vm_and_takes_the_next_one_whole(site: FaultSite, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 16) as place:
        policy = site.night.context.policy
        repository = Repository(path=str(place / "repository"), label="main")
        borg = open_borg(policy.borg, repository)
        borg.init(encryption="none")
        site.night.borg = replace(site.night.borg, repository=repository, borg=borg)
        site.night.reconfigure(repositories=(repository,))
        ballast = fill(place)
        ballast.write_bytes(b"x" * (ballast.stat().st_size - 256 * 1024))
        ended = site.back_up()
        assert (ended.code, ended.done) == (2, 0), ended
        assert "No space left on device" in "".join(ended.told), ended
        assert list(site.untrue()) == []
        assert site.cluster.machine(site.web).definition.snapshots() == []
        ballast.unlink()
        the_next_night_is_well(site)
        subprocess.run([site.bin / "borg", "check", "--verify-data", repository.path], check=True, capture_output=True)


def test_a_volume_that_fills_up_while_a_vm_is_frozen_costs_no_archive_and_is_said(site: FaultSite) -> None:
    """Windows pauses the VM then and, here, ends no snapshot of it until it runs again."""
    site.cluster.switches.critical_keeps_snapshots = True
    met = site.meet(site.fill_volume_and_write)
    ended = site.back_up()
    assert met.is_set()
    assert site.logged("volume full")
    assert (ended.code, ended.done, ended.failed) == (1, 1, 0), ended
    (paused,) = [text for text in ended.told if "is PausedCritical on node1" in text]
    assert f"is there room on {VOLUME}?" in paused
    assert f"Get-VM -Id {site.web} | Resume-VM" in paused
    assert "could not be ended" in "".join(ended.told)
    assert list(site.untrue()) == []
    site.cluster.clear_volume(VOLUME)
    site.cluster.resume(site.web)
    the_next_night_is_well(site)


def test_no_vm_is_frozen_on_a_volume_that_has_next_to_no_room(site: FaultSite) -> None:
    site.cluster.fill_volume(VOLUME, left=300 * MIB)
    ended = site.back_up()
    assert (ended.code, ended.done, ended.failed) == (2, 0, 1), ended
    assert "Volume1 has 0.3 GiB left, and 1 GiB must be: Windows pauses a VM" in "".join(ended.told)
    assert ("node1", "New-BorgClusterSnapshot") not in site.night.context.bridge.asked  # type: ignore[attr-defined] # a DirectBridge
    assert list(site.wrong()) == []


@pytest.mark.parametrize("when", ["from the beginning", "once all is read"])
def test_a_state_directory_without_room_costs_the_archive_and_nothing_else(
    site: FaultSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    with small_disk(tmp_path / "small", 4) as place, Catalog.open(place / "catalog.sqlite") as catalog:
        site.night.context = replace(site.night.context, state=place, catalog=catalog)
        ballast: list[Path] = []

        record = catalog.record_archive

        def take_all_room() -> None:
            catalog._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # or it would write where it has written before
            ballast.append(fill(place))

        def record_without_room(*given: Any) -> None:
            if not ballast:
                take_all_room()  # at the last moment: what a run removes before makes room again
            record(*given)

        if when == "from the beginning":
            take_all_room()
        else:
            monkeypatch.setattr(catalog, "record_archive", record_without_room)
        ended = site.back_up()
        assert len(ballast) == 1
        assert (ended.code, ended.done) == (4 if when == "from the beginning" else 2, 0), ended
        assert "full" in "".join(ended.told), ended
        assert list(site.untrue()) == []
        assert site.cluster.machine(site.web).definition.snapshots() == []
        ballast[0].unlink()
        the_next_night_is_well(site)


def test_what_an_interrupted_borg_had_stored_is_used_by_the_next_one(site: FaultSite) -> None:
    """Borg makes a checkpoint when a second has passed, is killed later, and stores but the rest the next night."""
    site.night.reconfigure(jobs=(replace(NIGHTLY, extra_borg_options=("--checkpoint-interval", "1")),))

    def let_a_second_pass() -> None:
        began = time.monotonic()
        while time.monotonic() - began <= 1:
            time.sleep(0.1)

    met = site.meet(let_a_second_pass, number=24, kill=30)
    ended = site.back_up()
    assert met.is_set()
    assert (site.bin / "fired").read_text() == "30", "borg was killed"
    assert (ended.code, ended.done) == (2, 0), ended
    names = [one.name for one in site.night.borg.borg.list_archives()]
    assert [name.endswith(".checkpoint.checkpoint") for name in names] == [True], names
    the_next_night_is_well(site)
    (finished,) = site.night.of(ArchiveFinished)
    assert finished.deduplicated_size < 1.5 * MIB, "of two disks with 1 MiB each, most of one was there already"
