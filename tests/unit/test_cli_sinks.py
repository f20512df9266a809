"""Events reach every sink; the terminal shows a line each, the JSON log an object each, the tally the exit code."""

import io
import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from borg_cluster.cli.sinks import Tally, event_type, fan_out, json_log
from borg_cluster.cli.terminal import Terminal
from borg_cluster.core import event as events
from borg_cluster.core.event import Event
from borg_cluster.core.inventory import Finding, FindingCode, Severity
from borg_cluster.errors import ExitCode

HOSTILE = "web[1]* [red]\x1b[31m\n"
STARTED = events.ArchiveStarted(job="nightly", subject="id-1", name=HOSTILE, archive="hv-id-1", node="node1")
FINISHED = events.ArchiveFinished(
    job="nightly",
    subject="id-1",
    name=HOSTILE,
    archive="hv-id-1",
    consistency="crash",
    original_size=3 * 2**20,
    deduplicated_size=2**20,
    files=3,
    seconds=1.25,
    warnings=(),
)
WARNED_OF = events.ArchiveFinished(
    job="weekly",
    subject="Volume1",
    name="Volume1",
    archive="hv-Volume1",
    consistency="none",
    original_size=1,
    deduplicated_size=1,
    files=1,
    seconds=0.1,
    warnings=("stray.log changed while it was read",),
)
FAILED = events.ArchiveFailed(job="nightly", subject="id-2", name="db01", reason="no mount", hint="mounts:", refused=True)
FINDING = Finding(code=FindingCode.NODE_DOWN, severity=Severity.WARNING, subject="node3", message="down")
EVERY_EVENT: tuple[Event, ...] = (
    events.NodeAsked(node="node1"),
    events.NodeAnswered(node="node1", virtual_machines=3, seconds=0.2),
    events.NodeFailed(node="node3", reason="timed_out", message="no answer", hint="Test-WSMan node3"),
    events.Discovered(
        cluster="hv",
        nodes=3,
        virtual_machines=8,
        highly_available=5,
        findings=(FINDING,),
        seconds=0.5,
        age=0,
        reason="it was asked for",
    ),
    STARTED,
    events.Progress(subject="id-1", done=1, total=2, path="a.vhdx"),
    FINISHED,
    WARNED_OF,
    FAILED,
    events.Followed(subject="id-1", name=HOSTILE, was="node1", now="node2"),
    events.StepBegun(restore_id="r1", step="Stop", number=6, total=22, message="the role goes offline"),
    events.StepDone(restore_id="r1", step="Stop", acted=False, seconds=0.1, message="offline"),
    events.RestoreFinished(
        restore_id="r1", subject="id-1", name="web01", outcome="restored", offline_seconds=2.5, warnings=("w",)
    ),
    events.Warned(subject="id-1", message="a doubt", hint=None),
    events.CommandHookRan(moment="before", scope="vm", command="true", return_code=0),
    events.Pruned(repository="main", removed=("hv-id-1",), kept=3, held=1, seconds=1.5, dry_run=False),
    events.Compacted(repository="main", message="compaction freed about 3 MB", seconds=1.5),
    events.Checked(repository="main", check="data", seconds=1.5),
    events.Verified(
        subject="id-1", name=HOSTILE, archive="hv-id-1", repository="main", files=3, size=5, seconds=0.1, warnings=()
    ),
    events.UpkeepFailed(action="check data", subject="main", reason="it is damaged", hint="borg check"),
    events.Noted(subject="id-3", message="as it was meant to be"),
    events.RunStarted(run_id="r-1", cluster="hv", verb="run"),
    events.RunFinished(
        run_id="r-1", cluster="hv", verb="run", exit_code=3, done=2, failed=1, warnings=0, seconds=61.5, reason=None
    ),
    events.CatalogRebuilt(cluster="hv", archives=3, runs=1, oldest="2026-03-01T02:00:00Z", reason="its file was not there"),
    events.Retrying(
        subject="id-1", name=HOSTILE, fault="share_hiccup", reason="gone", why="back soon", number=1, most=3, seconds=30.0
    ),
    events.PluginCalled(plugin="ntfy.py", hook="on_event", outcome="nothing"),
    events.Booted(
        subject="id-1",
        name=HOSTILE,
        archive="hv-id-1",
        repository="main",
        node="node1",
        heartbeat="OkApplicationsHealthy",
        seconds=61.5,
    ),
)


def _shown(*happened: Event, verbosity: int = 0, terminal: bool = False) -> str:
    screen = io.StringIO()
    console = Console(
        file=screen, width=80, force_terminal=terminal, markup=False, emoji=False, highlight=False, color_system=None
    )
    with Terminal(console, verbosity=verbosity) as show:
        for event in happened:
            show(event)
    return screen.getvalue()


def test_every_event_has_a_line_for_those_who_want_to_see_all() -> None:
    silent = (events.Progress,)
    for event in EVERY_EVENT:
        assert bool(_shown(event, verbosity=1)) is not isinstance(event, silent), event


def test_the_union_of_events_is_covered_here() -> None:
    assert {type(event) for event in EVERY_EVENT} == set(Event.__args__)


@pytest.mark.parametrize("terminal", [False, True])
def test_hostile_names_neither_break_lines_nor_colour_them(*, terminal: bool) -> None:
    shown = _shown(STARTED, EVERY_EVENT[5], FINISHED, terminal=terminal)
    assert r"web[1]* [red]\x1b[31m\n" in shown
    assert "\x1b[31m" not in shown


def test_a_log_file_gets_one_line_an_event_and_no_bar() -> None:
    shown = _shown(*EVERY_EVENT)
    assert "\x1b" not in shown
    assert shown.count("3.0 MiB read, 1.0 MiB stored, 1.2 s") == 1
    assert max(map(len, _shown(events.Warned(subject="s", message="m" * 200, hint=None)).splitlines())) > 200


def test_quiet_shows_only_what_is_wrong() -> None:
    assert _shown(STARTED, FINISHED, EVERY_EVENT[3], verbosity=-1) == ""
    assert "refused   db01  no mount\n          hint: mounts:\n" in _shown(FAILED, verbosity=-1)
    assert "changed while it was read" in _shown(WARNED_OF, verbosity=-1)


def test_a_warning_about_a_vm_under_way_carries_its_name() -> None:
    assert "warning   web[1]*" in _shown(STARTED, EVERY_EVENT[13])


def test_an_id_that_has_no_name_here_is_not_shown_and_a_hint_that_stays_the_same_is_told_once() -> None:
    left = events.Warned(subject="5f0c3a52-0000-4000-8000-000000000001", message="what was left on web01 was ended", hint=None)
    assert _shown(left).splitlines() == ["warning   what was left on web01 was ended"]
    assert _shown(FAILED, FAILED, EVERY_EVENT[2], FAILED).count("hint: mounts:") == 2, "once more after another one"


@pytest.mark.parametrize(
    ("happened", "code"),
    [
        ((), ExitCode.FINE),
        ((FINISHED,), ExitCode.FINE),
        ((FINISHED, WARNED_OF), ExitCode.WARNINGS),
        ((FINISHED, EVERY_EVENT[2]), ExitCode.WARNINGS),
        ((FINISHED, FAILED), ExitCode.SOME_FAILED),
        ((FAILED,), ExitCode.ALL_FAILED),
        ((FAILED, EVERY_EVENT[13]), ExitCode.ALL_FAILED),
        ((EVERY_EVENT[12],), ExitCode.WARNINGS),
        ((EVERY_EVENT[15], EVERY_EVENT[18]), ExitCode.FINE),
        ((FINISHED, EVERY_EVENT[19]), ExitCode.SOME_FAILED),
    ],
)
def test_the_exit_code_tells_how_it_went(happened: tuple[Event, ...], code: ExitCode) -> None:
    tally = Tally()
    for event in happened:
        tally(event)
    assert tally.exit_code == code


def test_the_json_log_is_one_object_a_line_with_type_and_time(capsys: pytest.CaptureFixture[str]) -> None:
    emit = fan_out(json_log(lambda: datetime(2026, 3, 1, 21, tzinfo=UTC)))
    for event in EVERY_EVENT:
        emit(event)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["type"] for line in lines] == [event_type(event) for event in EVERY_EVENT]
    assert {line["time"] for line in lines} == {"2026-03-01T21:00:00.000+00:00"}
    assert lines[6] | {"name": HOSTILE, "type": "archive_finished", "seconds": 1.25} == lines[6]
    assert lines[3]["findings"][0]["code"] == "node_down"
