"""An 8 GiB disk with a real file system, backed up and restored, is whole: e2fsck has nothing to complain of, all files agree."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from borg_cluster import extract
from borg_cluster.catalog import Catalog
from borg_cluster.context import Context
from borg_cluster.core.event import Event
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.core.vhdx import inspect
from borg_cluster.simulator.making import DiskSpec, noise
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.simulator.vhdx_content import read
from tests import direct
from tests.e2e.borg_site import make_site
from tests.e2e.restore_site import MovingClock, back_up, policy_of

pytestmark = pytest.mark.timeout(1800)

GIB = 1 << 30
SIZE = 8 * GIB
FILES = 60
FILL = 5 * MIB
"""Bytes of each file but for the small ones: so much content in a disk of which most is free, as disks are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A world with one VM, whose disk holds a file system; ``files`` its files' checksums by path."""

    cluster: SimulatedCluster
    context: Context
    vm_id: str
    files: dict[str, str]


def tool(name: str) -> str:
    """Return the path of one of e2fsprogs' programs, which Debian keeps in sbin."""
    found = shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin")))
    if found is None:
        pytest.skip(f"{name} is not there (Debian: e2fsprogs)")
    return found


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of each file below a folder, but for what mkfs itself makes."""
    return {
        str(path.relative_to(folder)): digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "lost+found" not in path.parts
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Make a tree, a file system of it, a VM that has it, and its archive; then let the guest overwrite the disk's beginning."""
    mkfs, tmp_path = tool("mkfs.ext4"), tmp_path_factory.mktemp("site")
    tree = tmp_path / "tree"
    for number in range(FILES):
        path = tree / f"folder {number % 7}" / f"file {number} ü[1].bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise(f"file {number}", FILL if number % 3 == 0 else number * 97))
    image = tmp_path / "image.raw"
    with image.open("xb") as file:
        file.truncate(SIZE)
    subprocess.run([mkfs, "-q", "-F", "-L", "restored", "-d", str(tree), str(image)], check=True)
    cluster = SimulatedCluster.create(tmp_path / "world" / "cluster")
    vm_id = cluster.add_vm("big", disks=(DiskSpec(size=SIZE, content=0),), node="node1")
    write_image(cluster, vm_id, image)
    image.unlink()
    events: list[Event] = []
    with Catalog.open(tmp_path / "world" / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, tmp_path / "world", events=events, clock=MovingClock())
        context = replace(context, policy=policy_of(context.policy, make_site(tmp_path / "borg")))
        back_up(context, events)
        cluster.guest_write(vm_id, data=noise("a guest that went mad", 2 * MIB))
        yield Site(cluster=cluster, context=context, vm_id=vm_id, files=checksums(tree))
    cluster.check()


def write_image(cluster: SimulatedCluster, vm_id: str, image: Path) -> None:
    """Let the guest write an image to its disk, where the image has data."""
    handle = os.open(image, os.O_RDONLY)
    try:
        at = 0
        while at < SIZE:
            try:
                begin = os.lseek(handle, at, os.SEEK_DATA)
            except OSError:
                return  # nothing but holes from here on
            at = os.lseek(handle, begin, os.SEEK_HOLE)
            for piece in range(begin, at, 8 * MIB):
                cluster.guest_write(vm_id, offset=piece, data=os.pread(handle, min(8 * MIB, at - piece), piece))
    finally:
        os.close(handle)


def read_image(cluster: SimulatedCluster, vm_id: str, image: Path) -> None:
    """Write the virtual content of a VM's disk to an image."""
    disk = cluster.real_path(cluster.machine(vm_id).definition.disk_paths()[0])
    with image.open("xb") as file:
        file.truncate(SIZE)
        for at in range(0, SIZE, 32 * MIB):
            content = read([disk], at, 32 * MIB)
            if content.count(0) != len(content):
                file.seek(at)
                file.write(content)


@pytest.fixture(scope="module")
def image(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Restore the VM; return what its disk holds then."""
    assert extract.restore(site.context, RestoreRequest(vm=site.vm_id)).outcome == "restored"
    made = tmp_path_factory.mktemp("restored") / "restored.raw"
    read_image(site.cluster, site.vm_id, made)
    return made


def test_the_restored_disk_is_a_whole_vhdx_of_the_same_size(site: Site, image: Path) -> None:
    disk = site.cluster.real_path(site.cluster.machine(site.vm_id).definition.disk_paths()[0])
    assert image.stat().st_size == SIZE
    with disk.open("rb") as file:
        assert inspect(lambda offset, length: os.pread(file.fileno(), length, offset), disk.stat().st_size).virtual_size == SIZE
        assert os.lseek(file.fileno(), 0, os.SEEK_HOLE) == disk.stat().st_size, "a restored disk has no holes"


def test_its_file_system_is_whole_and_its_files_agree(site: Site, image: Path, tmp_path: Path) -> None:
    checked = subprocess.run([tool("e2fsck"), "-f", "-n", str(image)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
    subprocess.run([tool("debugfs"), "-R", f'rdump / "{tmp_path}"', str(image)], check=True, capture_output=True)
    assert checksums(tmp_path) == site.files
    assert len(site.files) == FILES


def test_its_file_system_mounts(site: Site, image: Path, tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-o", "loop,ro", str(image), str(tmp_path)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        assert checksums(tmp_path) == site.files
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
