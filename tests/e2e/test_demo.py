"""The demo: every claim holds, it leaves nothing behind, what it keeps can be served again, and a claim can fail."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from borg_cluster import cli
from borg_cluster.cli.demo import PLAY
from borg_cluster.cli.demo_player import ClaimBroken, Player
from borg_cluster.errors import ExitCode

DEMO = [sys.executable, "-m", "borg_cluster", "--no-color", "demo"]


@pytest.mark.parametrize("typed", PLAY)
def test_what_the_demo_says_one_may_type_can_be_typed(typed: str) -> None:
    assert cli.run([*typed.split(), "--help"]) == ExitCode.FINE


def _environment(scratch: Path) -> dict[str, str]:
    scratch.mkdir()
    return {**os.environ, "TMPDIR": str(scratch), "COLUMNS": "80"}


@pytest.mark.timeout(300)  # about ninety runs of borg: half a minute, and much more on a busy machine
def test_the_story_holds_and_what_is_kept_can_be_played_with(tmp_path: Path) -> None:
    kept = tmp_path / "kept here"
    environment = _environment(tmp_path / "scratch")
    told = subprocess.run([*DEMO, "--keep", str(kept)], env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("  ok  ") == 17
    for said in ("byte for byte", "role is Online", "became highly available", "no file is both", "offline while restored"):
        assert said in told.stdout
    assert "\x1b" not in told.stdout + told.stderr
    assert not [*(tmp_path / "scratch").iterdir()], "nothing is left outside of what was to be kept"
    _play_with(kept, environment)


def _play_with(kept: Path, environment: dict[str, str]) -> None:
    """Serve what the demo kept, and type what it said one may type."""
    with subprocess.Popen([*DEMO, "--serve", str(kept)], env=environment, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        lines = list(iter(serving.stdout.readline, "borg-cluster discover\n"))
        exports = dict(line.removeprefix("export ").rstrip("\n").split("=", 1) for line in lines if line.startswith("export "))
        command = "borg-cluster --json discover && borg-cluster --json restores"
        shell = " ".join(f"{name}={value}" for name, value in exports.items())
        path = f"{Path(sys.executable).parent}:{environment['PATH']}"
        typed = subprocess.run(
            ["bash", "-c", f"export {shell}; {command}"],
            env={**environment, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        serving.send_signal(signal.SIGINT)
    assert typed.returncode == 0, typed.stderr
    assert serving.returncode == 0, "it was asked to end"
    inventory, end = json.JSONDecoder().raw_decode(typed.stdout)
    assert len(inventory["virtual_machines"]) == 8
    assert len(json.loads(typed.stdout[end:])["restores"]) == 2


def test_ended_in_the_middle_it_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    with subprocess.Popen(DEMO, env=_environment(scratch), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as told:
        assert told.stdout is not None
        assert next(line for line in told.stdout if line.startswith("$ borg-cluster create"))
        told.send_signal(signal.SIGTERM)
        told.stdout.read()
    assert told.returncode == 143
    assert not [*scratch.iterdir()]


def test_without_its_extra_it_says_what_to_type(tmp_path: Path) -> None:
    program = "import sys; sys.modules['psrpcore'] = None; from borg_cluster.cli import run; sys.exit(run(['demo']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == "error: the demo needs psrpcore\nhint: pip install 'borg-cluster[demo]'\n"


def test_a_folder_that_is_there_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["demo", "--keep", str(tmp_path)]) == ExitCode.USAGE
    assert "is there already" in capsys.readouterr().err
    assert cli.run(["demo", "--serve", str(tmp_path)]) == ExitCode.USAGE
    assert "holds no demo" in capsys.readouterr().err


def test_a_claim_that_does_not_hold_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    player = Player(lambda arguments: ExitCode.REFUSED if "discover" in arguments else ExitCode.FINE, color=False)
    player.claim("one is one", [1])
    with pytest.raises(ClaimBroken, match=r"not so: one is two; instead: 1") as broken:
        player.claim("one is two", {}, instead=1)
    assert broken.value.exit_code == ExitCode.ALL_FAILED
    with pytest.raises(ClaimBroken, match=r"`borg-cluster discover` exited with 4"):
        player.play("discover")
    assert capsys.readouterr().out.count("  ok  ") == 1
