"""Ranges of files are read out of real archives, and no more of them is fetched than holds the ranges."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from borg_cluster.borg import find_borg
from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.borg_process import environment
from borg_cluster.borg_reader import ArchiveReader
from borg_cluster.errors import BorgFailed, RepositoryRefused
from tests.e2e.borg_site import BorgSite, make_site, write

MIB = 1 << 20
NAME = "dïsk \n $(x).vhdx"
CHUNKS = CreateOptions(chunker_params="fixed,1048576")


def archived(site: BorgSite, folder: Path, content: bytes) -> None:
    """Archive a file and a hard link to it, a folder and an empty file, in chunks of 1 MiB."""
    write(folder / NAME, content)
    os.link(folder / NAME, folder / "link")
    write(folder / "empty", b"")
    site.borg.create("disks", comment="", options=CHUNKS, paths=tuple(f"{folder}/./{name}" for name in (NAME, "link", "empty")))


def read_up_to(reader: ArchiveReader, content: bytes, damage: int) -> None:
    assert reader.read(NAME, 0, damage) == content[:damage]
    reader.read(NAME, damage, 1)


@pytest.mark.parametrize("encryption", ["none", "repokey-blake2"])
def test_ranges_are_what_was_archived_and_little_else_is_fetched(tmp_path: Path, encryption: str) -> None:
    site = make_site(tmp_path / "site", encryption=encryption)
    content = random.Random(7).randbytes(32 * MIB + 12345)  # noqa: S311 - content, no secret
    archived(site, tmp_path / "source", content)

    with site.borg.open_archive("disks", (NAME, "link", "empty", "absent")) as reader:
        assert {path: (file.size, file.mended) for path, file in reader.files.items()} == {
            NAME: (len(content), False),
            "link": (len(content), False),
            "empty": (0, False),
        }
        assert reader.read(NAME, MIB - 10, 20) == content[MIB - 10 : MIB + 10]
        assert (reader.chunks_fetched, reader.bytes_fetched) == (2, 2 * MIB)
        assert reader.read("link", MIB - 5, 5) == content[MIB - 5 : MIB]
        assert reader.read(NAME, len(content) - 7, 100) == content[-7:]
        assert reader.read(NAME, len(content), 10) == reader.read("empty", 0, 10) == b""
        assert (reader.chunks_fetched, reader.bytes_fetched) == (3, 2 * MIB + 12345), "what was fetched is kept"
        assert reader.read("link", 0, len(content)) == content
        assert reader.bytes_fetched == len(content)
    site.borg.delete("disks")  # takes the exclusive lock, without waiting


def test_an_archive_that_does_not_open_is_refused_in_borgs_words(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", encryption="repokey-blake2")
    archived(site, tmp_path / "source", b"content")

    with pytest.raises(BorgFailed, match="absent does not exist"), site.borg.open_archive("absent", (NAME,)):
        pass
    with pytest.raises(RepositoryRefused, match="Passphrase"), site.again(passphrase="wrong").open_archive("disks", (NAME,)):
        pass


def test_what_is_damaged_is_told_when_it_is_met_and_after_its_repair(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site")
    content = random.Random(8).randbytes(3 * MIB)  # noqa: S311 - content, no secret
    archived(site, tmp_path / "source", content)
    (segment,) = (path for path in (tmp_path / "site/repository/data/0").iterdir() if path.stat().st_size > 3 * MIB)
    whole = segment.read_bytes()
    at = whole.index(content[MIB : MIB + 64])
    segment.write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])

    with pytest.raises(BorgFailed, match=r"^borg: "), site.borg.open_archive("disks", (NAME,)) as reader:
        read_up_to(reader, content, MIB)

    mend = {**environment(site.settings, site.repository.path), "BORG_CHECK_I_KNOW_WHAT_I_AM_DOING": "YES"}
    subprocess.run([find_borg("borg"), "check", "--repair"], env=mend, check=True, capture_output=True)
    with site.borg.open_archive("disks", (NAME,)) as reader:
        assert reader.files[NAME].mended
        assert reader.read(NAME, 0, len(content)) == content[:MIB] + bytes(MIB) + content[2 * MIB :]
