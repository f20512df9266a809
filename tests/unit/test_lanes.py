"""A lane that can't run says so in one line, and is no failure."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lanes import __main__ as lanes


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither programs nor the right to install them."""
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(lanes, "CACHE", tmp_path)


def test_lanes_that_can_not_run_say_why(bare_machine: None, capfd: pytest.CaptureFixture[str]) -> None:
    assert lanes.main(["kerberos", "systemd", "powershell"]) == 0
    assert capfd.readouterr().out.splitlines() == [
        "kerberos: not run: these Debian packages are missing: krb5-kdc krb5-admin-server krb5-user libkrb5-dev",
        "systemd: not run: these Debian packages are missing: systemd",
        "powershell: not run: pwsh is not installed",
    ]


def test_a_package_that_is_not_to_be_had_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PIP_NO_INDEX", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(lanes.NotRun, match="pip download failed: "):
        lanes._pip("download", "--no-index", "--find-links", "/nowhere", "borg-cluster-has-no-such-package")


def test_a_failure_is_one(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lane = lanes.Lane(name="broken", run=lambda *_: lanes.Tally(passed=3, failed=1, skipped=2))
    monkeypatch.setitem(lanes.LANES, "broken", lane)
    assert lanes.main(["broken"]) == 1
    assert capfd.readouterr().out == "broken: 3 passed, 1 failed, 2 not run\n"


def test_a_lane_of_skipped_tests_only_was_not_run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lane = lanes.Lane(name="idle", run=lambda *_: lanes.Tally(skipped=2))
    monkeypatch.setitem(lanes.LANES, "idle", lane)
    assert lanes.main(["idle"]) == 0
    assert capfd.readouterr().out == "idle: not run: all 2 tests were skipped\n"


def test_a_lane_for_which_no_time_is_left_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert lanes.main(["kerberos", "--within", "3"]) == 0
    assert capfd.readouterr().out == "kerberos: not run: it may take 5 minutes, and 2 are left\n"


def test_each_lane_but_the_tests_themselves_has_a_folder() -> None:
    folders = {path.name for path in Path(lanes.__file__).parent.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(lanes.LANES) - {"tests"}


def test_a_lane_is_told_how_much_time_is_left(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str | None] = []

    def run(_: str, environment: Mapping[str, str]) -> lanes.Tally:
        told.append(environment.get(lanes.MINUTES))
        return lanes.Tally(passed=1)

    monkeypatch.setitem(lanes.LANES, "patient", lanes.Lane(name="patient", run=run))
    assert lanes.main(["patient"]) == 0
    assert lanes.main(["patient", "--within", "30"]) == 0
    assert told == [None, "30.0"]
    capfd.readouterr()
