"""The ready-made plugins in hooks/: each loads as a site's file, and does what it says."""

import importlib.util
from datetime import datetime
from pathlib import Path
from types import ModuleType

import pytest

from borg_cluster import plugins
from borg_cluster.shipped import shipped


@pytest.fixture
def window() -> ModuleType:
    spec = importlib.util.spec_from_file_location("maintenance_window", shipped("hooks") / "maintenance_window.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_all_load_as_a_sites_files() -> None:
    names = {Path(name).name for name, _ in plugins.load(shipped("hooks")).list_name_plugin()}

    assert names == {"credentials"} | {file.name for file in shipped("hooks").glob("*.py")}


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        ("2024-06-01T21:59", None),  # a Saturday
        ("2024-06-01T22:00", "maintenance until 02:00"),
        ("2024-06-02T01:59", "maintenance until 02:00"),
        ("2024-06-02T02:00", None),
        ("2024-06-02T22:30", None),
    ],
)
def test_the_maintenance_window_reaches_past_midnight(
    window: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, now: str, reason: str | None
) -> None:
    monkeypatch.setattr(window, "HOLD", tmp_path / "hold")

    assert window.reason_to_wait(datetime.fromisoformat(now)) == reason


def test_a_hold_refuses_at_any_time(window: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    monkeypatch.setattr(window, "HOLD", hold)

    with pytest.raises(window.Veto, match=f"{hold} exists"):
        window.before_create()
