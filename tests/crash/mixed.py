"""Several faults in one restore: killed again and again, in its undo too, while nodes fail over and answers are lost.

The product is a process of its own on the real wire, as in the matrix, and each crash a SIGKILL: at any gate, or when a node has
done what it was asked and before its answer is heard.
"""

import json
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from borg_cluster import journal
from borg_cluster.core.progress import Progress
from borg_cluster.simulator.faults import Fault
from tests.crash.arena import Arena, receive
from tests.crash.sight import anywhere, differences, world

_GATES = 95
"""About so many gates has a restore; a crash behind the last one never comes."""
_COMMANDS = 160
"""About so many commands."""
_OFTEN = 3
"""So often it is gone on with at the end: with nothing in its way once is enough, if the first finds no lost answer."""


def mix(arena: Arena, how: settings) -> None:
    """Let Hypothesis look for faults that no restore in this arena survives."""

    class Here(Mixed):
        def __init__(self) -> None:
            super().__init__(arena)

    run_state_machine_as_test(Here, settings=how)


class Mixed(RuleBasedStateMachine):
    """A restore to which anything may happen, several times."""

    def __init__(self, arena: Arena) -> None:
        super().__init__()
        self.arena = arena
        self.cluster = arena.put("start")
        self.down: list[str] = []

    @rule(gate=st.integers(0, _GATES), undo=st.booleans(), blow=st.sampled_from(["none", "node", "owner", "name", "volume"]))
    def go_on_and_crash(self, gate: int, undo: bool, blow: str) -> None:
        """Go on with it (or begin it), until it is killed at some gate, perhaps together with something of the cluster."""
        self._go_on(undo=undo, crash_after=gate, blow=lambda: self._deal(blow))

    @rule(command=st.integers(1, _COMMANDS), undo=st.booleans())
    def go_on_and_hear_no_answer(self, command: int, undo: bool) -> None:
        """Go on with it, until it is killed after a command and before its answer."""
        self._go_on(undo=undo, mute_after=command)

    @rule(kind=st.sampled_from(["drop_before", "drop_after"]), occurrence=st.integers(1, _COMMANDS // 4))
    def lose_an_answer(self, kind: str, occurrence: int) -> None:
        """The connection is cut at a command that is asked soon."""
        self.cluster.faults.add(Fault(kind=kind, occurrence=occurrence))

    @rule()
    def node_up(self) -> None:
        """A node that went down comes back."""
        while self.down:
            self.cluster.node_up(self.down.pop())

    @invariant()
    def nothing_impossible(self) -> None:
        """Neither is nor was anything so that no VM could be started, unclaimed, or against any other rule."""
        self.cluster.check()
        assert self.arena.stage.unclaimed == []

    def teardown(self) -> None:
        """Whatever happened, with all nodes up it can be finished, and is then what it should be."""
        self.node_up()
        self.cluster.faults.clear()
        for _ in range(_OFTEN):
            self._go_on(undo=False, finish=True)
        progress = self._progress()
        outcome = progress.outcome if progress is not None else "never begun"
        assert outcome in {"restored", "undone", "refused", "never begun"}, progress
        expected = self.arena.tracks["restore"].end if outcome == "restored" else self.arena.before
        assert differences(_plain(expected), self._seen(progress)) == ()
        self.cluster.check()

    def _go_on(
        self,
        *,
        undo: bool,
        crash_after: int | None = None,
        mute_after: int | None = None,
        blow: Callable[[], object] = lambda: None,
        finish: bool = False,
    ) -> None:
        verb = self._verb(undo=undo, finish=finish)
        if verb is None:
            return
        progress = self._progress()
        restore_id = "" if progress is None else progress.plan.source.restore_id
        order = self.arena.order(verb, restore_id, gates=frozenset() if crash_after is None else None)
        passed = 0
        with self.arena.process(order) as (pid, connection):
            if mute_after is not None:
                kill = Fault(kind="change_after", occurrence=mute_after, change=lambda _: os.kill(pid, signal.SIGKILL))
                self.cluster.faults.add(kill)
            while (message := receive(connection))[0] == "gate":
                if passed == crash_after:
                    self.cluster.note("fault", "kill", gate=passed, step=message[2])
                    blow()
                    os.kill(pid, signal.SIGKILL)
                passed += 1
                with suppress(BrokenPipeError, ConnectionResetError):  # the dead don't go on
                    connection.send("go on")
        if mute_after is not None:
            self.cluster.faults.clear()
        assert message[0] in {"ended", "stopped", "killed"}, message

    def _verb(self, *, undo: bool, finish: bool) -> str | None:
        """Return what can be typed now."""
        progress = self._progress()
        if progress is None:
            return None if finish else "restore"
        if undo and progress.can_undo and (progress.purpose == "restore" or progress.outcome is None):
            return "undo"
        return "resume" if progress.outcome is None else None

    def _progress(self) -> Progress | None:
        known = journal.restores(self.arena.now / "state")
        return known[-1] if known else None

    def _seen(self, progress: Progress | None) -> Any:
        """Return the world as it is, under the id of the restore that it is compared with."""
        text = json.dumps(_plain(world(self.cluster)))
        if progress is not None:
            text = text.replace(progress.plan.source.restore_id, self.arena.tracks["restore"].restore_id)
        return json.loads(text)

    def _deal(self, blow: str) -> None:
        cluster, vm_id = self.cluster, self.arena.scenario.vm_id
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


def _plain(found: Any) -> Any:
    """Return a world as plain values, wherever its VMs are."""
    return json.loads(json.dumps(anywhere(found), default=sorted))
