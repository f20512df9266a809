"""The apprise plugin, with the real Apprise: what it sends to a real server, and that what goes wrong is a warning alone."""

import importlib
import json
import socket
from pathlib import Path

import pytest

from tests.unit.test_cli_sinks import FINISHED, HOSTILE
from tests.unit.test_plugins_notifying import FAILED_BADLY, STARTED, Hanging, Load, finished, http, load, observe, serve

pytest.importorskip("apprise", reason="the package apprise is not installed")
__all__ = ["load"]
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Apprise's own plugins, as it imports them all
SECRET = "tk-hunter2"


@pytest.fixture(autouse=True)
def _no_trace_of_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APPRISE_URLS", "APPRISE_CONFIG", "APPRISE_STATES"):
        monkeypatch.delenv(name, raising=False)


def bodies(seen: list[tuple[str, dict[str, str], str]]) -> list[dict[str, object]]:
    return [json.loads(body) for _, _, body in seen]


def test_what_failed_is_told_to_every_address(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[tuple[str, dict[str, str], str]] = []
    with serve(http(seen)) as port:
        more = tmp_path / "more.yaml"
        more.write_text(f"urls:\n  - json://127.0.0.1:{port}/file\n", encoding="utf-8")
        monkeypatch.setenv("APPRISE_URLS", f"json://127.0.0.1:{port}/one json://127.0.0.1:{port}/two")
        monkeypatch.setenv("APPRISE_CONFIG", str(more))
        assert observe(load("apprise"), STARTED, FINISHED, FAILED_BADLY, finished(3)) == []

    assert sorted(path for path, _, _ in seen) == ["/file", "/one", "/two"]
    for body in bodies(seen):
        assert (body["title"], body["type"]) == ("hv: run: fail", "failure")
        assert "1 done, 1 failed" in str(body["message"])
        assert f"{HOSTILE}: the disk" in str(body["message"])


def test_states_are_chosen_and_kinds_told(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, dict[str, str], str]] = []
    with serve(http(seen)) as port:
        monkeypatch.setenv("APPRISE_URLS", f"json://127.0.0.1:{port}/x")
        manager = load("apprise")
        assert observe(manager, STARTED, finished(0)) == []
        assert seen == []
        monkeypatch.setenv("APPRISE_STATES", "start finish")
        assert observe(manager, STARTED, finished(0), finished(1), finished(2)) == []

    assert [body["type"] for body in bodies(seen)] == ["info", "success", "warning"]


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        ("json://127.0.0.1/a nonsense", "ValueError: Apprise does not understand address 2 of APPRISE_URLS"),
        (f"jso://{SECRET}@127.0.0.1", "ValueError: Apprise does not understand address 1 of APPRISE_URLS"),
    ],
)
def test_an_address_that_means_nothing_is_a_warning_without_it(
    load: Load, monkeypatch: pytest.MonkeyPatch, urls: str, said: str
) -> None:
    monkeypatch.setenv("APPRISE_URLS", urls)
    (warning,) = observe(load("apprise"), finished(3))
    assert warning.endswith(said)
    assert SECRET not in warning


def test_a_file_without_an_address_is_a_warning(load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APPRISE_CONFIG", str(tmp_path / "none.yaml"))
    (warning,) = observe(load("apprise"), finished(3))
    assert warning.endswith(f"Apprise finds no address in {tmp_path / 'none.yaml'}")


def test_nobody_there_is_a_warning(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("APPRISE_URLS", f"json://user:{SECRET}@127.0.0.1:{taken.getsockname()[1]}/x")
        (warning,) = observe(load("apprise"), finished(3))
    assert warning.endswith("RuntimeError: not every address took the message")


def test_a_server_that_never_answers_is_a_warning_in_time(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Hanging) as port:
        monkeypatch.setenv("APPRISE_URLS", f"json://127.0.0.1:{port}/x")
        manager = load("apprise")
        (plugin,) = (one for one in manager.get_plugins() if hasattr(one, "TIMEOUT"))
        monkeypatch.setattr(plugin, "TIMEOUT", 0.2)
        (warning,) = observe(manager, finished(3))
    assert "TimeoutError: no answer within 0.2 s" in warning


def test_without_the_package_it_says_what_to_install(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setenv("APPRISE_URLS", "json://127.0.0.1/x")
    manager = load("apprise")
    monkeypatch.setattr(importlib, "import_module", gone)
    (warning,) = observe(manager, finished(3))
    assert "pip install apprise" in warning
