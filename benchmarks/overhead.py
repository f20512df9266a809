"""What borg-cluster adds to Borg: a VM's archive beside the same `borg create` by hand, and how often a night reads each byte.

All on the same files in one run, change tracking off, discovery done before. Run as ``python -m benchmarks.overhead --gib 2``; it
needs four times that below --room. CPU and reads are of all processes (getrusage, /proc/self/io with the children that have
ended); what is fixed (Python's own modules, the repository's index) is measured on nearly empty disks, and told apart.
What is by hand has all of Borg's start in it, and Borg's test of itself, as ours has.
"""

import argparse
import os
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from borg_cluster import borg, borg_starter
from borg_cluster.catalog import Catalog
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import Event
from borg_cluster.core.policy import Job, JobKind, Selection, WantedConsistency
from borg_cluster.create import create
from borg_cluster.discover import discover
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from tests import direct
from tests.e2e.borg_site import BorgSite, make_site

MIB, GIB = 1 << 20, 1 << 30
SMALL = 4 * MIB
MOST_OF_A_CREATE = 1.05
MOST_OF_EACH_BYTE = 1.02


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of a call and its children: seconds, seconds of CPU, bytes read."""

    wall: float
    cpu: float
    read: int

    def less(self, other: "Cost") -> "Cost":
        return Cost(wall=self.wall - other.wall, cpu=self.cpu - other.cpu, read=self.read - other.read)

    def plus(self, other: "Cost") -> "Cost":
        return Cost(wall=self.wall + other.wall, cpu=self.cpu + other.cpu, read=self.read + other.read)


class Aside(direct.DirectBridge):
    """Counts the CPU of the simulated cluster, which works in this process and is nobody's cost."""

    spent = 0.0

    def _ask(self, *arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return super()._ask(*arguments, **named)
        finally:
            self.spent += time.thread_time() - began


def cost_of(act: Callable[[], object]) -> Cost:
    """Call something as the first thing that a process does; return what it cost."""
    borg_starter.end()
    os.sync()  # what was written before is nothing that this one waits for
    borg._TESTED.clear()  # noqa: SLF001 - each process lets Borg test itself once, and so does who types it
    began, used, read = time.monotonic(), cpu(), bytes_read()
    act()
    borg_starter.end()  # so that what it and its children used is counted
    return Cost(wall=time.monotonic() - began, cpu=cpu() - used, read=bytes_read() - read)


def cpu() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in both)


def bytes_read() -> int:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


JOB = Job(
    name="nightly",
    kind=JobKind.VIRTUAL_MACHINES,
    repository="main",
    select=Selection(include=(), exclude=()),
    volumes=(),
    max_age=26 * 3600,
    compression="lz4",
    chunker_params=None,
    extra_borg_options=(),
    consistency=WantedConsistency.CRASH,
)
VOLUMES = replace(JOB, name="weekly", kind=JobKind.VOLUMES)


@dataclass(kw_only=True)
class Site:
    """A cluster of one VM with a disk of ``size`` bytes, and a file of nobody's as large."""

    folder: Path
    size: int

    def __post_init__(self) -> None:
        self.cluster = SimulatedCluster.create(self.folder / "cluster", nodes=("node1",), volumes=("Volume1",))
        self.cluster.add_vm("web", node="node1", disks=(DiskSpec(size=2 * self.size, content=MIB),))
        self.volume = self.cluster.volume_folder("Volume1")
        (self.disk,) = self.volume.rglob("*.vhdx")
        noise = random.Random(self.size)  # noqa: S311 - the same noise each time, and nobody's secret
        for path, mode in ((self.disk, "ab"), (self.volume / "of nobody.bin", "wb")):
            with path.open(mode) as file:
                for _ in range(self.size // MIB):
                    file.write(noise.randbytes(MIB))
        self.unique = sum(path.stat().st_size for path in self.volume.rglob("*") if path.is_file())

    def files_of_vm(self) -> list[Path]:
        return [path for path in self.volume.rglob("*") if path.is_file() and path.name != "of nobody.bin"]

    def warm(self) -> None:
        """Have all files in memory: borg lets go of what it has read, and who comes next would wait for the disk."""
        for path in self.volume.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    while file.read(MIB):
                        pass

    @contextmanager
    def repository(self, name: str) -> Iterator[BorgSite]:
        folder = self.folder / name
        yield make_site(folder)
        shutil.rmtree(folder)

    def by_hand(self, *paths: Path) -> Cost:
        """Archive files as one types it."""
        with self.repository("by-hand") as site:
            environment = {
                **os.environ,
                "BORG_REPO": site.repository.path,
                "BORG_BASE_DIR": str(site.settings.base_directory),
                "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
            }
            words = [borg.find_borg("borg"), "create", "--compression", "lz4", "::archive", *map(str, paths)]
            return cost_of(lambda: subprocess.run(words, env=environment, check=True, capture_output=True))

    def by_us(self, *jobs: Job) -> Cost:
        """Carry a plan out, made before."""
        state = self.folder / "state"
        state.mkdir()
        events: list[Event] = []
        with self.repository("ours") as site, Catalog.open(state / "catalog.sqlite") as catalog:
            context = direct.context(self.cluster, catalog, state, events=events, clock=direct.Clock())
            policy = replace(context.policy, borg=site.settings, repositories=(site.repository,), jobs=jobs)
            bridge = Aside(self.cluster)
            context = replace(context, policy=policy, bridge=bridge)
            inventory = discover(context)
            run_id = "11111111-0000-4000-8000-000000000001"
            plan = plan_backup(inventory, policy, jobs=(), good=(), at=context.clock(), run_id=run_id)
            bridge.spent = 0.0
            cost = cost_of(lambda: check(create(context, plan, inventory).failed == 0, events))
            cost = replace(cost, cpu=cost.cpu - bridge.spent)
        shutil.rmtree(state)
        return cost


def check(fine: bool, events: list[Event]) -> None:
    if not fine:
        raise RuntimeError(f"it failed: {events[-3:]}")


@dataclass(frozen=True, kw_only=True)
class Night:
    """What a site cost, typed by hand and by us: an archive of the VM, and all that is on the volume, each byte once."""

    vm_by_hand: Cost
    vm_by_us: Cost
    volume_by_hand: Cost
    both_by_us: Cost


def measure(site: Site, rounds: int) -> Night:
    """Measure all in turn, there and back, and keep the least of each figure: what else the machine does only adds."""
    measures: dict[str, Callable[[], Cost]] = {
        "vm_by_hand": lambda: site.by_hand(*site.files_of_vm()),
        "vm_by_us": lambda: site.by_us(JOB),
        "volume_by_hand": lambda: site.by_hand(site.volume),
        "both_by_us": lambda: site.by_us(JOB, VOLUMES),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in measures}
    for number in range(rounds):
        for name in list(measures) if number % 2 == 0 else reversed(measures):
            site.warm()
            costs[name].append(measures[name]())
    return Night(**{name: least(found) for name, found in costs.items()})


def least(costs: Iterable[Cost]) -> Cost:
    costs = tuple(costs)
    return Cost(wall=min(one.wall for one in costs), cpu=min(one.cpu for one in costs), read=min(one.read for one in costs))


def row(name: str, cost: Cost, beside: Cost | None = None) -> None:
    told = f"{name:<52}{cost.wall:>7.2f} s{cost.cpu:>8.2f} s{cost.read / MIB:>9.0f} MiB"
    if beside is not None:
        told += f"{cost.wall / beside.wall:>10.3f}{cost.cpu / beside.cpu:>8.3f}{cost.read / beside.read:>8.3f}"
    print(told)


def show(site: Site, night: Night) -> None:
    size = f"{site.size / MIB:.0f} MiB"
    row(f"borg create of the VM by hand, {size}", night.vm_by_hand)
    row(f"borg-cluster create of the VM, {size}", night.vm_by_us, night.vm_by_hand)
    row(f"borg create of the whole volume by hand, {size} twice", night.volume_by_hand)
    row("borg create of the VM, then of the volume, by hand", night.vm_by_hand.plus(night.volume_by_hand), night.volume_by_hand)
    row("borg-cluster create of the VM and of the volume", night.both_by_us, night.volume_by_hand)


def judge(what: str, value: float, most: float) -> None:
    print(f"{what}: {value:.3f} x; the goal is at most {most} x: {'reached' if value <= most else 'missed'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=2.0, help="size of the VM's disk, and of the rest of the volume each")
    parser.add_argument("--rounds", type=int, default=4, help="how often all is measured; the least of each figure is shown")
    parser.add_argument("--room", type=Path, help="where there is room for four times that")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.room) as room:
        small = Site(folder=Path(room) / "small", size=SMALL)
        large = Site(folder=Path(room) / "large", size=int(given.gib * GIB))
        print(f"{'':<52}{'wall':>9}{'CPU':>10}{'read':>13}{'wall x':>10}{'CPU x':>8}{'read x':>8}")
        fixed, night = (measure(site, given.rounds) for site in (small, large))
        for site, measured in ((small, fixed), (large, night)):
            show(site, measured)
    print()
    unique = large.unique - small.unique
    judge("an archive of the VM, wall", night.vm_by_us.wall / night.vm_by_hand.wall, MOST_OF_A_CREATE)
    judge("an archive of the VM, CPU", night.vm_by_us.cpu / night.vm_by_hand.cpu, MOST_OF_A_CREATE)
    judge("a night, read of each byte", night.both_by_us.read / large.unique, MOST_OF_EACH_BYTE)
    judge("the same less what nearly empty disks take", night.both_by_us.less(fixed.both_by_us).read / unique, MOST_OF_EACH_BYTE)


if __name__ == "__main__":
    main()
