"""A whole site for each test: the story's cluster, served; a configuration, a repository and a state directory of its own."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
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

FEW_VMS = """
  one: # for tests that need any archive at all: each costs four runs of borg
    kind: virtual_machines
    select: {include: [{name: "O'Brien*"}]}
  two:
    kind: virtual_machines
    select: {include: [{name: "O'Brien*"}, {name: sql01}]}
"""
NO_RETRIES = "retries: 0 # what fails shall fail at once\n"


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
    """The site of one test, or of several that only look. ``cluster`` is the simulated one, to change the world with."""

    site: DemoSite
    cluster: SimulatedCluster
    stage: SimulatedStage
    events: list[Event]

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find this site."""
        return {**os.environ, **self.site.environment}

    def run(self, *arguments: str) -> Done:
        """Type a command line, in this process."""
        with environment_of(self.site), redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            code = cli.run(list(arguments))
        return Done(code=code, out=out.getvalue(), err=err.getvalue())

    def ask(self, *arguments: str) -> Any:
        """Return what a command prints with --json; it must go well, at most with warnings."""
        done = self.run("--json", *arguments)
        assert done.code in {0, 1}, done.err
        return done.document


@contextmanager
def open_shop(folder: Path) -> Iterator[Shop]:
    """Serve the story's cluster with a site in ``folder``; at the end the world must be as it may be."""
    site = DemoSite(folder=folder)
    folder.mkdir()
    with staged(site) as stage:
        text = site.configuration.read_text(encoding="utf-8").replace("\njobs:\n", f"\n{NO_RETRIES}jobs:\n")
        site.configuration.write_text(text + FEW_VMS, encoding="utf-8")
        yield Shop(site=site, cluster=stage.cluster, stage=stage, events=[])
        stage.check()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A site of the test's own."""
    with open_shop(tmp_path / "shop") as opened:
        yield opened


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A site for all tests that only look, with an archive of one VM (job ``one``)."""
    with open_shop(tmp_path_factory.mktemp("window") / "shop") as opened:
        assert opened.run("create", "one").code == 0
        yield opened


@pytest.fixture
def context(shop: Shop) -> Iterator[Context]:
    """A context of the shop for calling verbs; events gather in ``shop.events``."""
    policy = config.load(shop.site.configuration)
    state = shop.site.folder / "state"
    with open_context(policy, plugins=plugins.load(None), emit=shop.events.append, state=state) as opened:
        yield opened
