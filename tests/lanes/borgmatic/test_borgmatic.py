"""The real borgmatic runs what `borgmatic-config` prints, as it is: real borg, the simulated cluster over the wire."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from borg_cluster.borg import find_borg
from borg_cluster.simulator import story
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.state import CommandError
from tests.e2e.conftest import Shop, open_shop

BORGMATIC = os.environ.get("BORG_CLUSTER_BORGMATIC", "")
CHANGES = {"New-BorgClusterSnapshot", "Remove-BorgClusterSnapshot", "New-BorgClusterClaim", "Remove-BorgClusterClaim"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Shop]:
    """A shop of its own, with a second repository."""
    with open_shop(tmp_path / "shop") as shop:
        second = shop.site.folder / "second"
        text = shop.site.configuration.read_text(encoding="utf-8")
        text = text.replace("    label: main\n", f'    label: main\n  - {{path: "{second}", label: second}}\n')
        text = text.replace("    kind: v", "    repository: main\n    kind: v")
        shop.site.configuration.write_text(text, encoding="utf-8")
        assert shop.run("repo-create", "second").code == 0
        yield shop


def configure(shop: Shop, *labels: str, job: str = "two") -> Path:
    """Write what is printed to a file of borgmatic's."""
    words = [word for label in labels for word in ("--repository", label)]
    done = shop.run("borgmatic-config", "--job", job, *words)
    assert done.code == 0, done.err
    file = shop.site.folder / "borgmatic.yaml"
    file.write_text(done.out, encoding="utf-8")
    return file


def borgmatic(shop: Shop, file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run borgmatic in an environment that knows nothing of borg-cluster, as under systemd."""
    folder = shop.site.folder / "borgmatic"
    folder.mkdir(exist_ok=True)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "STATE_DIRECTORY": str(folder / "state"),
        "RUNTIME_DIRECTORY": str(folder / "run"),
        "BORG_SELFTEST": "disabled",
    }
    command = [BORGMATIC, "--config", str(file), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def archives(shop: Shop, repository: str = "repository") -> list[str]:
    environment = {**os.environ, **shop.site.borg_environment, "BORG_REPO": str(shop.site.folder / repository)}
    done = subprocess.run([find_borg("borg"), "list", "--short"], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def stored(shop: Shop, archive: str) -> set[str]:
    return set(shop.site.files_of(archive))


def frozen(shop: Shop) -> list[str]:
    return [machine.id for machine in shop.cluster.state.machines if machine.definition.snapshots()]


def asked(shop: Shop) -> list[str]:
    """Return what the cluster was asked to do, from the simulator's own log."""
    return [str(entry["what"]) for entry in shop.cluster.log if entry["kind"] == "command"]


def nothing_left(shop: Shop) -> bool:
    claims = [
        claim for name in shop.cluster.volume_names for claim in shop.cluster.volume_folder(name).glob(".borg-cluster/claims/*")
    ]
    records = list((shop.site.folder / "state" / "runs").rglob("*.jsonl"))
    return not (frozen(shop) or claims or records)


def test_the_file_is_valid_to_borgmatic(site: Shop) -> None:
    file = configure(site, "main", "second")
    done = borgmatic(site, file, "config", "validate")
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert [one["label"] for one in document["repositories"]] == ["main", "second"]


def test_a_night_with_two_repositories_freezes_once(site: Shop) -> None:
    file = configure(site, "main", "second")
    done = borgmatic(site, file, "create")
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked(site).count("New-BorgClusterSnapshot") == 2, "one a VM, not one a repository"
    assert nothing_left(site)
    (archive,) = archives(site)
    assert len(archives(site, "second")) == 1
    files = stored(site, archive)
    ids = [site.cluster.find_vm(name) for name in (story.QUOTED, "sql01")]
    for vm_id in ids:
        assert any(path.lower().endswith(f"{vm_id}.vmcx") for path in files)
        manifest = json.loads(site.site.borg("extract", "--stdout", f"::{archive}", f".borg-cluster/{vm_id}/manifest.json"))
        assert manifest["consistency"] == "application"
        assert {one["archive_path"] for one in manifest["files"]} <= files
    again = borgmatic(site, file)
    assert again.returncode == 0, again.stdout + again.stderr
    assert nothing_left(site)


def test_a_snapshot_that_fails_fails_borgmatic_and_leaves_nothing(site: Shop) -> None:
    refusal = CommandError(error_id="X", category="InvalidOperation", message="not this one", code="0x80048005")
    fault = site.cluster.faults.add(Fault(kind="error", command="New-BorgClusterSnapshot", occurrence=2, error=refusal))
    done = borgmatic(site, configure(site), "create")
    assert (done.returncode, fault.fired) == (1, 1), done.stderr
    assert "not this one" in done.stdout + done.stderr
    assert archives(site) == []
    assert nothing_left(site)


def test_a_backup_that_fails_leaves_no_snapshot(site: Shop) -> None:
    file = configure(site)
    site.site.repository.rename(site.site.folder / "gone")
    done = borgmatic(site, file, "create")
    assert done.returncode == 1
    assert asked(site).count("New-BorgClusterSnapshot") == 2
    assert nothing_left(site)


def test_one_of_two_repositories_may_be_gone(site: Shop) -> None:
    file = configure(site, "main", "second")
    (site.site.folder / "second").rename(site.site.folder / "gone")
    done = borgmatic(site, file, "create")
    assert done.returncode == 1
    assert len(archives(site)) == 1
    assert nothing_left(site)


def test_a_node_that_is_missing_costs_nothing_where_its_vms_fail_over(site: Shop) -> None:
    file = configure(site)
    vm_id = site.cluster.find_vm("sql01")
    node = next(machine.node for machine in site.cluster.state.machines if machine.id == vm_id)
    assert node
    site.cluster.node_down(node)
    done = borgmatic(site, file, "create")
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = archives(site)
    assert any("sql01" in path for path in stored(site, archive))
    assert nothing_left(site)


def test_no_node_at_all_fails_borgmatic(site: Shop) -> None:
    file = configure(site)
    for node in site.cluster.node_names:
        site.cluster.node_down(node, fail_over=False)
    done = borgmatic(site, file, "create")
    assert done.returncode == 1
    assert archives(site) == []


def test_a_dry_run_changes_nothing_on_the_cluster(site: Shop) -> None:
    file = configure(site)
    before = len(site.cluster.log)
    done = borgmatic(site, file, "create", "--dry-run", "--list")
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.cluster.log[before:] == []
    assert archives(site) == []


def test_borgmatic_that_was_killed_is_swept(site: Shop, tmp_path: Path) -> None:
    file = configure(site)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("commands:\n", "commands:\n- before: repository\n  run: ['kill -9 $PPID']\n"), encoding="utf-8")
    done = borgmatic(site, file, "create")
    assert done.returncode < 0, done.stdout + done.stderr
    assert len(frozen(site)) == 2
    assert site.run("discover").code in {0, 1}
    assert nothing_left(site)
