"""The commands as they are typed, on a whole served site: what they print, and what they exit with."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from borg_cluster.simulator import story
from borg_cluster.simulator.state import Fault
from tests.e2e.conftest import Shop


def test_discover_shows_every_vm_within_80_columns_and_exits_fine(window: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = window.run("discover")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    for machine in window.cluster.state.machines:
        assert machine.id[:8] in done.out
    assert "3 nodes, 2 volumes, 8 VMs (5 highly available)" in done.out
    assert "\x1b" not in done.out + done.err


def test_discover_as_json_is_one_document_and_nothing_else(window: Shop) -> None:
    done = window.run("discover", "--json")
    assert (done.code, done.err) == (0, "")
    assert (done.document["kind"], done.document["schema"]) == ("inventory", 1)
    names = {vm["name"] for vm in done.document["virtual_machines"]}
    assert {story.DESTROYED, story.QUOTED, "NO"} <= names


def test_a_node_that_is_down_is_told_and_a_warning(shop: Shop) -> None:
    shop.cluster.node_down("node3")
    done = shop.run("discover")
    assert done.code == 1
    assert "node3" in done.out
    assert "node_down" in done.out


def test_with_log_json_every_line_of_stderr_is_an_object(window: Shop) -> None:
    done = window.run("--log-json", "discover")
    kinds = [json.loads(line)["type"] for line in done.err.splitlines()]
    assert kinds.count("node_answered") == 3
    assert kinds[-1] == "discovered"


def test_no_node_answers_is_refused_in_one_line(shop: Shop) -> None:
    for node in shop.cluster.node_names:
        shop.cluster.node_down(node, fail_over=False)
    done = shop.run("discover")
    assert done.code == 4
    assert [line for line in done.err.splitlines() if line.startswith("error: ")] != []
    assert "Traceback" not in done.err


def test_an_unknown_vm_is_refused_with_the_near_ones(window: Shop) -> None:
    window.run("discover")
    done = window.run("history", "sql1")
    assert done.code == 4
    assert "sql01" in done.err


def test_history_of_one_that_is_gone(shop: Shop) -> None:
    shop.run("discover")
    shop.stage.destroy_one()
    shop.run("discover")
    done = shop.run("history", story.DESTROYED)
    assert done.code == 0, done.err
    assert "vanished" in done.out


def test_plan_tells_why_each_is_in_or_out(window: Shop) -> None:
    done = window.run("plan")
    assert done.code == 0, done.err
    assert "selected by: highly_available yes" in done.out
    assert "no include condition holds" in done.out
    assert "5 VM archives, 2 volume archives" in done.out
    assert "In their volume's archive only" in done.out
    assert "Uncovered" not in done.out


def test_patterns_explain_names_the_line_that_decides_in_each_spelling(window: Shop) -> None:
    folder = window.cluster.volume_folder("Volume1")
    spellings = ("Volume1/sql01/sql01.vhdx", r"C:\ClusterStorage\Volume1\sql01\sql01.vhdx", str(folder / "sql01" / "sql01.vhdx"))
    answers = [window.ask("patterns", "explain", spelling)["archives"] for spelling in spellings]
    assert answers[0] == answers[1] == answers[2]
    by_job = {one["job"]: one for one in answers[0]}
    assert by_job["nightly"]["included"]
    assert not by_job["weekly"]["included"]
    assert by_job["weekly"]["line"] == f"! pf:{folder}/sql01/sql01.vhdx/."
    assert by_job["weekly"]["line"] in window.run("patterns", "explain", spellings[0]).out.splitlines()[-1], "no line is cut"
    assert window.run("patterns", "explain", "Volume9/x").code == 64


def test_patterns_of_a_job_or_a_volume(window: Shop) -> None:
    assert [one["archive"] for one in window.ask("patterns", "weekly")["archives"]] == ["Volume1", "Volume2"]
    assert [one["archive"] for one in window.ask("patterns", "Volume2")["archives"]] == ["Volume2"]
    assert len(window.ask("patterns")["archives"]) == 7
    assert "did you mean" in window.run("patterns", "weely").err.lower()


def test_config_show_keeps_references_and_no_secrets(window: Shop) -> None:
    done = window.run("config", "show")
    assert done.code == 0, done.err
    assert "{credential file" in done.out
    assert (window.site.folder / "etc" / "node-password").read_text() not in done.out


@pytest.mark.parametrize("jobs", ["jobs: {}", "jobs: {look: {kind: discovery}}"])
@pytest.mark.parametrize("command", ["run", "create", "plan"])
def test_a_configuration_that_backs_nothing_up_is_no_quiet_success(window: Shop, tmp_path: Path, command: str, jobs: str) -> None:
    text = window.site.configuration.read_text(encoding="utf-8").partition("\njobs:\n")[0]
    (tmp_path / "none.yaml").write_text(f"{text}\n{jobs}\n", encoding="utf-8")
    done = window.run("--config", str(tmp_path / "none.yaml"), command)
    if command == "run" and jobs != "jobs: {}":
        assert done.code == 0, done.err
        return
    assert done.code == 64
    assert "error: the configuration has no job" in done.err


def test_a_job_that_takes_nothing_is_a_warning(shop: Shop) -> None:
    text = shop.site.configuration.read_text(encoding="utf-8")
    nobody = "  nobody: {kind: virtual_machines, select: {include: [{name: 'O*Brian'}]}}\n"
    shop.site.configuration.write_text(text + nobody, encoding="utf-8")
    done = shop.run("create", "nobody")
    assert done.code == 1
    assert "nobody takes none of what there is, and saves nothing: borg-cluster plan nobody says why" in done.err


def test_one_of_several_clusters_must_be_named(window: Shop, tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "this.yaml").write_text(window.site.configuration.read_text())
    (folder / "other.yaml").write_text("cluster: other.example.test\n")
    done = window.run("--config", str(folder), "discover")
    assert done.code == 64
    assert "hv.example.test" in done.err
    assert window.run("--config", str(folder), "--cluster", "hv", "discover").code == 0


def test_a_plugin_that_fails_on_events_is_a_warning(window: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hooks = tmp_path / "hooks.d"
    hooks.mkdir(mode=0o700)
    (hooks / "broken.py").write_text(
        "from borg_cluster.hookspecs import hookimpl\n\n@hookimpl\ndef on_event(event):\n    raise ValueError('no')\n"
    )
    monkeypatch.setattr("borg_cluster.plugins.load.__defaults__", (hooks,))
    done = window.run("discover")
    assert "warning" in done.err
    assert "ValueError: no" in done.err


def test_a_signal_ends_discover_though_a_node_is_frozen(window: Shop) -> None:
    window.cluster.faults.add(Fault(kind="freeze", node="node2", command="Get-BorgClusterNodeReport"))
    command = [sys.executable, "-m", "borg_cluster", "-v", "discover"]
    try:
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=window.environment
        ) as asking:
            assert asking.stderr is not None
            assert next(line for line in asking.stderr if line.startswith("answered"))
            asking.send_signal(signal.SIGTERM)
            assert asking.wait(timeout=30) == 143
            assert asking.stderr.read().endswith("error: ended by SIGTERM\n")
    finally:
        window.cluster.faults.clear()
