"""Random days of a cluster: guests write, disks move, runs fail, archives go; each archive is what a full read would be."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from borg_cluster import owner
from borg_cluster.core.event import ArchiveFinished
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import CommandError, DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests.e2e.test_create import Night, contents, open_night
from tests.e2e.test_create_changed import NIGHTLY
from tests.e2e.test_snapshots import run

pytestmark = pytest.mark.timeout(1200)
NIGHTS = 8
FAILING = ("ConvertTo-BorgClusterReferencePoint", "Get-BorgClusterDiskChange", "Remove-BorgClusterReferencePoint")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 2)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    cluster = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1", "node2"))
    fixed = DiskSpec(size=12 * MIB, fixed=True)
    growing = DiskSpec(size=40 * MIB, content=3 * MIB, block_size=4 * MIB, sector_size=4096)
    cluster.add_vm("db", node="node1", volume="Volume1", disks=(fixed, growing))
    for night in open_night(cluster, tmp_path):
        night.reconfigure(jobs=(NIGHTLY,))
        yield night


class Day:
    """What happens between two nights."""

    def __init__(self, night: Night, chance: Random) -> None:
        self.night = night
        self.cluster = night.cluster
        self.vm_id = night.cluster.find_vm("db")
        self.chance = chance

    def pass_by(self, *, quiet: bool) -> None:
        """Let some of it happen; on a quiet day, nothing that lets a disk be read in full."""
        writes = (self.write, self.write, self.write, self.trim)
        others = (self.checkpoint, self.merge, self.move, self.prune, self.fail)
        acts = (*writes, self.migrate, *(() if quiet else others))
        for _ in range(self.chance.randint(0, 4)):
            self.chance.choice(acts)()

    def write(self) -> None:
        """The guest writes somewhere."""
        disk = self.chance.randrange(2)
        size = (12 * MIB, 40 * MIB)[disk]
        length = self.chance.choice((1, 4096, 100_000, MIB))
        offset = self.chance.randrange(size - length)
        self.cluster.guest_write(self.vm_id, disk=disk, offset=offset, data=os.urandom(length))

    def trim(self) -> None:
        """The guest gives back what it deleted; what it writes there next gets the same place."""
        offset = self.chance.randrange(36 * MIB)
        length = self.chance.randrange(4 * MIB, 40 * MIB - offset + 1)
        self.cluster.guest_trim(self.vm_id, disk=1, offset=offset, length=length)
        if self.chance.random() < 0.5:
            self.cluster.guest_write(self.vm_id, disk=1, offset=offset + length // 2, data=os.urandom(4096))

    def migrate(self) -> None:
        """The VM moves to the other node."""
        self.cluster.migrate(self.vm_id, "node2" if self.cluster.machine(self.vm_id).node == "node1" else "node1")

    def checkpoint(self) -> None:
        """Somebody takes a checkpoint."""
        self.cluster.take_checkpoint(self.vm_id)

    def merge(self) -> None:
        """Somebody deletes all checkpoints."""
        self.cluster.remove_checkpoints(self.vm_id)

    def move(self) -> None:
        """The storage moves, now and then."""
        if self.chance.random() < 0.3:
            self.cluster.move_storage(self.vm_id, "Volume2" if "Volume1" in self.cluster.machine(self.vm_id).home else "Volume1")

    def prune(self) -> None:
        """An archive is removed."""
        context = self.night.context
        known = context.catalog.archives(context.policy.cluster, self.vm_id)
        if known and self.chance.random() < 0.5:
            gone = self.chance.choice(known)
            self.night.borg.borg.delete(gone.archive)
            if self.chance.random() < 0.7:  # else the catalog does not know
                context.catalog.forget_archive(gone.repository, gone.archive)

    def fail(self) -> None:
        """A command will fail once."""
        error = CommandError("no.", "BorgClusterMethodFailed", code="32770")
        self.cluster.faults.add(Fault(kind="error", command=self.chance.choice(FAILING), error=error))


@pytest.mark.parametrize("seed", range(8))
def test_each_night_stores_what_is_there(night: Night, tmp_path: Path, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - a test
    day = Day(night, chance)
    unread = 0
    for number in range(NIGHTS):
        night.reconfigure(
            jobs=(replace(NIGHTLY, changed_blocks=replace(NIGHTLY.changed_blocks, full_every=5, verify_fraction=0.05)),)
        )
        then = {path.name: path.read_bytes() for path in night.cluster.folder.rglob("*.*vhdx")}
        outcome = run(night, "nightly")
        assert (outcome.done, outcome.failed) == (1, 0), night.events
        (finished,) = night.of(ArchiveFinished)
        unread += finished.unread
        found = contents(night, finished.archive, tmp_path / f"out{number}")
        stored = {path.rpartition("/")[2]: content for path, content in found.items() if path.lower().endswith("vhdx")}
        assert stored.keys() <= then.keys()
        assert all(then[name] == content for name, content in stored.items()), (number, finished)
        day.pass_by(quiet=number == 0)
    assert unread > 0
