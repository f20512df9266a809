"""extract, restores, resume, undo and release as they are typed."""

import hashlib
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from borg_cluster.simulator import story
from tests.e2e.conftest import Shop

VM = story.QUOTED


@pytest.fixture
def frozen(shop: Shop) -> dict[str, str]:
    """The VM's disks as the backup finds and freezes them; when it is merged again, a disk gets a new stamp."""
    return _disks(shop, VM)


@pytest.fixture
def saved(shop: Shop, frozen: dict[str, str]) -> Shop:
    """The shop, with an archive of one VM."""
    assert shop.run("create", "one").code == 0
    return shop


def _disks(shop: Shop, name: str) -> dict[str, str]:
    machine = next(vm for vm in shop.ask("discover")["virtual_machines"] if vm["name"] == name)
    paths = [shop.cluster.real_path(file["path"]) for file in machine["files"] if file["path"].endswith("vhdx")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_a_dry_run_shows_each_step_with_its_reason_and_changes_nothing(window: Shop) -> None:
    before = len(window.cluster.log)
    done = window.run("extract", VM, "--dry-run")
    assert done.code == 0, done.err
    assert "Park" in done.out
    assert "the old disks are renamed away, not deleted" in done.out
    kinds = {entry["kind"] for entry in window.cluster.log[before:]}
    assert kinds <= {"command"}
    assert window.run("restores").out.startswith("There were no restores yet")


def test_without_a_terminal_nothing_is_replaced_unless_told_so(window: Shop) -> None:
    done = window.run("extract", VM)
    assert done.code == 4
    assert "--yes" in done.err


def test_in_place_then_undone_then_nothing_more_to_undo(saved: Shop, frozen: dict[str, str]) -> None:
    saved.stage.let_guests_write(night=2)
    spoilt = _disks(saved, VM)
    assert spoilt != frozen
    assert saved.run("extract", VM, "--yes").code == 0
    assert _disks(saved, VM) == frozen
    restores = saved.ask("restores")["restores"]
    assert [(one["name"], one["outcome"], one["possible"]) for one in restores] == [(VM, "restored", ["undo", "release"])]
    done = saved.run("undo")
    assert done.code == 0, done.err
    assert _disks(saved, VM) == spoilt
    again = saved.run("undo")
    assert again.code == 4
    assert "nothing to undo" in again.err


def test_released_by_the_beginning_of_its_id(saved: Shop) -> None:
    document = saved.ask("extract", VM, "--yes")
    assert document["outcome"] == "restored"
    early = saved.run("release", document["id"][:6])
    assert (early.code, "is kept until" in early.err, "--now" in early.err) == (4, True, True)
    assert saved.run("release", document["id"][:6], "--now").code == 0
    assert [one["possible"] for one in saved.ask("restores")["restores"]] == [[]]
    assert not [*(saved.site.cluster / "volumes").glob("*/.borg-cluster/*/parked")]


def test_only_the_newest_restore_of_a_vm_can_be_undone(saved: Shop) -> None:
    first = saved.ask("extract", VM, "--yes")["id"]
    second = saved.ask("extract", VM, "--yes")["id"]
    known = {one["id"]: one["possible"] for one in saved.ask("restores")["restores"]}
    assert known == {first: ["release"], second: ["undo", "release"]}
    assert saved.run("undo", first).code == 4
    assert saved.run("undo").code == 0, "there is only one that it can mean"
    assert saved.ask("restores")["restores"][0]["possible"] == ["undo", "release"]


def test_files_only_touches_no_node(window: Shop, tmp_path: Path) -> None:
    before = len(window.cluster.log)
    shown = window.run("extract", VM, "--to", str(tmp_path / "out"), "--dry-run")
    assert shown.code == 0, shown.err
    assert "to extract" in shown.out
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").touch()
    refused = window.run("extract", VM, "--to", str(tmp_path / "file"))
    assert (refused.code, refused.err.splitlines()[0]) == (4, f"error: can't make the folder {tmp_path / 'file'}: File exists")
    done = window.run("extract", VM, "--to", str(tmp_path / "out"))
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "Volume2").is_dir()
    assert len(window.cluster.log) == before


def test_a_vm_without_archives_is_refused_by_name(window: Shop) -> None:
    done = window.run("extract", "O'Brian")
    assert done.code == 4
    assert "no archive is of" in done.err


def test_a_signal_in_the_middle_is_told_and_can_be_resumed(saved: Shop, frozen: dict[str, str]) -> None:
    command = [sys.executable, "-m", "borg_cluster", "--log-json", "extract", VM, "--yes"]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=saved.environment
    ) as process:
        assert process.stderr is not None
        events = []
        for line in process.stderr:
            events.append(json.loads(line))
            if (events[-1]["type"], events[-1].get("step")) == ("step_begun", "Park"):
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 143, events[-1]
    assert "resume" in events[-1]["hint"]
    assert [one["possible"] for one in saved.ask("restores")["restores"]] == [["resume", "undo"]]
    assert "stopped before" in saved.run("restores").out
    assert saved.run("resume").code == 0
    assert _disks(saved, VM) == frozen


@pytest.mark.parametrize("answer", ["n", "y"])
def test_on_a_terminal_it_asks_before_a_vm_is_replaced(request: pytest.FixtureRequest, answer: str) -> None:
    shop: Shop = request.getfixturevalue("saved" if answer == "y" else "window")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs, "rb", buffering=0) as terminal:
        keyboard.write(f"{answer}\n".encode())
        command = [sys.executable, "-m", "borg_cluster", "extract", VM]
        done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, check=False, env=shop.environment)
    assert done.returncode == (0 if answer == "y" else 4), done.stderr
    assert "Replace" in done.stderr
    assert len(shop.ask("restores")["restores"]) == (1 if answer == "y" else 0)


def test_several_with_a_summary_and_an_exit_code_that_tells_of_the_one_that_failed(shop: Shop) -> None:
    assert shop.run("create", "two").code == 0
    shown = shop.run("extract", "sql01", VM, "--dry-run")
    assert shown.code == 0, shown.err
    assert "in this order" in shown.out
    refused = shop.run("extract", "sql01", VM)
    assert (refused.code, "--yes" in refused.err) == (4, True)
    done = shop.run("extract", "sql01", "nobody", VM, "--yes", "--no-start")
    assert done.code == 3, done.err
    assert [word in done.out for word in ("sql01", VM, "nobody", "failed", "no archive is of")] == [True] * 5
    assert [one["outcome"] for one in shop.ask("restores")["restores"]] == ["restored"] * 2
    assert shop.run("extract", "one", "two", "--copy", "x").code == 64
    none = shop.run("extract", "nobody", "nothing", "--yes")
    assert (none.code, "none of 2" in none.err) == (4, True)
