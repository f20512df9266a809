"""create, list and their failures as they are typed."""

import json
import signal
import subprocess
import sys

from borg_cluster.catalog import Catalog
from borg_cluster.run_record import job_lock
from borg_cluster.simulator import story
from tests.e2e.conftest import Shop


def test_create_backs_up_and_list_shows_it(shop: Shop) -> None:
    done = shop.run("create", "one", "--stats")
    assert done.code == 0, done.err
    assert done.out.count("hv.example.test-") == 1
    assert "stored" in done.out.splitlines()[-1]
    listed = shop.run("list", story.QUOTED)
    assert listed.code == 0
    assert listed.out.count("hv.example.test-") == 1
    assert shop.run("list", "O'Brien").code == 4
    (shop.site.folder / "etc" / "passphrase").chmod(0o644)
    document = shop.ask("create", "one")
    assert document["warnings"] == 1, "everybody can read the passphrase"
    assert [archive["name"] for archive in document["archives"]] == [story.QUOTED]
    assert document["failed"] == []
    assert len(shop.ask("list")["archives"]) == 2
    with Catalog.open(shop.site.folder / "state" / "catalog.sqlite") as catalog:
        runs = [(run.verb, run.exit_code, run.done, run.warnings) for run in catalog.runs("hv.example.test")]
    assert runs == [("create", 0, 1, 0), ("create", 1, 1, 1)]


def test_a_dry_run_is_the_plan_and_makes_nothing(window: Shop) -> None:
    done = window.run("create", "--dry-run")
    assert done.code == 0, done.err
    assert "5 VM archives, 2 volume archives" in done.out
    assert len(window.ask("list")["archives"]) == 1
    assert window.ask("create", "--dry-run")["kind"] == "plan"


def test_one_vm_that_fails_does_not_stop_the_others(shop: Shop) -> None:
    with shop.site.configuration.open("a") as file:
        file.write("commands: [{before: vm, run: ['test \"$BORG_CLUSTER_NAME\" != sql01']}]\n")
    done = shop.run("create", "two")
    assert done.code == 3
    assert "refused   sql01" in done.err
    assert "refused  sql01" in done.out
    assert [archive["name"] for archive in shop.ask("list")["archives"]] == [story.QUOTED]


def test_the_same_job_while_it_runs_is_refused_with_its_holder(shop: Shop) -> None:
    shop.run("discover")
    state = shop.site.folder / "state"
    with job_lock(state, cluster="hv.example.test", job="nightly", since="2026-03-01T21:00:00Z"):
        done = shop.run("create", "nightly")
    assert done.code == 4
    assert "2026-03-01T21:00:00Z" in done.err
    assert "pid" in done.err


def test_a_wrong_passphrase_is_borgs_reason_and_changes_nothing(shop: Shop) -> None:
    (shop.site.folder / "etc" / "passphrase").write_text("wrong")
    done = shop.run("create", "nightly")
    assert done.code == 4
    assert "passphrase" in done.err
    assert "Traceback" not in done.err


def test_a_repository_that_is_missing_is_refused_with_how_to_make_it(shop: Shop) -> None:
    shop.site.repository.rename(shop.site.folder / "elsewhere")
    done = shop.run("create", "nightly")
    assert done.code == 4
    assert "borg-cluster repo-create" in done.err


def test_an_unknown_job_is_a_wrong_word_with_the_right_one(shop: Shop) -> None:
    done = shop.run("create", "nightli")
    assert done.code == 64
    assert "nightly" in done.err


def test_a_vm_that_moved_since_is_followed(shop: Shop) -> None:
    shop.run("discover")
    _, _, target = shop.stage.migrate_one()
    done = shop.run("create", "two")
    assert done.code in {0, 1}, done.err
    assert f"to {target}; followed" in done.err
    archive = shop.ask("list", story.MIGRATED)["archives"][-1]["archive"]
    manifest = json.loads(shop.site.borg("extract", "--stdout", f"::{archive}", ".borg-cluster/manifest.json"))
    assert manifest["node"] == target


def test_a_signal_ends_create_in_order(shop: Shop) -> None:
    command = [sys.executable, "-m", "borg_cluster", "--log-json", "create", "one"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=shop.environment) as process:
        assert process.stderr is not None
        events = []
        for line in process.stderr:
            events.append(json.loads(line))
            if events[-1]["type"] == "archive_started":
                process.send_signal(signal.SIGTERM)
    assert process.returncode == 143
    assert events[-1] | {"type": "error", "message": "ended by SIGTERM", "exit_code": 143} == events[-1]
    assert shop.run("create", "one").code == 0, "and the next run finds nothing in its way"
