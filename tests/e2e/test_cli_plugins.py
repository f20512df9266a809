"""Plugins on a whole site: what is wrong with them costs no archive; which there are is told; which are wanted is heeded."""

import json
from pathlib import Path

import pytest

from borg_cluster import cli
from borg_cluster.shipped import shipped
from tests.e2e.conftest import Shop

HOOKS = {
    "get_secret": "reference",
    "select_vm": "vm, job",
    "open_source": "archive, owner",
    "run_job": "archive, call, alive",
    "before_create": "plan",
    "on_event": "event",
    "add_commands": "cli",
}
WAYS = {"raises": "raise OSError('no')", "hangs": "threading.Event().wait()", "nonsense": "return 42"}


@pytest.fixture
def hooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the site's files."""
    folder = tmp_path / "hooks.d"
    folder.mkdir()
    monkeypatch.setattr("borg_cluster.plugins.load.__defaults__", (folder,))
    return folder


def put(folder: Path, name: str, hook: str, act: str) -> None:
    arguments = HOOKS[hook]
    text = (
        f"import threading\nfrom borg_cluster.hookspecs import Veto, hookimpl\n\n@hookimpl\ndef {hook}({arguments}):\n    {act}\n"
    )
    (folder / f"{name}.py").write_text(text, encoding="utf-8")


def configure(shop: Shop, text: str) -> None:
    with shop.site.configuration.open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def test_all_hooks_broken_in_all_ways_cost_no_archive(shop: Shop, hooks: Path) -> None:
    configure(shop, "plugins: {patience: 1}")
    for hook in HOOKS:
        for way, act in WAYS.items():
            put(hooks, f"{hook}_{way}", hook, act)
    (hooks / "no_python.py").write_text("(", encoding="utf-8")

    done = shop.run("create", "one")

    assert done.code == 1, done.err
    assert len(shop.ask("--plugins", "none", "list")["archives"]) == 1
    told = " ".join(done.err.split())
    for hook in HOOKS:
        for way in WAYS:
            # what an observer returns is nobody's business, nor what adds no command
            silent = way == "nonsense" and hook in {"on_event", "add_commands"}
            # the first that fails to run a job is the last that is asked: what became of the archive is not known
            silent = silent or (hook == "run_job" and way != "raises")
            assert (f"{hook}_{way}.py" in told) is not silent, f"{hook}_{way}"
    assert "no_python.py:1: SyntaxError" in told


def test_a_veto_is_a_no(window: Shop, hooks: Path) -> None:
    put(hooks, "gate", "before_create", "raise Veto('not tonight')")
    done = window.run("create", "one")
    assert (done.code, "refuses: not tonight" in done.err) == (4, True)


def test_plugins_are_listed_with_where_they_came_from(window: Shop, hooks: Path) -> None:
    put(hooks, "wrong", "on_event", "raise ValueError")
    (hooks / "wrong.py").write_text("1 / 0\n", encoding="utf-8")
    put(hooks, "own", "on_event", "pass")
    (hooks / "ntfy.py").write_bytes((shipped("hooks") / "ntfy.py").read_bytes())

    done = window.run("--plugins", "own,wrong", "plugins", "--json")
    listed = {plugin["name"]: plugin for plugin in json.loads(done.out)["plugins"]}

    assert done.code == 1
    assert listed["own"] == {"name": "own", "origin": str(hooks / "own.py"), "hooks": ["on_event"], "on": True, "reason": None}
    assert (listed["ntfy"]["on"], listed["ntfy"]["reason"]) == (False, "not among those that are asked for")
    assert listed["wrong"]["reason"] == f"{hooks}/wrong.py:1: ZeroDivisionError: division by zero"
    assert listed["credentials"]["origin"] == "built in"
    shown = " ".join(window.run("--plugins", "own,wrong", "plugins").out.split())
    assert "ntfy is off: not among those that are asked for" in shown
    assert "wrong.py:1: ZeroDivisionError: division by zero" in shown


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration of a cluster that nobody asks."""
    file = tmp_path / "config.yaml"
    monkeypatch.setenv("BORG_CLUSTER_CONFIG", str(file))
    file.write_text("cluster: hv\n", encoding="utf-8")
    return file


def test_the_configuration_says_which_and_the_environment_outweighs_it(
    small: Path, hooks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(hooks, "a", "on_event", "pass")
    put(hooks, "b", "on_event", "pass")

    def on() -> set[str]:
        assert cli.run(["plugins", "--json"]) == 0
        listed = json.loads(capsys.readouterr().out)["plugins"]
        return {plugin["name"] for plugin in listed if plugin["on"]} - {"credentials"}

    assert on() == {"a", "b"}
    small.write_text("cluster: hv\nplugins: {only: [a, b], blocked: [b]}\n", encoding="utf-8")
    assert on() == {"a"}
    monkeypatch.setenv("BORG_CLUSTER_PLUGINS", "b")
    assert on() == {"b"}
    monkeypatch.setenv("BORG_CLUSTER_PLUGINS", "none")
    assert on() == set()


def test_a_configuration_that_is_wrong_is_complained_of_by_who_loads_it(
    small: Path, hooks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(hooks, "a", "on_event", "pass")
    small.write_text("cluster: hv\nplugins: {blocked: 7}\n", encoding="utf-8")
    assert cli.run(["plugins"]) == 0
    assert cli.run(["discover"]) == 64
    assert "plugins.blocked" in capsys.readouterr().err


def test_calls_are_traced(window: Shop, hooks: Path) -> None:
    put(hooks, "own", "on_event", "return event")
    done = window.run("--trace-plugins", "--log-json", "discover", "--refresh")
    lines = [json.loads(line) for line in done.err.splitlines()]
    called = [line for line in lines if line["type"] == "plugin_called"]
    assert {(line["hook"], line["outcome"]) for line in called} >= {("on_event", "nothing"), ("get_secret", "answered")}
    assert "plugin_called" not in window.run("--log-json", "discover").err
