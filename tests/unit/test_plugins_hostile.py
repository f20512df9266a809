# ruff: noqa: ARG005 - a hook is called by the names of its arguments
"""A plugin that raises, hangs or answers nonsense costs itself, never an archive: each of the three, for each hook."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import click
import pytest

from borg_cluster import plugins
from borg_cluster.borg_process import Call, Ended
from borg_cluster.core.event import PluginCalled, Progress
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.selection import choose
from borg_cluster.core.settings import PluginSettings
from borg_cluster.errors import BorgClusterError, UsageError, Vetoed
from borg_cluster.hookspecs import hookimpl
from borg_cluster.stopping import Stop, Stopped
from tests.plan_strategies import inventory, job, machine, policy
from tests.unit.test_plugins import EVENT, HEAD, PLAN, archive

PATIENCE = 0.05
"""Seconds. Nothing here depends on them: what hangs, hangs for good."""
WAYS = ("raises", "exits", "hangs", "nonsense")


def act(way: str) -> object:
    """Do what no plugin should."""
    match way:
        case "raises":
            raise OSError("no\nroute")
        case "exits":
            raise SystemExit(3)
        case "hangs":
            threading.Event().wait()
    return 42


def manager_with(**hooks: Callable[..., object]) -> plugins.PluginManager:
    """Return a manager with one more plugin, called 'bad'."""
    manager = plugins.load(None, settings=PluginSettings(patience=PATIENCE))
    module = ModuleType("bad")
    for name, hook in hooks.items():
        setattr(module, name, hookimpl(hook))
    manager.register(module, name="bad")
    return manager


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_asked_of_the_next(way: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("WORD", "secret")
    manager = manager_with(get_secret=lambda reference: act(way))

    assert manager.secret("{env WORD}") == "secret"
    assert caplog.messages[0].startswith("plugin bad was passed over for the secret {env WORD}: ")
    assert "secret" not in caplog.messages[0].removeprefix("plugin bad was passed over for the secret ")
    if way != "hangs":
        with pytest.raises(UsageError, match=r"^plugin bad does not tell the secret \{vault x\}: "):
            manager.secret("{vault x}")


def test_what_a_plugin_knows_of_a_missing_secret_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORD", raising=False)
    with pytest.raises(UsageError, match=r"\{env WORD\} is not set"):
        manager_with().secret("{env WORD}")


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_selector_leaves_it_to_the_conditions(way: str, caplog: pytest.LogCaptureFixture) -> None:
    cluster = inventory(machine(1, "web", ()), machine(2, "db", ()))
    manager = manager_with(select_vm=lambda vm, job: act(way))

    heeded = manager.heed(policy(job("nightly")), cluster)

    assert [choose(one, heeded.jobs[0].select, ()).wanted for one in cluster.virtual_machines] == [True, True]
    assert caplog.messages[0].startswith("plugin bad was passed over in select_vm: ")
    # one that hangs is not asked again: a cluster has many VMs
    assert len(caplog.messages) == (1 if way == "hangs" else 2)


@contextmanager
def context(planned: object, way: str = "", *, at: str = "enter") -> Iterator[object]:
    if at == "enter" and way:
        act(way)
    yield planned
    if at == "exit":
        act(way)


OPENERS: dict[str, Callable[[PlannedArchive], object]] = {
    "call raises": lambda planned: act("raises"),
    "call exits": lambda planned: act("exits"),
    "call hangs": lambda planned: act("hangs"),
    "call answers nonsense": lambda planned: act("nonsense"),
    "enter raises": lambda planned: context(planned, "raises"),
    "enter hangs": lambda planned: context(planned, "hangs"),
    "yields nonsense": lambda planned: context(7),
    "yields another archive": lambda planned: context(replace(planned, subject="another")),
    "yields other roots": lambda planned: context(replace(planned, roots=(("/mnt/1", "Other"),))),
}


@pytest.mark.parametrize("way", OPENERS)
def test_a_source_is_read_where_it_is_mounted(way: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    planned = replace(archive(), roots=((str(tmp_path), "Volume1"),))
    manager = manager_with(open_source=lambda archive, owner: OPENERS[way](archive))

    with manager.open_source(planned, owner=lambda: None) as opened:
        (warning,) = opened.warnings
        assert warning.startswith("read where it is mounted: plugin bad could not open it (")
        assert "\n" not in warning
        assert replace(opened, warnings=()) == planned


def test_an_empty_folder_is_never_taken_for_a_volume(tmp_path: Path) -> None:
    planned = replace(archive(), roots=((str(tmp_path), "Volume1"),))
    manager = manager_with(open_source=lambda archive, owner: act("raises"))

    with (
        pytest.raises(BorgClusterError, match=rf"OSError: no route\), and nothing is mounted at {tmp_path}$"),
        manager.open_source(planned, owner=lambda: None),
    ):
        pass


def test_the_next_plugin_opens_what_the_first_can_not(tmp_path: Path) -> None:
    manager = manager_with(open_source=lambda archive, owner: act("raises"))
    good = ModuleType("good")
    better = replace(archive(), roots=(("/snap", "Volume1"),))
    good.open_source = hookimpl(lambda archive, owner: context(better))  # type: ignore[attr-defined]
    manager.register(good, name="good")
    worse = ModuleType("worse")
    worse.open_source = hookimpl(lambda archive, owner: act("nonsense"))  # type: ignore[attr-defined]
    manager.register(worse, name="worse")

    with manager.open_source(archive(), owner=lambda: None) as opened:
        assert opened.roots == better.roots
        assert opened.warnings == (
            "plugin worse could not open it (TypeError: it answered with int where a context is expected)",
        )


@pytest.mark.parametrize("way", ["raises", "exits", "hangs"])
def test_a_source_that_does_not_close_costs_no_archive(way: str, caplog: pytest.LogCaptureFixture) -> None:
    manager = manager_with(open_source=lambda archive, owner: context(archive, way, at="exit"))
    made = []

    with manager.open_source(archive(), owner=lambda: None) as opened:
        made.append(opened)

    assert made == [archive()]
    assert caplog.messages[0].startswith("plugin bad could not close the source of Volume1: ")


def test_an_error_of_the_reading_stays_what_it_is() -> None:
    class Swallows(AbstractContextManager[PlannedArchive]):
        def __enter__(self) -> PlannedArchive:
            return archive()

        def __exit__(self, *_: object) -> bool:
            return True

    for source in (Swallows, lambda: context(archive())):
        manager = manager_with(open_source=lambda archive, owner, source=source: source())
        with pytest.raises(BorgClusterError, match="torn"), manager.open_source(archive(), owner=lambda: None):
            raise BorgClusterError("torn")


def test_what_opens_too_late_is_closed(tmp_path: Path) -> None:
    go, closed = threading.Event(), threading.Event()

    @contextmanager
    def late(planned: PlannedArchive) -> Iterator[PlannedArchive]:
        go.wait()
        yield planned
        closed.set()

    (tmp_path / "file").touch()
    planned = replace(archive(), roots=((str(tmp_path), "Volume1"),))
    manager = manager_with(open_source=lambda archive, owner: late(archive))
    with manager.open_source(planned, owner=lambda: None) as opened:
        assert "no answer within 0.05 s" in opened.warnings[0]
    go.set()
    assert closed.wait(60)


FOLDER = Path("/mnt/1/r/staged")
TARGETS: dict[str, Callable[[], object]] = {
    "call raises": lambda: act("raises"),
    "call exits": lambda: act("exits"),
    "call hangs": lambda: act("hangs"),
    "call answers nonsense": lambda: act("nonsense"),
    "enter raises": lambda: context(FOLDER, "raises"),
    "enter hangs": lambda: context(FOLDER, "hangs"),
    "yields nonsense": lambda: context(7),
    "yields a root": lambda: context(Path("/")),
    "yields another folder": lambda: context(Path("/mnt/2/home/staged")),
    "yields a relative one": lambda: context(Path("r/staged")),
}


@pytest.mark.parametrize("way", TARGETS)
def test_a_restore_writes_where_it_is_mounted(way: str) -> None:
    manager = manager_with(open_target=lambda folder: TARGETS[way]())
    warned: list[str] = []
    with manager.open_target(FOLDER, warn=warned.append) as place:
        assert place == FOLDER
    (warning,) = warned
    assert warning.startswith(f"plugin bad could not open {FOLDER} to write there: ")
    assert "\n" not in warning


@pytest.mark.parametrize("way", ["raises", "exits", "hangs"])
def test_a_target_that_does_not_close_is_a_warning(way: str) -> None:
    manager = manager_with(open_target=lambda folder: context(FOLDER, way, at="exit"))
    warned: list[str] = []
    with manager.open_target(FOLDER, warn=warned.append):
        assert warned == []
    assert warned[0].startswith(f"plugin bad could not close {FOLDER}: ")


def test_an_error_of_the_writing_stays_what_it_is() -> None:
    manager = manager_with(open_target=lambda folder: context(FOLDER))
    with pytest.raises(BorgClusterError, match="torn"), manager.open_target(FOLDER, warn=pytest.fail):
        raise BorgClusterError("torn")


CALL = Call(arguments=("borg",), environment={}, repository="/r", passphrase="hunter2")


@pytest.mark.parametrize("way", WAYS)
def test_who_fails_to_run_a_job_is_told_and_no_other_is_asked(way: str) -> None:
    manager = plugins.load(None, settings=PluginSettings(patience=PATIENCE))
    for name in ("other", "bad"):
        module = ModuleType(name)
        module.run_job = hookimpl(lambda name=name: act(way if name == "bad" else "raises"))  # type: ignore[attr-defined]
        manager.register(module, name=name)
    seen: list[PluginCalled] = []
    manager.trace_to(seen.append)

    with pytest.raises(BorgClusterError, match=r"^plugin bad failed in run_job \("):
        manager.run_job(archive(), CALL, heed=lambda done: None, stop=Stop())
    assert [one.plugin for one in seen] == ["bad"]
    assert "hunter2" not in repr(CALL)


def test_who_runs_a_job_may_take_long_if_it_lives_and_hears_when_it_is_given_up() -> None:
    told: list[int] = []
    silent, heard = threading.Event(), threading.Event()
    ended = Ended(return_code=0, stdout=b"", stderr=b"")

    def run_job(archive: PlannedArchive, alive: Callable[[int], None]) -> Ended:
        if archive.name == "slow":
            for done in range(8):
                alive(done)
            return ended
        silent.wait()
        try:
            alive(1)
        except Exception:
            heard.set()
            raise
        return ended

    manager = manager_with(run_job=run_job)
    manager.patience = 30.0
    assert manager.run_job(replace(archive(), name="slow"), CALL, heed=told.append, stop=Stop()) == ("bad", ended)
    assert told == list(range(8))
    manager.patience = PATIENCE
    with pytest.raises(BorgClusterError, match=r"no answer within 0.05 s"):
        manager.run_job(archive(), CALL, heed=told.append, stop=Stop())
    silent.set()
    assert heard.wait(60)
    assert told == list(range(8))
    assert not manager.runs_jobs


def test_a_run_that_is_stopped_does_not_wait_for_who_runs_a_job() -> None:
    stop = Stop()

    def run_job() -> None:
        stop.set()
        threading.Event().wait()

    manager = manager_with(run_job=run_job)
    manager.patience = 3600.0
    with pytest.raises(Stopped):
        manager.run_job(archive(), CALL, heed=lambda done: None, stop=stop)


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_gate_stops_no_backup(way: str, caplog: pytest.LogCaptureFixture) -> None:
    manager_with(before_create=lambda plan: act(way)).check_create(PLAN)
    assert caplog.messages[0].startswith("plugin bad failed in before_create, so it stops nothing: ")


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_gate_stops_a_restore(way: str) -> None:
    manager = manager_with(before_extract=lambda plan: act(way))
    with pytest.raises(Vetoed, match=r"^plugin bad failed in before_extract, which counts as a no: "):
        manager.check_extract(cast("RestorePlan", None))


@pytest.mark.parametrize("way", WAYS)
def test_an_observer_is_a_warning_at_most(way: str) -> None:
    manager = manager_with(on_event=lambda event: act(way))
    (*warnings,) = manager.observe(EVENT)
    assert len(warnings) == (way != "nonsense")
    assert all(warning.message.startswith("plugin bad failed on Warned: ") for warning in warnings)
    # one that hangs is not asked again: a run has many events
    assert len(manager.observe(EVENT)) == (way in {"raises", "exits"})


@pytest.mark.parametrize("way", WAYS)
def test_commands_that_can_not_be_added_are_missing_alone(way: str) -> None:
    manager = manager_with(add_commands=lambda cli: act(way))
    group = click.Group(commands=[click.Command("run")])
    manager.add_commands(group)
    assert list(group.commands) == ["run"]
    assert len(manager.complaints) == (way != "nonsense")


@pytest.mark.parametrize("way", WAYS)
def test_a_file_is_left_out_with_its_line(way: str, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(f"{HEAD}from tests.unit.test_plugins_hostile import act\nact({way!r})\n")
    manager = plugins.load(tmp_path, settings=PluginSettings(patience=PATIENCE))
    (said,) = manager.complaints
    assert said.startswith(
        f"{tmp_path / 'bad.py'}:{1 if way == 'hangs' else 3}: " if way != "nonsense" else f"{tmp_path}/bad.py: impl"
    )


def test_what_is_called_can_be_traced_but_no_secret_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", "hunter2")
    manager = manager_with(on_event=lambda event: act("raises"), before_create=lambda plan: None)
    seen: list[PluginCalled] = []
    manager.trace_to(seen.append)

    manager.secret("{env WORD}")
    manager.check_create(PLAN)
    manager.observe(EVENT)
    manager.observe(Progress(subject="x", done=1, total=2, path=None))

    assert [(one.plugin, one.hook, one.outcome) for one in seen] == [
        ("credentials", "get_secret", "answered"),
        ("bad", "before_create", "nothing"),
        ("bad", "on_event", "OSError: no route"),
    ]


def test_calls_of_many_threads_are_one_at_a_time() -> None:
    inside, most = [0], [0]
    lock = threading.Lock()

    def on_event(event: Any) -> None:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        with lock:
            inside[0] -= 1

    manager = manager_with(on_event=on_event)
    threads = [threading.Thread(target=lambda: manager.observe(EVENT)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
