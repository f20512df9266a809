"""Who holds a claim: only this machine can prove that one of its own processes is dead."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from borg_cluster import claim_holder
from borg_cluster.claim_holder import is_alive, is_dead, this_process


@pytest.fixture(scope="module")
def dead() -> str:
    """A process that told who it was, and ended."""
    code = "from borg_cluster.claim_holder import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_process_that_ended_is_dead_and_this_one_is_not(dead: str) -> None:
    assert dead.startswith("borg-cluster on ")
    assert is_dead(dead)
    assert not is_dead(this_process())
    assert is_alive(this_process())
    assert not is_alive(dead)


def test_a_number_that_another_process_has_by_now_proves_nothing_for_the_first(dead: str) -> None:
    begun = dead.partition(" begun at ")[2].partition(",")[0]
    assert is_dead(this_process().replace(this_process().partition(" begun at ")[2].partition(",")[0], begun))


@pytest.mark.parametrize(
    "other",
    [
        lambda text: text.replace("borg-cluster on ", "borg-cluster on another-"),
        lambda text: text.replace(", machine ", ", machine 0")[: -len(", space 1")],
        lambda text: text[: text.index(", machine ")] + ", machine 000000000000" + text[text.index(", boot ") :],
        lambda text: text[: text.rindex(" ")] + " 1",
        lambda _: "alice",
        lambda _: "",
    ],
    ids=["host", "torn", "machine", "container", "person", "nobody"],
)
def test_nothing_is_assumed_of_others(dead: str, other: object) -> None:
    assert callable(other)
    assert not is_dead(other(dead))
    assert not is_alive(other(this_process()))


def test_what_ran_before_this_machines_last_start_is_dead() -> None:
    boot = this_process().partition(", boot ")[2].partition(",")[0]
    assert is_dead(this_process().replace(boot, "00000000-0000-4000-8000-000000000001"))


def test_a_machine_without_an_identity_proves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dead: str) -> None:
    (tmp_path / "machine-id").write_text("")
    for place in (tmp_path / "machine-id", tmp_path / "missing"):
        monkeypatch.setattr(claim_holder, "_MACHINE", place)
        assert ", boot " not in this_process()
        assert not is_dead(dead)


def test_a_shell_that_does_one_line_alone_needs_nothing(tmp_path: Path) -> None:
    code = "from borg_cluster.claim_holder import user_of_this; print(user_of_this())"
    line = f'{sys.executable} -c "{code}"; :'
    one_line = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert int(one_line.stdout) == os.getpid()
    script = tmp_path / "script"
    script.write_text(f"echo $$\n{line}\n", encoding="utf-8")
    whole = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=True)
    shell, seen = whole.stdout.split()
    assert shell == seen
