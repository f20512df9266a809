"""What is installed: the wheel carries what the code needs, and the product runs without the demo's extra."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

WITHOUT_THE_EXTRA = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "psrpcore":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from borg_cluster.cli import run
code = run(sys.argv[1:])
assert not [name for name in sys.modules if name.startswith(("psrpcore", "borg_cluster.simulator.wire"))]
sys.exit(code)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


@pytest.mark.parametrize("folder", ["powershell", "hooks", "config"])
def test_the_wheel_carries_what_ships_beside_the_package(wheel: list[str], folder: str) -> None:
    here = {file.relative_to(ROOT).as_posix() for file in (ROOT / folder).rglob("*") if file.is_file()}

    assert here
    assert {f"borg_cluster/share/{name}" for name in here if "__pycache__" not in name} <= set(wheel)


def test_the_wheel_carries_no_tests_and_no_caches(wheel: list[str]) -> None:
    assert [name for name in wheel if name.startswith("tests") or "__pycache__" in name] == []
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def run_without_the_extra(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", WITHOUT_THE_EXTRA, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_product_runs_without_the_demos_extra() -> None:
    shown = run_without_the_extra("--config", "config/minimal.yaml", "config", "validate")

    assert (shown.returncode, shown.stderr) == (0, "")


def test_the_demo_without_its_extra_says_what_to_install() -> None:
    shown = run_without_the_extra("demo")

    assert shown.returncode == 64
    assert "borg-cluster[demo]" in shown.stderr
    assert "Traceback" not in shown.stderr
