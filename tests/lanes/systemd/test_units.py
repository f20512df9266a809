"""The shipped units in systemd's own eyes: nothing to complain of, and less exposed than a stated figure."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from borg_cluster.shipped import shipped

UNITS = shipped("config") / "systemd"
INSTALLED = "/opt/borg-cluster/bin/borg-cluster"
MOST_EXPOSED = 2.0
"""Of 10. What is left: root (who else reads the mounts), the network, and the repositories."""


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The units as they'd be installed, an instance of each template too, with a program that is there."""
    folder = tmp_path_factory.mktemp("units")
    program = shutil.which("borg-cluster", path=str(Path(sys.executable).parent)) or sys.executable
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8").replace(INSTALLED, program)
        (folder / unit.name).write_text(text, encoding="utf-8")
        (folder / unit.name.replace("@", "@nightly")).write_text(text, encoding="utf-8")
    return folder


def analyze(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], cwd=folder, capture_output=True, text=True, check=False)


def complaints(shown: subprocess.CompletedProcess[str]) -> list[str]:
    """Return what it says, whatever the exit code: of an unknown key it only warns."""
    return [line for line in shown.stderr.splitlines() if line.strip()] + [str(shown.returncode)] * (shown.returncode != 0)


def test_nothing_is_wrong_with_them(units: Path) -> None:
    names = [f"./{unit.name}" for unit in units.iterdir() if "@." not in unit.name]

    assert len(names) == 4
    assert complaints(analyze(units, "verify", "--man=no", *names)) == []


def test_a_wrong_key_would_be_seen(units: Path, tmp_path: Path) -> None:
    text = (units / "borg-cluster.service").read_text(encoding="utf-8")
    (tmp_path / "borg-cluster.service").write_text(f"{text}\nProtectEverything=yes\n", encoding="utf-8")

    assert "ProtectEverything" in "".join(complaints(analyze(tmp_path, "verify", "--man=no", "./borg-cluster.service")))


@pytest.mark.parametrize("name", ["borg-cluster.service", "borg-cluster@nightly.service"])
def test_they_expose_little(units: Path, name: str) -> None:
    shown = analyze(units, "security", "--offline=true", "--no-pager", f"./{name}")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", shown.stdout)

    assert found, shown.stderr
    assert float(found[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("name", ["borg-cluster.timer", "borg-cluster@nightly.timer"])
def test_the_night_is_a_time(units: Path, name: str) -> None:
    when = re.search(r"^OnCalendar=(.+)$", (units / name).read_text(encoding="utf-8"), re.MULTILINE)

    assert when
    assert analyze(units, "calendar", when[1]).returncode == 0
