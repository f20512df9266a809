"""run and what it does each night, status, and the smaller commands, as they are typed on a whole site."""

import io
import os
import socket
import subprocess
import sys
import tarfile
import uuid
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from borg_cluster.simulator import story
from borg_cluster.simulator.definition import Definition, read_definition
from tests.e2e.conftest import Shop


def configure(shop: Shop, *, job: str = "", more: str = "") -> None:
    """Put keys into the job 'two', which is the last one, and at the end of the configuration."""
    with shop.site.configuration.open("a", encoding="utf-8") as file:
        file.write(f"{job}\n{more}")


def test_a_night_creates_prunes_compacts_and_checks(shop: Shop) -> None:
    configure(shop, job="    keep_last: 1\n", more="checks: [{name: repository}, {name: extract, frequency: 1 week}]\n")
    first = shop.run("run", "two")
    assert first.code == 0, first.err
    assert "0 failed" in first.out
    for word in ("pruned", "compacted", "checked", "verified"):
        assert word in first.err
    shop.stage.migrate_one()
    second = shop.ask("run", "two")
    assert (second["exit_code"], second["failed"]) == (0, [])
    assert "migrated" in {change["kind"] for change in second["changes"]}
    archives = shop.ask("list")["archives"]
    assert {archive["name"] for archive in archives} == {story.QUOTED, "sql01"}
    assert {archive["run_id"] for archive in archives} == {second["run_id"]}
    assert len(shop.site.borg("list", "--short").splitlines()) == 2
    status = shop.ask("status")
    states = {vm["name"]: vm["state"] for vm in status["virtual_machines"]}
    assert (states["sql01"], states["files01"]) == ("good", "never")
    assert "uncovered" in states.values()
    assert status["leftovers"] == []


def test_a_run_without_checks_leaves_them_due(shop: Shop) -> None:
    configure(shop, more="checks: [{name: repository, frequency: 1 week}]\n")
    done = shop.run("run", "one", "--no-checks")
    assert done.code == 0, done.err
    assert "compacted" in done.err
    assert "checked" not in done.err
    due = {"repository": "main", "check": "repository", "due": True, "reason": "never done yet"}
    assert shop.ask("check")["checks"] == [due]
    assert "not due" in shop.run("check").out


def failed(summary: str) -> list[str]:
    """Return what a run's summary lists under 'Failed': a name and its reason each."""
    listed = summary.partition("\nFailed\n")[2].partition("\n\n")[0]
    return [line.strip() for line in listed.splitlines() if line[2:3].strip()]


def test_nothing_is_pruned_of_a_vm_whose_archive_failed_tonight(shop: Shop) -> None:
    configure(shop, job="    keep_last: 1\n", more="checks: []\n")
    shop.run("create", "two")
    configure(shop, more="commands: [{before: vm, run: ['test \"$BORG_CLUSTER_NAME\" != sql01']}]\n")
    done = shop.run("run", "two")
    status = shop.ask("status")
    assert done.code == 3
    (line,) = failed(done.out)
    assert line.startswith("sql01  ")
    assert {vm["name"]: vm["state"] for vm in status["virtual_machines"]}["sql01"] == "failed"
    assert len(shop.ask("list", "sql01")["archives"]) == 1
    (decided,) = [one for one in shop.ask("prune", "--dry-run")["archives"] if one["name"] == "sql01"]
    assert decided["keep"] is True
    assert "newest run by job two was" in decided["reason"]


def test_a_cluster_that_does_not_answer_costs_the_archives_and_not_the_checks(shop: Shop) -> None:
    configure(shop, job="    keep_last: 1\n", more="checks: [{name: repository}]\n")
    shop.run("create", "one")
    shop.run("create", "one")
    text = shop.site.configuration.read_text(encoding="utf-8")
    shop.site.configuration.write_text(text + "discovery: {max_age: 0s}\n", encoding="utf-8")
    for node in shop.cluster.node_names:
        shop.cluster.node_down(node, fail_over=False)
    done = shop.run("run", "one")
    assert done.code == 3
    (line,) = failed(done.out)
    assert " create: no node of the cluster" in line
    assert "checked" in done.err
    assert "pruned" not in done.err


def test_a_second_repository_that_is_not_there_costs_its_own_archives_alone(shop: Shop) -> None:
    text = shop.site.configuration.read_text(encoding="utf-8")
    text = text.replace("    label: main\n", "    label: main\n  - {path: /nowhere/at/all, label: other}\n")
    text = text.replace("    kind: virtual_machines", "    kind: virtual_machines\n    repository: main")
    text = text.replace("    kind: volumes", "    kind: volumes\n    repository: other")
    shop.site.configuration.write_text(text, encoding="utf-8")
    done = shop.run("run", "one", "weekly")
    assert done.code == 3
    assert len(shop.ask("list")["archives"]) == 1
    (line,) = failed(done.out)
    assert line.startswith("Volume1, Volume2  borg: Repository /nowhere/at/all does not exist")
    assert done.err.count("borg-cluster repo-create") == 1, "a hint is told once"
    assert "checked   main" in done.err


def test_nothing_is_refused_by_what_was_known_before(shop: Shop) -> None:
    """A node was down for a moment, and a look at the cluster fell just then."""
    home = shop.cluster.machine(shop.cluster.find_vm("sql01")).node
    shop.cluster.node_down(home, fail_over=False)
    assert shop.run("discover").code == 1
    assert [one["name"] for one in shop.ask("plan", "two")["skipped"] if one["refused"]] == ["sql01"]
    shop.cluster.node_up(home)
    plan = shop.ask("plan", "two")
    assert sorted(one["name"] for one in plan["archives"]) == sorted((story.QUOTED, "sql01"))
    assert not any(one["refused"] for one in plan["skipped"])


def test_what_is_refused_is_counted_though_no_repository_opens(shop: Shop) -> None:
    shop.cluster.edit(shop.cluster.find_vm("sql01"), lambda machine: setattr(machine, "state", "RunningCritical"))
    shop.site.repository.rename(shop.site.folder / "gone")
    done = shop.run("run", "two")
    assert done.code == 2
    lines = failed(done.out)
    assert [line.split("  ")[0] for line in lines] == ["sql01", story.QUOTED]
    assert "RunningCritical" in lines[0]


def test_prune_and_check_say_what_they_would_and_why_not(shop: Shop) -> None:
    configure(shop, more="compact: {frequency: 1 week}\n")
    text = shop.site.configuration.read_text(encoding="utf-8")
    shop.site.configuration.write_text(text.replace("  two:\n", "    keep_daily: 1\n  two:\n"), encoding="utf-8")
    shop.run("create", "one")
    shop.run("create", "one")
    dry = shop.run("prune", "--dry-run")
    assert (dry.out.count("would go "), dry.out.count("keep ")) == (1, 1)
    assert shop.run("prune", "--list").out.count("removed ") == 1
    assert shop.run("prune", "nowhere").code == 64
    shop.run("compact", "main")
    assert "not due" in shop.run("compact").out
    assert shop.ask("compact", "--force")["repositories"][0]["due"] is True
    assert shop.ask("check", "--only", "repository")["checks"] == [
        {"repository": "main", "check": "repository", "due": True, "reason": "never done yet"}
    ]
    assert "repository is not due, only" in shop.run("check", "--only", "repository").out


def test_status_before_anything_says_what_to_type(shop: Shop) -> None:
    done = shop.run("status")
    assert done.code == 4
    assert "borg-cluster discover" in done.err
    fresh = shop.run("status", "--refresh")
    assert fresh.code == 1
    assert "never" in fresh.out
    assert "uncovered" in fresh.out
    assert "[red]" not in fresh.out


def definition_in(shop: Shop, archive: str, path: str, to: Path) -> Definition:
    """Return the definition of a VM as an archive has it."""
    to.write_bytes(shop.site.borg("extract", "--stdout", f"::{archive}", path))
    return read_definition(to)


def test_what_an_archive_holds_and_how_it_differs(shop: Shop, tmp_path: Path) -> None:
    shop.run("create", "one")
    shop.cluster.guest_write(shop.cluster.find_vm(story.QUOTED), data=b"x" * 5000)
    shop.run("create", "one")
    assert story.QUOTED in shop.run("info", story.QUOTED).out
    info = shop.ask("info", story.QUOTED)
    assert info["manifest"]["name"] == story.QUOTED
    assert info["stats"]["original_size"] > 0
    assert shop.ask("info")["repositories"][0]["archives"] == 2
    assert "main" in shop.run("info").out
    difference = shop.ask("diff", story.QUOTED)
    change, configuration = sorted(difference["changes"], key=lambda one: Path(one["path"]).suffix)
    assert (Path(change["path"]).suffix, Path(configuration["path"]).suffix) == (".vhdx", ".vmcx")
    # each night's copy is made before its own snapshot; Windows keeps reference points in it, so the second has that of the first
    first, second = (definition_in(shop, difference[which], configuration["path"], tmp_path / which) for which in ("old", "new"))
    assert (len(first.reference_points), len(second.reference_points)) == (0, 1)
    assert replace(second, reference_points=[]) == first
    assert (change["kind"], change["added"] > 0) == ("modified", True)
    assert shop.ask("diff", story.QUOTED, difference["old"], difference["new"]) == difference
    assert shop.run("diff", story.QUOTED).out.count("modified") == len(difference["changes"])
    assert shop.run("diff", story.QUOTED, "latest", difference["old"]).code == 0
    verified = shop.ask("verify", story.QUOTED)
    assert verified["archive"] == difference["new"]
    file = tmp_path / "vm.tar"
    assert shop.run("export-tar", story.QUOTED, str(file)).code == 0
    with tarfile.open(file) as tar:
        assert {".borg-cluster/manifest.json", change["path"]} <= set(tar.getnames())
    assert shop.run("export-tar", story.QUOTED, str(file)).code == 4
    command = [sys.executable, "-m", "borg_cluster", "export-tar", story.QUOTED, "-"]
    piped = subprocess.run(command, env=shop.environment, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(piped)) as tar:
        assert change["path"] in tar.getnames()


def test_mount_says_why_it_can_not(shop: Shop, tmp_path: Path) -> None:
    shop.run("create", "one")
    taken = shop.run("mount", story.QUOTED, str(shop.site.folder))
    assert taken.code == 4
    assert "no empty folder" in taken.err
    done = shop.run("mount", story.QUOTED, str(tmp_path / "shop" / "cluster" / "volumes" / "none"))
    assert done.code == 4
    assert shop.run("umount", str(tmp_path)).code == 2
    if find_spec("pyfuse3") is None and find_spec("llfuse") is None:
        (tmp_path / "empty").mkdir()
        without = shop.run("mount", story.QUOTED, str(tmp_path / "empty"))
        assert (without.code, without.err.splitlines()[0]) == (2, "error: borg has no FUSE library, which a mount needs")
        assert ".[fuse]" in without.err


def test_repositories_are_made_with_the_passphrase_of_the_configuration(shop: Shop) -> None:
    shop.site.repository.rename(shop.site.folder / "elsewhere")
    done = shop.run("repo-create", "main")
    assert done.code == 0, done.err
    assert "borg key export" in done.out
    assert shop.site.borg("info").count(b"repokey") == 1
    assert shop.run("repo-create").code == 4
    text = shop.site.configuration.read_text(encoding="utf-8")
    without = "\n".join(line for line in text.splitlines() if not line.startswith("encryption_"))
    shop.site.configuration.write_text(without, encoding="utf-8")
    assert shop.run("repo-create").code == 64


def dead_process() -> int:
    """Return the number of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> str:
    """Give this host a name of its own for borg."""
    name = f"{socket.gethostname()}@{uuid.UUID(int=7)}"
    monkeypatch.setenv("BORG_HOST_ID", name)
    return name


def lock(shop: Shop, host: str, pid: int) -> Path:
    """Leave the repository locked."""
    folder = shop.site.repository / "lock.exclusive"
    folder.mkdir()
    (folder / f"{host}.{pid}-0").touch()
    return folder


def test_the_lock_of_a_dead_process_of_this_host_is_broken(shop: Shop, host: str) -> None:
    assert "not locked" in shop.run("break-lock").out
    folder = lock(shop, host, dead_process())
    done = shop.run("break-lock")
    assert done.code == 0, done.err
    assert "(dead)" in done.out
    assert not folder.exists()


@pytest.mark.parametrize("case", ["alive", "other host", "strange"])
def test_any_other_lock_stays_and_its_holder_is_named(shop: Shop, host: str, case: str) -> None:
    pid = dead_process()
    if case == "strange":
        folder = lock(shop, host, pid)
        (folder / "what is this").touch()
    else:
        folder = lock(shop, host if case == "alive" else "backup2@1", os.getpid() if case == "alive" else pid)
    done = shop.run("break-lock")
    assert done.code == 4
    assert {"alive": str(os.getpid()), "other host": "backup2@1", "strange": "what is this"}[case] in done.err
    assert folder.exists()


def test_a_roster_and_a_repository_elsewhere_are_looked_at_too(shop: Shop, host: str) -> None:
    roster = shop.site.repository / "lock.roster"
    roster.write_text(f'{{"shared": [["{host}", {os.getpid()}, 0]]}}')
    assert shop.run("break-lock").code == 4
    roster.write_text("not json")
    assert "can't be read" in shop.run("break-lock").err
    roster.unlink()
    text = shop.site.configuration.read_text(encoding="utf-8")
    text = text.replace(f'"{shop.site.repository}"', "ssh://backup.example.test/./hv")
    shop.site.configuration.write_text(text, encoding="utf-8")
    done = shop.run("break-lock")
    assert done.code == 4
    assert "over the network" in done.err
