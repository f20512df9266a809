"""Every way to fail is one line and an exit code, never a traceback."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from borg_cluster import cli
from borg_cluster.cli.failure import Interrupted, exit_code_of, tell
from borg_cluster.errors import (
    BorgFailed,
    Claimed,
    Complaint,
    ConfigError,
    ExitCode,
    RepositoryRefused,
    RestoreStopped,
    UnknownVM,
    UsageError,
)

COMPLAINTS = (Complaint(place="a.yaml:3:5", message="unknown key 'nod'", hint="node"), Complaint(place="a.yaml:9:1", message="b"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownVM("no VM web9"), ExitCode.REFUSED),
        (Claimed("held"), ExitCode.REFUSED),
        (RepositoryRefused("locked"), ExitCode.REFUSED),
        (ConfigError(COMPLAINTS), ExitCode.USAGE),
        (UsageError("?"), ExitCode.USAGE),
        (click.UsageError("?"), ExitCode.USAGE),
        (click.BadParameter("?"), ExitCode.USAGE),
        (click.ClickException("?"), ExitCode.USAGE),
        (click.exceptions.Exit(3), 3),
        (BorgFailed("?"), ExitCode.ALL_FAILED),
        (RestoreStopped("?"), ExitCode.ALL_FAILED),
        (ZeroDivisionError("?"), ExitCode.ALL_FAILED),
        (click.Abort(), 130),
        (Interrupted(signal.SIGTERM), 143),
        (BrokenPipeError(), 141),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exit_codes(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code


def test_message_and_hint_are_a_line_each_whatever_they_hold(capsys: pytest.CaptureFixture[str]) -> None:
    tell(UnknownVM("no VM a\nb\x1b[2J", hint="say one of: x\ny"), log_json=False)
    assert capsys.readouterr().err == "error: no VM a\\nb\\x1b[2J\nhint: say one of: x\\ny\n"


def test_a_configuration_error_is_a_line_each_complaint(capsys: pytest.CaptureFixture[str]) -> None:
    tell(ConfigError(COMPLAINTS), log_json=False)
    assert capsys.readouterr().err == "error: a.yaml:3:5: unknown key 'nod' (node)\nerror: a.yaml:9:1: b\n"


def test_the_unexpected_is_one_line_that_says_how_to_see_more(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BORG_CLUSTER_DEBUG", raising=False)
    tell(ZeroDivisionError("by zero"), log_json=False)
    shown = capsys.readouterr().err
    assert (
        shown
        == "error: unexpected ZeroDivisionError: by zero\nhint: BORG_CLUSTER_DEBUG=1 shows where; please report it with that\n"
    )
    monkeypatch.setenv("BORG_CLUSTER_DEBUG", "1")
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 // 0
    tell(caught.value, log_json=False)
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_for_programs_an_error_is_an_object_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Claimed("web01 is claimed", hint="wait", holder="other", since="2026-03-01"), log_json=True)
    read = json.loads(capsys.readouterr().err)
    assert (read["type"], read["message"], read["hint"], read["exit_code"]) == ("error", "web01 is claimed", "wait", 4)
    assert read["fields"] == {"holder": "other", "since": "2026-03-01"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["discove"], "Did you mean 'discover'?"),
        (["discover", "--jsn"], "Did you mean '--json'?"),
        (["config"], "Missing command"),
        (["--config", "/nonexistent/x.yaml", "discover"], "/nonexistent/x.yaml"),
    ],
)
def test_wrong_words_exit_64_with_the_nearest_right_one(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(arguments) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("error: ")
    assert not captured.out


def test_an_option_that_goes_before_the_command_is_named_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["plan", "-v"]) == ExitCode.USAGE
    assert capsys.readouterr().err.splitlines()[1].endswith("hint: it goes before the command: borg-cluster -v plan")


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [path]
    for name, command in group.commands.items():
        found += _commands(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


@pytest.mark.parametrize("path", _commands(cli.cli), ids=" ".join)
def test_each_command_has_a_help_of_80_columns_with_its_exit_codes(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run([*path, "--help"]) == ExitCode.FINE
    shown = capsys.readouterr().out
    assert "Exit codes:" in shown
    assert "128+n  ended by signal n" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown.partition("Commands:")[2], "a command's first sentence is its short help"


def test_without_a_command_it_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == ExitCode.FINE
    assert "Usage: borg-cluster" in capsys.readouterr().out


_HOLDS = """
import contextlib, signal, sys
from borg_cluster import cli
import click

@click.command("hold")
def hold():
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: print("context ended", flush=True))
        print("ready", flush=True)
        signal.pause()

cli.cli.add_command(hold)
sys.argv = ["borg-cluster", "hold"]
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_contexts_first_and_exits_128_and_n(number: signal.Signals) -> None:
    command = [sys.executable, "-c", _HOLDS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        shown, complained = process.communicate()
    assert shown == "context ended\n"
    assert complained == f"error: ended by {number.name}\n"
    assert process.returncode == 128 + number


def test_a_reader_that_goes_away_is_no_error_message(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with os.fdopen(theirs, "w") as nobody:
        command = [sys.executable, "-m", "borg_cluster", "config", "schema"]
        done = subprocess.run(command, stdout=nobody, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_that_lacks_a_letter_ends_nothing(tmp_path: Path) -> None:
    file = tmp_path / "ü.yaml"
    file.write_text("cluster: hv.example.test\n")
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "ascii", "LANG": "C"}
    command = [sys.executable, "-m", "borg_cluster", "-c", str(file), "config", "validate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xfc.yaml: fine" in done.stdout


DROPPING = """
import os, signal
from borg_cluster.cli.failure import Interrupted, end_on_signals

class Clearing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        while not self.done:  # the handler raises somewhere here, and Python drops that
            pass
    done = False

end_on_signals()
held = Clearing()
try:
    del held
    signal.pause()
except Interrupted as interrupted:
    print(interrupted.exit_code)
"""


def test_a_signal_that_python_drops_is_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", DROPPING], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("143\n", "", 0)
