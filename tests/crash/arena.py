"""The cluster's side: one worker's simulated cluster on the wire, put back to the moment before any step, and hit there."""

import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from borg_cluster import journal
from borg_cluster.core.policy import Policy
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.wire import Nodes, serve
from borg_cluster.simulator.wsman import Dropped
from tests.crash.cells import KILLS, MUST_STOP, Cell, Result, Walked, cells_of
from tests.crash.hits import Blow, hit
from tests.crash.product import Order, carry_out
from tests.crash.sight import anywhere, differences, world
from tests.crash.worlds import Scenario, make_world
from tests.e2e.restore_site import recognise

_PATIENCE = 600
"""Seconds after which a process that says nothing is taken for hung: a wrong result, which no right one depends on."""
_MOST_ATTEMPTS = 3
_ONLY_LOOKS = ("Get-", "Compare-", "Test-", "Wait-")


class Stage:
    """The cluster that is on the wire now; the wire stays when another world is put there."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.cluster = cluster
        self.unclaimed: list[str] = []
        """Changes that were made without a claim."""

    def invoke(self, node: str, command: str, parameters: Mapping[str, object]) -> str:
        """Execute a command; nothing but a claim may change anything while nobody holds one.

        One that a process asked for whose world has been put away since then finds no node: it may not reach into the next.
        """
        meant = self.cluster
        with meant.lock:
            if meant is not self.cluster:
                raise Dropped
            if not command.startswith(_ONLY_LOOKS) and not command.endswith("Claim") and not self._claims():
                self.unclaimed.append(f"{command} without a claim")
            return meant.invoke(node, command, parameters)

    def _claims(self) -> list[Path]:
        return list(self.cluster.folder.glob("volumes/*/.borg-cluster/claims/*.json"))

    def __getattr__(self, name: str) -> Any:
        """Be the cluster."""
        return getattr(self.cluster, name)


@dataclass(slots=True, kw_only=True)
class Track:
    """One walk as it goes when nothing happens: its steps, the world before each of them, and at its end."""

    restore_id: str
    steps: list[str] = field(default_factory=list)
    acted: set[tuple[str, str]] = field(default_factory=set)
    end: Any = None

    def has(self, cell: Cell) -> bool:
        """Whether the walk comes by this gate: a step that is found done doesn't act."""
        return (cell.step, cell.moment) in self.acted


class Arena:
    """One worker's place. All its paths stay the same from cell to cell, as the journals name them."""

    def __init__(self, folder: Path, scenario: Scenario, policy: Policy, stage: Stage) -> None:
        self.folder = folder
        self.scenario = scenario
        self.policy = policy
        self.stage = stage
        self.now = folder / "now"
        self.tracks: dict[Walked, Track] = {}
        self.before: Any = None
        self.processes = multiprocessing.get_context("forkserver")
        self.mutation: str | None = None

    # putting a world there

    def keep(self, name: str) -> None:
        """Keep the world as it is now."""
        with self.stage.cluster.lock:
            shutil.copytree(self.now, self.folder / "kept" / name)

    def put(self, name: str) -> SimulatedCluster:
        """Put a kept world there, and its cluster on the wire; its log begins anew."""
        with self.stage.cluster.lock:  # a command may still run that nobody waits for any more
            shutil.rmtree(self.now)
            shutil.copytree(self.folder / "kept" / name, self.now)
            (self.now / "cluster" / "log.jsonl").write_text("", encoding="utf-8")
            cluster = SimulatedCluster.open(self.now / "cluster")
            recognise(cluster)
            self.stage.cluster, self.stage.unclaimed = cluster, []
        return cluster

    # walking

    def record(self) -> None:
        """Walk a whole restore and its undo without any fault, and keep the world before each of their steps."""
        self.keep("start")
        self.put("start")
        self.before = world(self.stage.cluster)
        self.tracks["restore"] = self._track("restore", "restore", "")
        if self.scenario.request.in_place:
            return  # there is neither a way back nor anything parked
        self.keep("restored")
        restore_id = self.tracks["restore"].restore_id
        self.tracks["undo"] = self._track("undo", "undo", restore_id)
        self.put("restored")
        self.tracks["release"] = self._track("release", "release", restore_id)
        assert self.tracks["undo"].end == self.before, differences(self.before, self.tracks["undo"].end)

    def _track(self, walked: Walked, verb: str, restore_id: str) -> Track:
        track = Track(restore_id=restore_id)
        with self.process(self.order(verb, restore_id, gates=None)) as (_, connection):
            while (message := receive(connection))[0] == "gate":
                _, moment, step = message
                if moment == "step":
                    track.steps.append(step)
                    self.keep(f"{walked}-{len(track.steps):02}")
                else:
                    track.acted.add((step, moment))
                connection.send("go on")
        assert message[0] == "ended", message
        if not restore_id:
            (progress,) = journal.restores(self.now / "state")
            track.restore_id = progress.plan.source.restore_id
        track.end = world(self.stage.cluster)
        return track

    def order(self, verb: str, restore_id: str, *, gates: frozenset[tuple[str, str]] | None = frozenset()) -> Order:
        """Return what a process is told."""
        return Order(
            verb=verb,
            restore_id=restore_id,
            request=self.scenario.request,
            policy=self.policy,
            state=self.now / "state",
            begin=self.scenario.begin,
            gates=gates,
            mutation=self.mutation,
        )

    @contextmanager
    def process(self, order: Order) -> Iterator[tuple[int, Connection]]:
        """Run the product as a process of its own; it is over at the end, killed if need be."""
        ours, theirs = self.processes.Pipe()
        child = self.processes.Process(target=carry_out, args=(order, theirs))
        child.start()
        theirs.close()
        assert child.pid is not None
        try:
            yield child.pid, ours
        finally:
            ours.close()
            child.join(_PATIENCE)
            if child.is_alive():
                child.kill()
                child.join()
            child.close()

    # cells

    def cells(self) -> list[Cell]:
        """Return all cells whose gates the walks come by."""
        made = [
            cell for walked, track in self.tracks.items() for cell in cells_of(self.scenario.name, walked, tuple(track.steps))
        ]
        return [cell for cell in made if self.tracks[cell.walked].has(cell) and cell.hit not in self.scenario.without]

    def run(self, cell: Cell) -> Result:
        """Hit a walk where the cell says, go on as it says, and compare what becomes of it."""
        began = time.monotonic()
        cluster = self.put(f"{cell.walked}-{cell.number:02}")
        blow = Blow(
            cluster=cluster,
            original=self.scenario.vm_id,
            cell=cell,
            repository=Path(self.policy.repositories[0].path),
            is_copy=self.scenario.request.is_copy,
        )
        try:
            told = self._hit(cell, blow)
            wrong, attempts = self._go_on(cell, blow, told)
        finally:
            blow.mend()
        fired = blow.fired()
        if not wrong:
            blow.make_whole()
            wrong = self._compared(cell, blow)
        return Result(cell=cell, fired=fired, wrong=wrong, attempts=attempts, seconds=time.monotonic() - began)

    def _hit(self, cell: Cell, blow: Blow) -> tuple[str, str]:
        """Let the walk go on from before its step, and hit it; return how that process ended."""
        verb = "resume" if cell.walked == "restore" else cell.walked
        order = self.order(verb, self.tracks[cell.walked].restore_id, gates=frozenset({blow.gate}))
        if cell.hit in KILLS:
            order = replace(order, mutation=None)  # it is whoever goes on that must look
        with self.process(order) as (pid, connection):
            blow.pid = pid
            while (message := receive(connection))[0] == "gate":
                hit(blow)
                if cell.hit == "kill":
                    os.kill(pid, signal.SIGKILL)
                elif cell.way == "undo" and cell.walked == "restore" and cell.hit not in MUST_STOP and cell.hit != "mute":
                    os.kill(pid, signal.SIGTERM)  # it stops in order, to be undone
                with suppress(BrokenPipeError, ConnectionResetError):  # the dead don't go on
                    connection.send("go on")
        return message[0], message[1]

    def _go_on(self, cell: Cell, blow: Blow, told: tuple[str, str]) -> tuple[tuple[str, ...], int]:
        """Type what the cell says until that is done; return what is wrong, and how often it was typed."""
        wanted = "released" if cell.walked == "release" else "undone" if cell.way == "undo" else "restored"
        attempts = 0
        notice = MUST_STOP.get(cell.hit, ())
        if notice and (told[0] != "stopped" or not any(f"stopped at {step}:" in told[1] for step in notice)):
            return (f"{' or '.join(notice)} noticed nothing: {told}",), attempts
        while told != ("ended", wanted):
            if told[0] == "crashed" or attempts == _MOST_ATTEMPTS:
                return (f"{told[0]}: {told[1]}",), attempts
            if attempts and not blow.make_whole():
                return (f"{told[0]} though nothing is in its way: {told[1]}",), attempts
            attempts += 1
            restore_id = self.tracks[cell.walked].restore_id
            with self.process(self.order(cell.way, restore_id)) as (_, connection):
                message = receive(connection)
            told = (message[0], message[1])
        return (), attempts

    def _compared(self, cell: Cell, blow: Blow) -> tuple[str, ...]:
        track = self.tracks[cell.walked]
        expected = track.end if cell.walked == "release" or cell.way == "resume" else self.before
        found = world(self.stage.cluster)
        if blow.moves:
            expected, found = anywhere(expected), anywhere(found)
        violations = (*self.stage.cluster.state.violations, *self.stage.unclaimed)
        return (*violations, *differences(expected, found))


def receive(connection: Connection) -> tuple[str, str, str]:
    """Return what the product says next: that it is at a gate, or how it ended; nothing more comes from one that was killed."""
    try:
        if not connection.poll(_PATIENCE):
            return ("hung", f"it says nothing for {_PATIENCE} s", "")
        message: tuple[str, str, str] = connection.recv()
    except (EOFError, ConnectionResetError):
        return ("killed", "", "")
    return message


@contextmanager
def open_arena(folder: Path, scenario_name: str) -> Iterator[Arena]:
    """Yield a worker's arena with its walks recorded."""
    scenario = make_world(folder, scenario_name)
    stage = Stage(SimulatedCluster.open(folder / "now" / "cluster"))
    with serve(stage, folder=folder / "tls") as nodes:
        arena = Arena(folder, scenario, _over_the_wire(scenario.policy, nodes, folder), stage)
        arena.processes.set_forkserver_preload(["tests.crash.product"])
        arena.record()
        yield arena


def _over_the_wire(policy: Policy, nodes: Nodes, folder: Path) -> Policy:
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(nodes.password, encoding="utf-8")
    remoting = replace(
        policy.remoting,
        username=nodes.username,
        password=f"{{credential file {secret}}}",
        ca=str(nodes.ca),
        port=nodes.port,
        addresses=dict(nodes.addresses),
    )
    return replace(policy, remoting=remoting)
