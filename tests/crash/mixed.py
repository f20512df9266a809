"""Several faults in one restore: crashes, a second one in the undo, failovers and lost answers meanwhile, in any order.

Here the product runs in this process: a crash is an exception that nothing catches, at the same gates as in the matrix. The
journal and all files are real; what is staged is a copy of what Borg extracted once.
"""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from borg_cluster import extract, journal
from borg_cluster.catalog import Catalog
from borg_cluster.context import Context
from borg_cluster.core.event import Event
from borg_cluster.core.progress import Done, Progress, Record
from borg_cluster.errors import BorgClusterError
from borg_cluster.extract import look, stage, walk
from borg_cluster.journal import OpenJournal, render_line
from borg_cluster.simulator.state import SimulatedCluster
from tests import direct
from tests.crash.sight import anywhere, differences, world
from tests.crash.worlds import Scenario, make_world
from tests.e2e.restore_site import recognise

GATES = 70
"""About so many gates has a restore; a crash behind the last one never comes."""


class Crashed(BaseException):
    """The process is dead: nothing that it would still do is done."""


class Shelf:
    """What Borg extracted once, to be staged quickly: the part of a repository that a restore uses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.repository = SimpleNamespace(path="the shelf")

    def check_repository(self) -> None:
        """It is there."""

    def list_archives(self, pattern: str) -> list[SimpleNamespace]:
        """Hold whatever is asked for."""
        return [SimpleNamespace(name=pattern)]

    def extract(self, _archive: str, paths: tuple[str, ...], folder: Path, *, heed: object = None) -> None:
        """Copy files to a folder."""
        del heed
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._folder / path, folder / path)


class Play:
    """One copy of the world, and the product on it."""

    def __init__(self, folder: Path, scenario: Scenario, shelf: Shelf, stack: ExitStack) -> None:
        self.cluster = SimulatedCluster.open(folder / "cluster")
        recognise(self.cluster)
        self.scenario = scenario
        self.state = folder / "state"
        self._left: int | None = None
        self._blow: Callable[[], object] = lambda: None
        events: list[Event] = []
        catalog = stack.enter_context(Catalog.open(self.state / "catalog.sqlite"))
        clock = _Quick()
        context = direct.context(self.cluster, catalog, self.state, events=events, clock=clock)
        policy = replace(scenario.policy, mounts=direct.mounts(self.cluster))
        self.context: Context = replace(context, policy=policy)
        self._patch(shelf, stack)

    def _patch(self, shelf: Shelf, stack: ExitStack) -> None:
        act, append, still = vars(walk)["act"], OpenJournal.append, SimpleNamespace(sleep=lambda _: None)

        def gated_act(step: Any, scene: Any) -> Any:
            self._gate()
            answer = act(step, scene)
            self._gate()
            return answer

        def torn(held: OpenJournal, record: Record) -> None:
            if isinstance(record, Done) and self._left == 0:
                line = render_line(record)
                with (held.folder / journal.RECORDS).open("ab") as file:
                    file.write(line[: len(line) // 2])
            if isinstance(record, Done):
                self._gate()
            append(held, record)

        for module, name, value in (
            (walk, "act", gated_act),
            (walk, "time", still),
            (look, "time", still),
            (extract, "open_repository", lambda *_: shelf),
            (stage, "open_repository", lambda *_: shelf),
        ):
            stack.enter_context(patch.object(module, name, value))
        stack.enter_context(patch.object(OpenJournal, "append", torn))

    def _gate(self) -> None:
        if self._left == 0:
            self._left = None
            self._blow()
            raise Crashed
        if self._left is not None:
            self._left -= 1

    def run(self, verb: str, crash_after: int | None = None, blow: Callable[[], object] = lambda: None) -> str | None:
        """Run a verb, which crashes at a gate, with a blow to the cluster; return its outcome, None if it has none."""
        self._left, self._blow = crash_after, blow
        try:
            if verb == "restore":
                return extract.restore(self.context, replace(self.scenario.request)).outcome
            progress = {"resume": extract.resume, "undo": extract.undo}[verb](self.context, self.restore_id())
        except (Crashed, BorgClusterError):
            return None
        finally:
            self._left = None
        return progress.outcome

    def progress(self) -> Progress | None:
        """Return how far the restore is."""
        known = journal.restores(self.state)
        return known[-1] if known else None

    def restore_id(self) -> str:
        """Return the restore's id."""
        progress = self.progress()
        assert progress is not None
        return progress.plan.source.restore_id

    def seen(self) -> Any:
        """Return the world as far as it must be as it was, wherever it is."""
        found = anywhere(world(self.cluster))
        own = {path for path in found["files"] if ".borg-cluster" in path}
        rights = {key: vms for key, vms in found["rights"].items() if ".borg-cluster" not in key}
        return {**found, "files": {path: hash_ for path, hash_ in found["files"].items() if path not in own}, "rights": rights}


class _Quick(direct.Clock):
    def __call__(self) -> Any:
        self.now += timedelta(seconds=15)
        return self.now


@cache
def stock() -> tuple[Path, Scenario, Shelf, Any, Any]:
    """Make the world once, extract its archive once, and see how it is before and after a restore without faults."""
    folder = Path(tempfile.mkdtemp(prefix="mixed-"))
    scenario = make_world(folder, "available")
    with Catalog.open(folder / "now" / "state" / "catalog.sqlite") as catalog:
        cluster = SimulatedCluster.open(folder / "now" / "cluster")
        events: list[Event] = []
        context = direct.context(cluster, catalog, folder / "now" / "state", events=events, clock=direct.Clock())
        context = replace(context, policy=scenario.policy)
        label, archive, manifest = extract.resolve_archive(context, scenario.vm_id)
        (folder / "shelf").mkdir()
        paths = tuple(file.archive_path for file in manifest.files)
        stage.open_repository(context, label).extract(archive, paths, folder / "shelf")
    shelf = Shelf(folder / "shelf")
    with ExitStack() as stack:
        shutil.copytree(folder / "now", folder / "plain")
        play = Play(folder / "plain", scenario, shelf, stack)
        before = play.seen()
        assert play.run("restore") == "restored"
        return folder, scenario, shelf, before, play.seen()


class Mixed(RuleBasedStateMachine):
    """A restore to which anything may happen, several times."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.down: list[str] = []

    @initialize()
    def begin(self) -> None:
        """Put the world there."""
        folder, scenario, shelf, self.before, self.restored = stock()
        here = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="mixed-")))
        shutil.copytree(folder / "now", here / "now")
        self.play = Play(here / "now", scenario, shelf, self.stack)

    @rule(gate=st.integers(0, GATES), undo=st.booleans(), blow=st.sampled_from(["none", "node", "owner", "name", "volume"]))
    def go_on_and_crash(self, gate: int, undo: bool, blow: str) -> None:
        """Go on with it (or begin it), until it crashes at some gate, perhaps together with the cluster."""
        progress = self.play.progress()
        if progress is None:
            verb = "restore"
        elif undo and progress.can_undo and (progress.purpose == "restore" or progress.outcome is None):
            verb = "undo"
        elif progress.outcome is None:
            verb = "resume"
        else:
            return
        self.play.run(verb, gate, lambda: self._deal(blow))

    @rule()
    def lose_an_answer(self) -> None:
        """One node does not answer the next question."""
        bridge = self.play.context.bridge
        assert isinstance(bridge, direct.DirectBridge)
        name = f"node1.{self.play.cluster.domain}"
        bridge.aliases[name] = ""

        def once(_node: str, _command: str) -> None:
            bridge.before = again

        def again(_node: str, _command: str) -> None:
            bridge.aliases.pop(name, None)

        bridge.before = once

    @rule()
    def node_up(self) -> None:
        """A node that went down comes back."""
        while self.down:
            self.play.cluster.node_up(self.down.pop())

    def _deal(self, blow: str) -> None:
        cluster, vm_id = self.play.cluster, self.play.scenario.vm_id
        up = [node.name for node in cluster.state.nodes if node.answers]
        holder = next((one.node for one in cluster.registrations(vm_id)), None)
        if len(up) < 2 or blow == "none":  # one node must stay
            return
        if blow == "node":
            self.down.append(holder or cluster.core_owner)
            cluster.node_down(self.down[-1])
        elif blow == "owner" and holder is not None:
            cluster.migrate(vm_id, next(name for name in up if name != holder))
        elif blow == "name":
            cluster.move_core_group(next(name for name in up if name != cluster.core_owner))
        elif blow == "volume":
            for volume in cluster.state.volumes:
                cluster.move_coordinator(volume.folder, next(name for name in up if name != volume.owner_node))

    @invariant()
    def nothing_impossible(self) -> None:
        """Neither is nor was anything so that no VM could be started, or any other rule was broken."""
        if hasattr(self, "play"):
            self.play.cluster.check()

    def teardown(self) -> None:
        """Whatever happened, with all nodes up it can be finished, and is then what it should be."""
        with self.stack:
            if not hasattr(self, "play"):
                return
            self.node_up()
            progress = self.play.progress()
            for _ in range(2):
                if progress is not None and progress.outcome is None:
                    self.play.run("undo" if progress.purpose == "undo" else "resume")
                    progress = self.play.progress()
            outcome = progress.outcome if progress is not None else "refused"
            assert outcome in {"restored", "undone", "refused"}, progress
            expected = self.restored if outcome == "restored" else self.before
            assert differences(expected, self.play.seen()) == ()
            self.play.cluster.check()
