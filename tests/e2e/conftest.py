"""A whole site for each test: the story's cluster, served; a configuration, a repository and a state directory of its own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from borg_cluster import cli, config, plugins
from borg_cluster.cli.demo_site import DemoSite, environment_of
from borg_cluster.cli.demo_stage import SimulatedStage, staged
from borg_cluster.cli.site import open_context
from borg_cluster.context import Context
from borg_cluster.core.event import Event
from borg_cluster.simulator.state import SimulatedCluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed with --json."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The site of one test. ``cluster`` is the simulated one, to change the world with."""

    site: DemoSite
    cluster: SimulatedCluster
    stage: SimulatedStage
    events: list[Event]
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Done:
        """Type a command line, in this process."""
        self.capture.readouterr()
        code = cli.run(list(arguments))
        printed = self.capture.readouterr()
        return Done(code=code, out=printed.out, err=printed.err)

    def ask(self, *arguments: str) -> Any:
        """Return what a command prints with --json; it must go well, at most with warnings."""
        done = self.run("--json", *arguments)
        assert done.code in {0, 1}, done.err
        return done.document


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Shop]:
    """Serve the story's cluster; `borg-cluster` in this process finds it by its environment."""
    site = DemoSite(folder=tmp_path / "shop")
    site.folder.mkdir()
    with environment_of(site), staged(site) as stage:
        yield Shop(site=site, cluster=stage.cluster, stage=stage, events=[], capture=capsys)
        stage.check()


@pytest.fixture
def context(shop: Shop) -> Iterator[Context]:
    """A context of the shop for calling verbs; events gather in ``shop.events``."""
    policy = config.load(shop.site.configuration)
    state = shop.site.folder / "state"
    with open_context(policy, plugins=plugins.load(None), emit=shop.events.append, state=state) as opened:
        yield opened
