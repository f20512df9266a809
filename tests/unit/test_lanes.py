"""A lane that can't run says so in one line, and is no failure."""

import os
import shutil
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
    lane = lanes.Lane(name="broken", run=lambda *_: (3, 1))
    monkeypatch.setitem(lanes.LANES, "broken", lane)
    assert lanes.main(["broken"]) == 1
    assert capfd.readouterr().out == "broken: 3 passed, 1 failed\n"
