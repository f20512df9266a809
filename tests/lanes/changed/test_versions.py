"""Each Borg 1.4, each kind of encryption, a local repository and one behind ssh: the same archive as by plain Borg."""

import os
from pathlib import Path

import pytest

from borg_cluster.changed_blocks import guard
from borg_cluster.core.vhdx import MIB
from tests.changed_site import ChangedSite
from tests.e2e.test_changed_blocks import SIZE, make_disk, write

pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).parents[3]
BORGS = Path(os.environ.get("BORG_CLUSTER_BORGS", "/nowhere"))
ENCRYPTIONS = (
    "none",
    "authenticated",
    "authenticated-blake2",
    "repokey",
    "repokey-blake2",
    "keyfile",
    "keyfile-blake2",
)


def site_of(room: Path, version: str, encryption: str, *, ssh: bool) -> ChangedSite:
    python = BORGS / version / "bin" / "python"
    environment = {"PYTHONPATH": str(ROOT)}
    location = ""
    if ssh:
        shell = room / "ssh"
        room.mkdir(exist_ok=True)
        shell.write_text(f"#!/bin/sh\nexec {python.with_name('borg')} serve --umask=077\n")
        shell.chmod(0o700)
        environment["BORG_RSH"] = str(shell)
        location = f"ssh://nowhere{room}/repository"
    return ChangedSite(
        room,
        encryption=encryption,
        location=location,
        borg=(str(python.with_name("borg")),),
        child=(str(python), "-P", "-m", "borg_cluster.changed_blocks"),
        environment=environment,
    )


def compare(site: ChangedSite) -> None:
    disk = make_disk(site.folder / "a.vhdx")
    base = site.plain()
    changes = [write(disk, 4 * MIB + 9, b"overwritten"), write(disk, 5 * MIB, os.urandom(MIB)), write(disk, 23 * MIB, b"new")]
    made = site.changed(base, {"a.vhdx": (SIZE, changes)}, verify=0.3)
    outcome = made.outcomes["a.vhdx"]
    assert (outcome.reason, outcome.wrong) == (None, ())
    assert outcome.taken > 0
    assert site.difference(made.name, site.plain()) == ""
    site.run("delete", f"::{base}")
    site.run("compact")
    assert site.content(made.name, "a.vhdx") == disk.read_bytes()
    site.run("check", "--verify-data")


@pytest.mark.parametrize("version", sorted(guard.TESTED))
@pytest.mark.parametrize("ssh", [False, True], ids=["local", "ssh"])
def test_each_version_makes_the_archive_that_plain_borg_makes(tmp_path: Path, version: str, ssh: bool) -> None:
    compare(site_of(tmp_path / "site", version, "repokey-blake2", ssh=ssh))


NEWEST = max(guard.TESTED, key=lambda version: [int(part) for part in version.split(".")])


@pytest.mark.parametrize("encryption", ENCRYPTIONS)
def test_each_encryption_with_the_newest(tmp_path: Path, encryption: str) -> None:
    compare(site_of(tmp_path / "site", NEWEST, encryption, ssh=False))


def test_each_version_is_as_it_was_published() -> None:
    assert {path.name for path in BORGS.iterdir() if (path / "bin" / "borg").exists()} >= set(guard.TESTED)
