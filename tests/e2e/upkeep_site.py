"""A site with a few nights behind it, for upkeep: each test gets it as it was, at one place: borg minds moved repositories."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from borg_cluster import discover
from borg_cluster.borg import find_borg
from borg_cluster.borg_upkeep import UpkeepBorg
from borg_cluster.catalog import Catalog
from borg_cluster.catalog.recorder import attempt_recorder
from borg_cluster.cli.sinks import fan_out
from borg_cluster.context import Context
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import Event
from borg_cluster.core.policy import Job, JobKind, Retention, Selection, WantedConsistency
from borg_cluster.create import create
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests import direct
from tests.e2e.borg_site import BorgSite, make_site
from tests.e2e.restore_site import recognise

E = TypeVar("E")
HOSTILE = "web[1]* \"$(x)\" '{now}'\n-"
OTHER = "NO"
NIGHTS = 3
NIGHTLY = Job(
    name="nightly",
    kind=JobKind.VIRTUAL_MACHINES,
    repository="main",
    select=Selection(include=(), exclude=()),
    volumes=(),
    max_age=26 * 3600,
    compression="none",
    chunker_params=None,
    extra_borg_options=(),
    consistency=WantedConsistency.NONE,
    retention=Retention(last=2),
)
STRANGER = "hv.example.test-5f0c3a52-0000-4000-8000-000000000001-2026-02-01T02:00:00Z"
"""Named as ours are, made by somebody else."""


@dataclass(slots=True, kw_only=True)
class UpkeepSite:
    """One test's site."""

    cluster: SimulatedCluster
    context: Context
    clock: direct.Clock
    events: list[Event]
    borg: UpkeepBorg
    site: BorgSite

    def id_of(self, name: str) -> str:
        """Return a VM's id."""
        return self.cluster.find_vm(name)

    def archives(self, name: str | None = None) -> list[str]:
        """Return the names of the repository's archives, of one VM or all, oldest first."""
        part = "" if name is None else self.id_of(name)
        return [one.name for one in self.borg.list_archives() if part in one.name]

    def known(self) -> list[str]:
        """Return the names of the archives in the catalog."""
        return sorted(row.archive for row in self.context.catalog.archives(self.context.policy.cluster))

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def reconfigure(self, **changes: object) -> None:
        """Change the policy."""
        self.context = replace(self.context, policy=replace(self.context.policy, **changes))  # type: ignore[arg-type] # Policy's own keys

    def back_up(self) -> None:
        """Make tonight's archives."""
        back_up(self.context)

    def raw(self, *arguments: str) -> None:
        """Run borg by hand."""
        raw(self.site, *arguments)


def raw(site: BorgSite, *arguments: str) -> None:
    """Run borg itself."""
    environment = os.environ | {
        "BORG_REPO": site.repository.path,
        "BORG_BASE_DIR": str(site.settings.base_directory),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
    }
    subprocess.run([find_borg("borg"), *arguments], env=environment, check=True, capture_output=True)


def back_up(context: Context) -> None:
    """Make the archives of every job."""
    inventory = discover.discover(context)
    good = context.catalog.good_archives(context.policy.cluster)
    at = context.clock()
    create(context, plan_backup(inventory, context.policy, jobs=(), good=good, at=at, run_id=at.isoformat()), inventory)


@contextmanager
def opened(folder: Path, site: BorgSite, cluster: SimulatedCluster, *, night: int) -> Iterator[UpkeepSite]:
    """Open the site as of a night (0 the first)."""
    events: list[Event] = []
    clock = direct.Clock()
    clock.advance(night * 86400)
    with Catalog.open(folder / "state" / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, folder / "state", events=events, clock=clock)
        policy = replace(context.policy, borg=site.settings, repositories=(site.repository,), jobs=(NIGHTLY,))
        emit = fan_out(attempt_recorder(catalog, policy.cluster, clock), events.append)
        context = replace(context, policy=policy, emit=emit)
        borg = UpkeepBorg(site.settings, site.repository, secret=str)
        yield UpkeepSite(cluster=cluster, context=context, clock=clock, events=events, borg=borg, site=site)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The site as it was after its nights."""

    live: Path
    saved: Path
    site: BorgSite

    @contextmanager
    def again(self) -> Iterator[UpkeepSite]:
        """Yield the site as it was, the morning after its last night."""
        shutil.rmtree(self.live)
        shutil.copytree(self.saved, self.live)
        cluster = SimulatedCluster.open(self.live / "cluster")
        recognise(cluster)
        with opened(self.live, self.site, cluster, night=NIGHTS) as site:
            yield site


def make_stock(folder: Path) -> Stock:
    """Live through the nights."""
    live = folder / "live"
    (live / "state").mkdir(parents=True)
    cluster = SimulatedCluster.create(live / "cluster", nodes=("node1", "node2"), volumes=("Volume1",))
    small = DiskSpec(size=4 * MIB, content=MIB)
    cluster.add_vm(HOSTILE, node="node1", disks=(small,))
    cluster.add_vm(OTHER, node="node2", disks=(small,))
    site = make_site(live / "borg")
    for night in range(NIGHTS):
        cluster.guest_write(cluster.find_vm(HOSTILE), data=f"night {night}".encode())
        with opened(live, site, cluster, night=night) as one:
            one.back_up()
    stranger = folder / "stranger"
    stranger.mkdir()
    (stranger / "file").write_text("of somebody else")
    raw(site, "create", f"::{STRANGER}", str(stranger))
    shutil.copytree(live, folder / "saved")
    return Stock(live=live, saved=folder / "saved", site=site)
