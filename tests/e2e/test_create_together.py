"""create with two real repositories: they fill together under the caps, each fails alone, and what passes is tried again."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import owner
from borg_cluster.borg import find_borg
from borg_cluster.borg_locks import host_id
from borg_cluster.borg_process import environment
from borg_cluster.core.caps import Caps
from borg_cluster.core.event import ArchiveFailed, ArchiveFinished, ArchiveStarted, CommandHookRan, Event, Retrying
from borg_cluster.core.planned import BackupPlan
from borg_cluster.core.policy import CommandHook, Condition, JobKind, Repository, Selection, WantedConsistency
from borg_cluster.core.retry import Retries
from borg_cluster.create import create
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import CommandError, DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests import direct
from tests.e2e.borg_site import open_borg
from tests.e2e.test_create import Night, job, open_night, paths

SMALL = DiskSpec(size=4 * MIB, content=MIB)
A, B = (
    replace(
        job(label, JobKind.VIRTUAL_MACHINES, Condition(name=f"{label}*")), repository=label, consistency=WantedConsistency.CRASH
    )
    for label in ("a", "b")
)
VOLUMES = replace(job("volumes", JobKind.VOLUMES), repository="b")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "_PAUSES", (0.0,) * 8)


def opened(folder: Path, names: tuple[str, ...]) -> Iterator[Night]:
    """Machines for two repositories by their first letters, all on one volume, and a job for the volume."""
    cluster = SimulatedCluster.create(folder / "cluster", nodes=("node1", "node2"), volumes=("Volume1",))
    for number, name in enumerate(names):
        cluster.add_vm(name, node=f"node{number % 2 + 1}", disks=(SMALL,))
    for night in open_night(cluster, folder):
        first = Repository(path=night.borg.repository.path, label="a")
        second = Repository(path=str(folder / "second"), label="b")
        open_borg(night.borg.settings, second).init(encryption="none")
        night.reconfigure(repositories=(first, second), jobs=(A, B, VOLUMES))
        yield night


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Night]:
    """A machine for each repository."""
    yield from opened(tmp_path, ("a1", "b1"))


@pytest.fixture
def wide_night(tmp_path: Path) -> Iterator[Night]:
    """Two machines for each."""
    yield from opened(tmp_path, ("a1", "b1", "a2", "b2"))


def planned(night: Night, *jobs: str) -> BackupPlan:
    """Return a plan under an id as real runs have it."""
    plan = night.plan(*jobs)
    return replace(plan, run_id=f"11111111-0000-4000-8000-{night.runs:012}")


def listen(night: Night, hear: Callable[[Event], None]) -> None:
    """Let something happen with each event, in the thread that emits it."""
    tell = night.context.emit

    def emit(event: Event) -> None:
        tell(event)
        hear(event)

    night.context = replace(night.context, emit=emit)


def stored(night: Night, label: str) -> list[str]:
    (repository,) = [one for one in night.context.policy.repositories if one.label == label]
    return [one.name for one in open_borg(night.borg.settings, repository).list_archives()]


def most_at_once(night: Night, repository_of: dict[str, str]) -> tuple[int, dict[str, int]]:
    """Return how many archives were under way together, in all and by repository, by the order of the events."""
    running: set[str] = set()
    most, each = 0, dict.fromkeys(repository_of.values(), 0)
    for event in night.events:
        if isinstance(event, ArchiveStarted):
            running.add(event.subject)
        elif isinstance(event, ArchiveFinished | ArchiveFailed):
            running.discard(event.subject)
        most = max(most, len(running))
        for label in each:
            each[label] = max(each[label], sum(repository_of[subject] == label for subject in running))
    return most, each


def test_two_repositories_are_written_at_once_under_the_caps(wide_night: Night) -> None:
    together = threading.Barrier(2, timeout=60)
    left = [together] * 2

    def meet(event: Event) -> None:
        if isinstance(event, ArchiveStarted) and left:
            left.pop().wait()  # breaks unless the other repository's archive is begun, too

    listen(wide_night, meet)
    plan = planned(wide_night)
    outcome = wide_night.run(plan=plan)
    assert (outcome.done, outcome.failed) == (5, 0), wide_night.events
    most, each = most_at_once(wide_night, {archive.subject: archive.repository for archive in plan.archives})
    assert most == 2
    assert each == {"a": 1, "b": 1}
    assert [len(stored(wide_night, label)) for label in ("a", "b")] == [2, 3]
    last = [event for event in wide_night.events if isinstance(event, ArchiveStarted | ArchiveFinished)][-2:]
    assert {event.name for event in last} == {"Volume1"}, "a volume comes after the machines on it"
    assert not list((wide_night.context.state / "runs").rglob("*.jsonl"))
    assert wide_night.claims() == []


def test_a_cap_of_one_is_kept(wide_night: Night) -> None:
    wide_night.reconfigure(caps=Caps(snapshots_per_volume=1))
    plan = planned(wide_night, "a", "b")
    assert wide_night.run(plan=plan).done == 4
    most, _ = most_at_once(wide_night, {archive.subject: archive.repository for archive in plan.archives})
    assert most == 1
    begun = [event.name for event in wide_night.of(ArchiveStarted)]
    assert begun == ["a1", "b1", "a2", "b2"], "the repositories take turns"


def test_a_repository_that_does_not_open_fails_alone(night: Night, tmp_path: Path) -> None:
    gone = Repository(path=str(tmp_path / "nowhere" / "at all"), label="a")
    log = tmp_path / "log"
    line = f'echo "$BORG_CLUSTER_REPOSITORY_LABEL $BORG_CLUSTER_STATE" >> {log}'
    after = CommandHook(moment="after", scope="repository", when=(), states=(), run=(line,))
    night.reconfigure(repositories=(gone, night.context.policy.repositories[1]), commands=(after,))
    outcome = night.run(plan=planned(night))
    assert (outcome.done, outcome.failed, outcome.unopened) == (2, 1, ("a",))
    assert {event.name for event in night.of(ArchiveFailed)} == {"a1"}
    assert all("does not exist" in event.reason and event.refused for event in night.of(ArchiveFailed))
    assert sorted(log.read_text(encoding="utf-8").splitlines()) == ["a fail", "b finish"]
    held = paths_of_volume(night)
    assert any("a1" in path for path in held), "what has no archive of its own stays in its volume's"
    assert not any("b1" in path for path in held)


def paths_of_volume(night: Night) -> set[str]:
    night.borg = replace(night.borg, borg=open_borg(night.borg.settings, night.context.policy.repositories[1]))
    return paths(night, night.finished()["Volume1"])


def test_a_repository_that_a_command_skips_leaves_its_files_to_the_volume(night: Night) -> None:
    skip = CommandHook(
        moment="before", scope="repository", when=(), states=(), run=('test "$BORG_CLUSTER_REPOSITORY_LABEL" != a || exit 75',)
    )
    night.reconfigure(commands=(skip,))
    outcome = night.run(plan=planned(night))
    assert (outcome.done, outcome.failed) == (2, 0)
    assert [event.return_code for event in night.of(CommandHookRan)] == [75, 0]
    assert any("a1" in path for path in paths_of_volume(night))


def test_a_repository_that_somebody_writes_to_is_waited_for_and_the_other_one_is_not(night: Night) -> None:
    night.reconfigure(retries=Retries(most=2, wait=30))
    repository = night.context.policy.repositories[0]
    lock = Path(repository.path) / "lock.exclusive"
    lock.mkdir()
    holder = lock / f"{host_id(environment(night.borg.settings, repository.path))}.{os.getpid()}-0"
    holder.touch()

    def let_go(event: Event) -> None:
        if isinstance(event, ArchiveFinished) and event.name == "b1" and holder.exists():
            holder.unlink()
            lock.rmdir()

    listen(night, let_go)
    outcome = night.run(plan=planned(night, "a", "b"))
    assert (outcome.done, outcome.failed, outcome.warnings, outcome.retries) == (2, 0, 0, 1), night.events
    (retry,) = night.of(Retrying)
    assert (retry.subject, retry.fault, retry.number, retry.most) == ("a", "repository_locked", 1, 2)
    assert [event.name for event in night.of(ArchiveStarted)] == ["b1", "a1"]


def test_a_snapshot_that_is_refused_while_vss_is_busy_is_tried_again(wide_night: Night) -> None:
    wide_night.reconfigure(retries=Retries(most=2, wait=30), caps=Caps(archives=1))
    error = CommandError("VSS says no.", "BorgClusterSnapshotFailed", "ResourceBusy", code="0x80042316")
    fault = wide_night.cluster.faults.add(Fault(kind="error", command="New-BorgClusterSnapshot", error=error))
    outcome = wide_night.run(plan=planned(wide_night, "a"))
    assert (outcome.done, outcome.failed, outcome.retries, fault.fired) == (2, 0, 1, 1), wide_night.events
    (retry,) = wide_night.of(Retrying)
    assert (retry.name, retry.fault) == ("a1", "snapshot_busy")
    assert [event.name for event in wide_night.of(ArchiveFinished)] == ["a2", "a1"], "the other one goes first meanwhile"


class Nowhere(dict[str, str]):
    """Names that all lead nowhere."""

    def get(self, _name: str, _default: object = None) -> str:
        """Return where a name leads: nowhere."""
        return ""


def test_a_cluster_that_comes_back_has_its_archives(night: Night) -> None:
    night.reconfigure(retries=Retries(most=2, wait=30), caps=Caps(archives=1))
    plan = planned(night, "a")
    bridge = night.context.bridge
    assert isinstance(bridge, direct.DirectBridge)
    bridge.aliases = Nowhere()

    def come_back(event: Event) -> None:
        if isinstance(event, Retrying) and event.number == 2:
            bridge.aliases = {}

    listen(night, come_back)
    inventory = night.context.catalog.latest_inventory(plan.cluster)
    assert inventory is not None
    outcome = create(night.context, plan, inventory)
    assert (outcome.done, outcome.failed) == (1, 0), night.events
    assert {event.fault for event in night.of(Retrying)} == {"node_unreachable"}
    assert outcome.retries == len(night.of(Retrying)) >= 2


SHELL = """#!/bin/sh
# borg, but for the answer to its first rename: that is lost on the way
case " $* " in
    *" rename "*) {borg} "$@" || exit $?
        if [ ! -e {mark} ]; then
            touch {mark}
            echo '{{"type": "log_message", "levelname": "ERROR", "msgid": "ConnectionClosed", "message": "closed"}}' >&2
            exit 80
        fi;;
    *) exec {borg} "$@";;
esac
"""


def test_a_rename_whose_answer_is_lost_is_looked_up_and_not_sent_again(night: Night, tmp_path: Path) -> None:
    shell = tmp_path / "borg.sh"
    shell.write_text(SHELL.format(borg=find_borg("borg"), mark=tmp_path / "lost"), encoding="utf-8")
    shell.chmod(0o700)
    night.reconfigure(retries=Retries(most=1, wait=30), borg=replace(night.borg.settings, executable=str(shell)))
    night.reconfigure(jobs=(replace(A, select=Selection(include=(Condition(name="a1"),), exclude=())),))
    outcome = night.run(plan=planned(night))
    assert (outcome.done, outcome.failed, outcome.retries) == (1, 0, 1), night.events
    assert (tmp_path / "lost").exists()
    assert stored(night, "a") == [night.finished()["a1"]]
    assert night.of(Retrying)[0].fault == "connection_lost"


class Interrupted(BaseException):
    """As a signal's handler raises it."""


def test_a_signal_ends_both_in_order_and_the_next_run_finds_nothing(night: Night) -> None:
    night.cluster.switches.merge_after = 6  # nobody waits for it when all is to end, so the next run meets it
    night.reconfigure(retries=Retries(most=3, wait=30))
    together = threading.Barrier(2, timeout=60)

    def interrupt(event: Event) -> None:
        if isinstance(event, ArchiveStarted) and together.wait() == 0:
            os.kill(os.getpid(), signal.SIGUSR1)
        if isinstance(event, ArchiveStarted):
            assert night.context.stop._event.wait(60), "both have been told before either goes on"

    def raised(_number: int, _frame: object) -> None:
        raise Interrupted

    quiet = night.context
    listen(night, interrupt)
    before = signal.signal(signal.SIGUSR1, raised)
    try:
        with pytest.raises(Interrupted):
            night.run(plan=planned(night, "a", "b"))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert night.of(ArchiveStarted)
    assert not night.of(ArchiveFinished)
    assert night.claims() == []
    assert not [one for machine in night.cluster.state.machines for one in machine.definition.snapshots()]
    night.context = replace(quiet, stop=direct.Hurry(night.clock))
    night.clock.advance(60)
    outcome = night.run(plan=planned(night, "a", "b"))
    assert (outcome.done, outcome.failed) == (2, 0), night.of(ArchiveFailed)
    assert not list((night.context.state / "runs").rglob("*.jsonl"))
    assert all(not name.endswith(".checkpoint") for label in ("a", "b") for name in stored(night, label))
