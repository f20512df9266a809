"""A configuration from a repository alone: of a real site, and of repositories that hold what they may hold."""

import os
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from borg_cluster import cli, config
from borg_cluster.borg import find_borg
from borg_cluster.catalog import manifest_to_json
from borg_cluster.config.written import kept_in
from borg_cluster.core.policy import Policy
from borg_cluster.simulator import story
from tests import reports
from tests.e2e.borg_site import PASSPHRASE, BorgSite, make_site, write
from tests.e2e.conftest import Done, Shop
from tests.restores import inventory, manifest

MACHINE = reports.vm(1, "web01")
HOSTILE = "a, job other, run x\n"


def type_in(*arguments: str) -> Done:
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = cli.run(list(arguments))
    return Done(code=code, out=out.getvalue(), err=err.getvalue())


def test_a_site_is_rebuilt_from_its_repository_and_goes_on(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.run("create", "one").code == 0
    then = config.load(shop.site.configuration)
    lost = shop.site.configuration.rename(tmp_path / "lost.yaml")
    (shop.site.folder / "state").rename(tmp_path / "state")  # it is another machine
    monkeypatch.setenv("HOME", str(tmp_path))
    passphrase = f"{{credential file {shop.site.configuration.parent}/passphrase}}"
    words = ("config", "bootstrap", str(shop.site.repository), "--encryption-passphrase", passphrase)
    done = shop.run(*words, "--destination", str(shop.site.configuration))
    assert done.code == 0, done.out + done.err
    assert config.load(shop.site.configuration) == then == config.load(lost)
    assert shop.site.configuration.stat().st_mode & 0o777 == 0o600
    assert shop.run("config", "validate").code == 0
    assert [one["name"] for one in shop.ask("list")["archives"]] == [story.QUOTED]
    extracted = shop.run("extract", story.QUOTED, "--to", str(tmp_path / "out"))
    assert extracted.code == 0, extracted.err
    assert list((tmp_path / "out").rglob("*.vhdx"))
    again = shop.run("create", "one")
    assert again.code == 0, again.err
    assert len(shop.ask("list", story.QUOTED)["archives"]) == 2
    refused = shop.run(*words, "--destination", str(shop.site.configuration))
    assert (refused.code, "there already" in refused.err) == (64, True)
    assert shop.run(*words, "--destination", str(shop.site.configuration), "--overwrite").code == 0


class Vault:
    """A repository that is filled by hand, as any number of machines may have filled it."""

    def __init__(self, folder: Path) -> None:
        self.site: BorgSite = make_site(folder / "borg", encryption="repokey")
        self.folder = folder
        self.count = 0
        self.secret = write(folder / "passphrase", PASSPHRASE.encode())
        self.secret.chmod(0o600)

    def policy(self, jobs: str, *, cluster: str = "hv.example.test", more: str = "") -> Policy:
        """Return the policy of a configuration with these jobs."""
        text = f"cluster: {cluster}\nrepositories: [{{path: {self.site.repository.path}, label: main}}]\njobs: {{{jobs}}}\n{more}"
        return config.check(text, name="test")

    def add(self, job: str, kept: str | None, *, comment: str | None = None, vm: int = 1, with_manifest: bool = True) -> str:
        """Make an archive as a job of a configuration leaves it, or without one of its notes."""
        self.count += 1
        at = f"2026-03-0{self.count}T02:00:00Z"
        cluster = "hv.example.test" if kept is None or "cluster: hv2" not in kept else "hv2.example.test"
        told = replace(manifest(inventory({"node1": (MACHINE,)}), MACHINE.id), job=job, cluster=cluster, created_at=at)
        place = self.folder / f"notes-{self.count}"
        write(place / "Volume1" / "file")
        if with_manifest:
            write(place / ".borg-cluster" / "manifest.json", manifest_to_json(told).encode())
        if kept is not None:
            write(place / ".borg-cluster" / "config.yaml", kept.encode())
        name = f"{cluster}-{vm}-{at}"
        told_of = f"{HOSTILE}web, job {job}, run {self.count}" if comment is None else comment
        environment = os.environ | {
            "BORG_REPO": self.site.repository.path,
            "BORG_PASSPHRASE": PASSPHRASE,
            "BORG_SELFTEST": "disabled",
            "BORG_BASE_DIR": str(self.folder / "borg" / "base"),
        }
        line = [find_borg("borg"), "create", "--comment", told_of, f"::{name}", "."]
        subprocess.run(line, env=environment, cwd=place, check=True, capture_output=True)
        return name

    def bootstrap(self, *more: str, destination: str = "made.yaml", before: tuple[str, ...] = ()) -> Done:
        """Type the command."""
        secret = f"{{credential file {self.secret}}}"
        words = ("config", "bootstrap", self.site.repository.path, "--encryption-passphrase", secret)
        return type_in(*before, *words, "--destination", str(self.folder / destination), *more)

    def made(self) -> Policy:
        """Return the policy of the file that was made."""
        return config.load(self.folder / "made.yaml")


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "home" / "state"))
    (tmp_path / "home").mkdir()
    return Vault(tmp_path)


def test_the_newest_counts_and_a_job_that_only_another_machine_knows_is_added(vault: Vault) -> None:
    old = vault.policy("nightly: {kind: virtual_machines, keep_daily: 1}, weekly: {kind: volumes}")
    other = vault.policy("elsewhere: {kind: virtual_machines, keep_daily: 3}")
    new = vault.policy(
        "nightly: {kind: virtual_machines, keep_daily: 2}", more="commands: [{before: vm, when: [create], run: [secret]}]"
    )
    vault.add("nightly", old.written)
    vault.add("elsewhere", other.written, vm=2)
    newest = vault.add("nightly", new.written)
    vault.add("nightly", "cluster: [", vm=3)
    done = vault.bootstrap()
    assert done.code == 1, done.err
    made = vault.made()
    assert {job.name: job.retention.daily for job in made.jobs} == {"nightly": 2, "elsewhere": 3}
    assert made.borg.passphrase == f"{{credential file {vault.secret}}}"
    assert made.commands == ()
    text = (vault.folder / "made.yaml").read_text(encoding="utf-8")
    assert "# - before: vm" in text
    assert "secret]" not in text
    assert f"# from {newest}" in text
    said = " ".join(done.out.split())
    assert "the job elsewhere is not in the newest configuration" in said
    assert "1 command hooks were left out" in said


def test_a_repository_that_moved_is_named_where_it_is(vault: Vault) -> None:
    written = vault.policy("nightly: {kind: volumes}").written.replace(vault.site.repository.path, "ssh://gone/./hv")
    vault.add("nightly", f"# left out: borg.ssh_command\n{written}")
    done = vault.bootstrap()
    assert vault.made().repositories == (vault.site.repository,)
    assert "was at ssh://gone/./hv" in " ".join(done.out.split())
    assert "ssh_command: was left out" in " ".join(done.out.split())
    document = vault.bootstrap("--json", "--overwrite", "--ssh-command", "ssh -p 2222").document
    assert vault.made().borg.ssh_command == "ssh -p 2222"
    assert document["cluster"] == "hv.example.test"


def test_two_clusters_in_one_repository_are_told_apart(vault: Vault) -> None:
    for cluster in ("hv.example.test", "hv2.example.test"):
        vault.add(
            "nightly", vault.policy("nightly: {kind: volumes}", cluster=cluster).written, vm=int(cluster != "hv.example.test")
        )
    done = vault.bootstrap()
    assert done.code == 64
    assert "hv2.example.test, hv.example.test" in done.err
    assert vault.bootstrap(before=("--cluster", "hv2")).code in {0, 1}
    assert vault.made().cluster == "hv2.example.test"


def test_what_is_not_ours_or_keeps_nothing_is_said_in_one_line(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*more: str) -> str:
        done = vault.bootstrap(*more)
        assert done.code == 4, done.err
        assert done.err.count("error: ") == 1
        assert not (vault.folder / "made.yaml").exists()
        return done.err

    assert "holds no archives" in refused()
    stranger = vault.add("nightly", None, comment="made by hand")
    assert "none of the 1 archives" in refused()
    vault.add("nightly", None)
    assert "keeps a configuration that can be read" in refused()
    assert "holds no archive nope" in refused("--archive", "nope")
    assert "archives in" in refused("--archive", stranger)
    monkeypatch.setenv("BORG_PASSPHRASE", "wrong")
    wrong = type_in("config", "bootstrap", vault.site.repository.path, "--destination", str(vault.folder / "made.yaml"))
    assert (wrong.code, "assphrase" in wrong.err) == (4, True)
    monkeypatch.delenv("BORG_PASSPHRASE")
    none = type_in("config", "bootstrap", vault.site.repository.path, "--destination", str(vault.folder / "made.yaml"))
    assert (none.code, "--encryption-passphrase" in none.err) == (4, True)
    inline = type_in("config", "bootstrap", vault.site.repository.path, "--encryption-passphrase", "hunter2")
    assert (inline.code, "hunter2" in inline.err) == (64, False)
    nowhere = type_in("config", "bootstrap", str(vault.folder), "--destination", str(vault.folder / "made.yaml"))
    assert nowhere.code == 4
    assert "is not a valid repository" in nowhere.err


def test_of_several_repositories_the_one_that_moved_is_known_by_its_label(vault: Vault) -> None:
    text = vault.policy("nightly: {kind: virtual_machines, repositories: ['*']}, look: {kind: discovery}").written
    two = text.replace("label: main\n", "label: main\n- path: /srv/elsewhere\n  label: second\n")
    assert two != text
    vault.add("nightly", kept_in(two.replace(vault.site.repository.path, "/srv/gone"), "second"))
    other = vault.policy("weekly: {kind: volumes}")
    vault.add(
        "weekly", other.written.replace("label: main", "label: third").replace(vault.site.repository.path, "/srv/third"), vm=2
    )
    vault.add("nightly", kept_in(two.replace(vault.site.repository.path, "/srv/gone"), "second"))
    assert vault.bootstrap().code == 1
    made = vault.made()
    paths = {one.label: one.path for one in made.repositories}
    assert paths == {"main": "/srv/gone", "second": vault.site.repository.path, "third": "/srv/third"}
    assert {job.name: job.labels for job in made.jobs} == {
        "nightly": ("main", "second", "third"),
        "look": (),
        "weekly": ("third",),
    }
