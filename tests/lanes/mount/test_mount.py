"""`mount` and `umount` with a real FUSE: a VM's archive is looked into as a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster.cli.demo_site import borg_executable
from borg_cluster.simulator import story
from tests.e2e.conftest import Shop, open_shop


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A site with an archive of one VM, and a borg that has FUSE."""
    with open_shop(tmp_path_factory.mktemp("mount") / "shop") as shop:
        assert shop.run("create", "one").code == 0
        text = shop.site.configuration.read_text(encoding="utf-8")
        shop.site.configuration.write_text(
            text.replace(borg_executable(), os.environ["BORG_CLUSTER_FUSE_BORG"]), encoding="utf-8"
        )
        yield shop


@pytest.fixture
def folder(site: Shop, tmp_path: Path) -> Iterator[Path]:
    """An empty folder, on which nothing is mounted afterwards."""
    place = tmp_path / "look here"
    place.mkdir()
    yield place
    if place.is_mount():
        site.run("umount", str(place))
    assert not place.is_mount()


def test_a_vms_archive_is_a_folder_until_it_is_unmounted(site: Shop, folder: Path) -> None:
    done = site.run("mount", story.QUOTED, str(folder))
    assert done.code == 0, done.err
    assert str(folder) in done.out.replace("\n", "")
    assert folder.is_mount()
    (archive,) = site.ask("list")["archives"]
    stored = site.site.files_of(archive["archive"])
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} > set(stored)
    for path in stored:
        assert (folder / path).read_bytes() == site.site.borg("extract", "--stdout", f"::{archive['archive']}", path)
    assert story.QUOTED in (folder / ".borg-cluster" / "RESTORE.txt").read_text(encoding="utf-8")
    with pytest.raises(OSError, match="Read-only"):
        (folder / "new").write_text("x", encoding="utf-8")
    taken = site.run("mount", story.QUOTED, str(folder))
    assert (taken.code, "no empty folder" in taken.err) == (4, True)
    ended = site.run("umount", str(folder))
    assert ended.code == 0, ended.err
    assert list(folder.iterdir()) == []


def test_what_is_not_mounted_can_not_be_unmounted(site: Shop, folder: Path) -> None:
    done = site.run("umount", str(folder))
    assert (done.code, done.err.count("error: ")) == (2, 1), done.err
