"""What a run leaves for other programs, on a whole site."""

import json
import socket
from pathlib import Path

import pytest

from borg_cluster import plugins
from borg_cluster.shipped import shipped
from borg_cluster.simulator import story
from tests.e2e.conftest import Shop


def monitor(shop: Shop, *files: tuple[str, Path]) -> None:
    keys = ", ".join(f"{key}: '{path}'" for key, path in files)
    with shop.site.configuration.open("a", encoding="utf-8") as file:
        file.write(f"monitoring: {{{keys}}}\n")


def test_a_run_leaves_how_the_cluster_stands(shop: Shop, tmp_path: Path) -> None:
    status, figures = tmp_path / "status.json", tmp_path / "hv.prom"
    monitor(shop, ("status_file", status), ("prometheus_file", figures))
    assert shop.run("create", "one", "--dry-run").code == 0
    assert not status.exists(), "a dry run changes nothing"
    made = shop.ask("create", "one")
    document = json.loads(status.read_text(encoding="utf-8"))
    (quoted,) = [vm for vm in document["virtual_machines"] if vm["name"] == story.QUOTED]

    assert (document["run"]["run_id"], document["run"]["verb"], document["run"]["done"]) == (made["run_id"], "create", 1)
    assert (quoted["state"], quoted["read"]) == ("good", made["archives"][0]["original_size"])
    assert f'vm_id="{quoted["vm_id"]}"}} {float(quoted["read"])!r}\n' in figures.read_text(encoding="utf-8")
    assert (shop.run("create", "nothing").code, status.exists()) == (64, True)
    assert json.loads(status.read_text(encoding="utf-8"))["run"]["exit_code"] == 64


def test_files_that_can_not_be_written_cost_no_archive(shop: Shop, tmp_path: Path) -> None:
    monitor(shop, ("status_file", tmp_path / "nowhere" / "status.json"))
    done = shop.run("create", "one")

    assert done.code == 1, done.err
    assert "status_file: " in done.err
    assert len(shop.ask("list")["archives"]) == 1


def test_a_plugin_that_hangs_costs_no_archive(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "hooks.d"
    hooks.mkdir()
    text = (shipped("hooks") / "healthchecks.py").read_text(encoding="utf-8")
    assert "TIMEOUT = 10.0" in text
    (hooks / "healthchecks.py").write_text(text.replace("TIMEOUT = 10.0", "TIMEOUT = 0.2"), encoding="utf-8")
    manager = plugins.load(hooks)
    monkeypatch.setattr(plugins, "load", lambda **_: manager)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setenv("HEALTHCHECKS_PING_URL", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        done = shop.run("run", "one")

    assert "healthchecks.py failed on RunStarted: TimeoutError" in done.err
    assert done.code == 1, done.err
    assert "0 failed" in done.out
    assert len(shop.ask("list")["archives"]) == 1
