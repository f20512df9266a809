"""The product's side: a real process with the real journal that asks over the real wire, and stops at gates to be hit there."""

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

from borg_cluster import extract, plugins
from borg_cluster.bridge import Bridge, Lost
from borg_cluster.catalog import Catalog
from borg_cluster.context import Context
from borg_cluster.core.event import Event, StepBegun
from borg_cluster.core.policy import Policy
from borg_cluster.core.progress import Done, Progress, Record
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.core.step import Step
from borg_cluster.errors import BorgClusterError
from borg_cluster.extract import look, walk
from borg_cluster.extract.scene import Scene
from borg_cluster.journal import OpenJournal, render_line
from tests.crash.mutations import mutate

_VERBS: dict[str, Callable[[Context, str], Progress]] = {
    "resume": extract.resume,
    "undo": extract.undo,
    "release": lambda context, restore_id: extract.release(context, restore_id, now=True),
}
_STEP = timedelta(seconds=15)
"""How far the clock goes on with each look: what waits for minutes has waited after some looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a process is to do. ``gates``: (step, moment) at which it stops and asks; None: at all of them."""

    verb: str
    restore_id: str
    request: RestoreRequest
    policy: Policy
    state: Path
    begin: datetime
    gates: frozenset[tuple[str, str]] | None = frozenset()
    mutation: str | None = None


def carry_out(order: Order, connection: Connection) -> None:
    """Run one verb in this process, and tell how it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _patch(order, connection)
    if order.mutation is not None:
        mutate(order.mutation)
    try:
        with Catalog.open(order.state / "catalog.sqlite") as catalog:
            outcome = _run(order, _context(order, catalog, connection))
    except BorgClusterError as error:
        connection.send(("stopped", f"{error.message} [{error.hint}]", None))
    except Exception:  # noqa: BLE001 - told to the matrix, which calls it wrong
        connection.send(("crashed", traceback.format_exc(), None))
    else:
        connection.send(("ended", outcome, None))
    connection.close()
    os._exit(0)


def _run(order: Order, context: Context) -> str | None:
    if order.verb == "restore":
        return extract.restore(context, order.request).outcome
    return _VERBS[order.verb](context, order.restore_id).outcome


def _context(order: Order, catalog: Catalog, connection: Connection) -> Context:
    loaded = plugins.load(None)
    now = [order.begin]

    def clock() -> datetime:
        now[0] += _STEP
        return now[0].astimezone(UTC)

    def emit(event: Event) -> None:
        if isinstance(event, StepBegun) and order.gates is None:
            _ask(connection, "step", event.step)

    return Context(
        policy=order.policy,
        bridge=Bridge(order.policy.remoting, domain=order.policy.domain, secret=loaded.secret),
        catalog=catalog,
        plugins=loaded,
        emit=emit,
        clock=clock,
        state=order.state,
    )


def _ask(connection: Connection, what: str, step: str) -> None:
    """Stop here until we are let go on; or until something else happens to us."""
    connection.send(("gate", what, step))
    connection.recv()


def _patch(order: Order, connection: Connection) -> None:
    """Put the gates in: around each act, and in the middle of the write of each record that a step is done."""
    act: Callable[[Step, Scene], Lost | None] = vars(walk)["act"]
    append = OpenJournal.append
    passed: set[tuple[str, str]] = set()

    def stop_at(step: str, moment: str) -> None:
        gate = (step, moment)
        if order.gates is not None and (gate not in order.gates or gate in passed):
            return
        passed.add(gate)
        _ask(connection, moment, step)

    def gated_act(step: Step, scene: Scene) -> Lost | None:
        stop_at(step.kind, "before")
        answer = act(step, scene)
        stop_at(step.kind, "after")
        return answer

    def gated_append(journal: OpenJournal, record: Record) -> None:
        if isinstance(record, Done) and (order.gates is None or (record.step, "torn") in order.gates):
            _tear(journal, record, lambda: stop_at(record.step, "torn"))
        else:
            append(journal, record)

    still = SimpleNamespace(sleep=lambda _seconds: None)
    vars(walk)["act"], vars(walk)["time"], vars(look)["time"] = gated_act, still, still
    OpenJournal.append = gated_append  # type: ignore[method-assign, assignment] # the seam that a crash has


def _tear(journal: OpenJournal, record: Record, between: Callable[[], None]) -> None:
    """Write a record in two halves, each of them synced; then beside the staged files, as ``OpenJournal.append`` does."""
    line = render_line(record)
    for half in (line[: len(line) // 2], line[len(line) // 2 :]):
        os.write(journal._file, half)
        os.fsync(journal._file)
        if half != line[len(line) // 2 :]:
            between()
    for folder in tuple(journal._beside):
        journal._append_beside(folder, line)
