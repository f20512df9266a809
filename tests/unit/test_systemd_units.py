"""The shipped units, as far as that can be told without systemd; `make test-systemd` asks systemd itself."""

import re

import pytest

from borg_cluster.cli import cli
from borg_cluster.shipped import shipped

UNITS = shipped("config") / "systemd"


def read(name: str) -> str:
    return (UNITS / name).read_text(encoding="utf-8")


def settings(name: str) -> list[str]:
    return [line for line in read(name).splitlines() if line and not line.startswith("#")]


def test_a_job_of_its_own_is_as_hardened_as_the_whole() -> None:
    differing = set(settings("borg-cluster.service")) ^ set(settings("borg-cluster@.service"))

    assert {line.partition("=")[0] for line in differing} == {"Description", "ExecStart"}


@pytest.mark.parametrize("name", ["borg-cluster.service", "borg-cluster@.service"])
def test_they_run_a_command_that_there_is(name: str) -> None:
    found = re.search(r"^ExecStart=/opt/borg-cluster/bin/borg-cluster (\w+)", read(name), re.MULTILINE)

    assert found
    assert found[1] in cli.commands


@pytest.mark.parametrize("name", ["borg-cluster.timer", "borg-cluster@.timer"])
def test_a_night_that_was_missed_is_made_up_for(name: str) -> None:
    assert {"Persistent=yes", "RandomizedDelaySec=15min", "WantedBy=timers.target"} <= set(settings(name))
