"""Guests' file systems made and filled by the real tools: each file comes out as it went in, whatever lies in the free space."""

import hashlib
import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.core.file_system import READABLE, FileSystem, recognise
from borg_cluster.core.partition import partitions
from borg_cluster.core.vhdx_map import open_map
from borg_cluster.core.vhdx_reader import DiskReader
from borg_cluster.errors import BorgClusterError
from borg_cluster.guest_files.file_system import Complaint, Entry, GuestVolume, open_volume
from tests.e2e.borg_site import make_site
from tests.guest_disks import MIB, SECTOR, run, tool

Read = Callable[[int, int], bytes]
MAKE = {
    FileSystem.EXT: (128, ("mkfs.ext4", "-q", "-F", "-E", "nodiscard")),
    FileSystem.XFS: (320, ("mkfs.xfs", "-q", "-f", "-K")),
    FileSystem.NTFS: (128, ("mkfs.ntfs", "-q", "-F", "-Q")),
}
COMPRESSED = (0x810).to_bytes(4, "big")


@contextmanager
def reading(image: Path) -> Iterator[Read]:
    handle = os.open(image, os.O_RDONLY)
    try:
        yield lambda offset, length: os.pread(handle, length, offset)
    finally:
        os.close(handle)


@contextmanager
def mounted(image: Path, file_system: FileSystem, folder: Path) -> Iterator[Path]:
    """Mount a file system for writing; the test is skipped where that isn't allowed."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-o", "loop", str(image), str(folder)]
    if file_system is FileSystem.NTFS:
        command = [tool("ntfs-3g"), "-o", "compression,streams_interface=windows", str(image), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(top: Path, file_system: FileSystem) -> None:
    """Write files of each kind that file systems keep in ways of their own."""

    def write(name: str, content: bytes) -> None:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)

    write("in the inode", b"x" * 10)
    write("empty", b"")
    write("big", random.Random(1).randbytes(20 * MIB))  # noqa: S311 - content
    write("preallocated", b"A" * 5000)
    subprocess.run(["fallocate", "-l", "3000000", str(top / "preallocated")], check=False)  # NTFS' driver has none
    write("prolonged", b"B" * 5000)
    os.truncate(top / "prolonged", 2_000_000)
    with (top / "holes").open("wb") as file:
        file.seek(1_000_000)
        file.write(b"C" * 100_000)
        file.seek(3_000_000)
        file.write(b"D")
    for number in range(3000):
        write(f"many/{number:05}-{'n' * 40}", str(number).encode())
    write("/".join(("deep", *(f"level {number}" for number in range(60)), "file")), b"down here")
    write("ü-日本-🎉/'$(x)' \n", b"name")
    if file_system is FileSystem.NTFS:
        (top / "compressed").mkdir()
        os.setxattr(top / "compressed", "system.ntfs_attrib_be", COMPRESSED)
        write("compressed/text", b"compress me " * 100_000)
        write("compressed/noise", random.Random(2).randbytes(300_000))  # noqa: S311 - content
    else:
        (top / "link").symlink_to("many/../big")
        os.link(top / "big", top / "deep/big too")


def digests(top: Path) -> dict[str, str]:
    return {
        path.relative_to(top).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in top.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def read_back(volume: GuestVolume) -> dict[str, str]:
    found: dict[str, hashlib._Hash] = {}
    sizes: dict[str, int] = {}
    name = ""
    for answer in volume.get(()):
        assert not isinstance(answer, Complaint), answer
        if isinstance(answer, Entry):
            name = "/".join(answer.path)
            if answer.kind == "file":
                found[name], sizes[name] = hashlib.sha256(), answer.size
        else:
            found[name].update(answer)
    return {name: digest.hexdigest() for name, digest in found.items()}


def make(folder: Path, file_system: FileSystem) -> tuple[Path, dict[str, str]]:
    """Return an image of a filled file system, whose free space is noise, and its files' digests."""
    size, command = MAKE[file_system]
    image = folder / "image"
    with image.open("wb") as file:
        for _ in range(size):
            file.write(os.urandom(MIB))
    run(*command, image)
    with mounted(image, file_system, folder / "mnt") as top:
        fill(top, file_system)
        return image, digests(top)


@pytest.fixture(scope="module", params=list(MAKE))
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[FileSystem, Path, dict[str, str]]:
    return (request.param, *make(tmp_path_factory.mktemp("made"), request.param))


def test_every_file_is_read_as_it_was(filled: tuple[FileSystem, Path, dict[str, str]]) -> None:
    file_system, image, expected = filled
    with reading(image) as read:
        (whole,) = partitions(read, image.stat().st_size)
        assert recognise(read, whole).file_system is file_system
        with open_volume(file_system, read, whole.length) as volume:
            assert read_back(volume) == expected
    assert len(expected) > 3000


def test_no_damage_leads_to_anything_but_our_own_error(filled: tuple[FileSystem, Path, dict[str, str]]) -> None:
    """60 times, 300 bytes of metadata are changed by chance; everything is listed, and what isn't said to be huge is read."""
    file_system, image, _ = filled
    content = image.read_bytes()
    chance = random.Random(4)  # noqa: S311 - no secret
    places: list[int] = []
    with reading(image) as read, open_volume(file_system, spying(read, places), len(content)) as volume:
        list(volume.list((), recursive=True))
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(300):
            damaged[chance.choice(places) + chance.randrange(1 << 16)] = chance.randrange(256)
        try:
            with open_volume(file_system, partial(part, damaged), len(damaged)) as volume:
                entries = [one for one in volume.list((), recursive=True) if isinstance(one, Entry)]
                for one in entries[:20]:
                    if one.kind == "file" and 0 < one.size < 8 * MIB:
                        list(volume.get(one.path))
        except BorgClusterError as error:
            assert "\n" not in error.message  # noqa: PT017 - either way is right


def part(content: bytearray, offset: int, length: int) -> bytes:
    return bytes(content[offset : offset + length])


def spying(read: Read, places: list[int]) -> Read:
    def spy(offset: int, length: int) -> bytes:
        places.append(offset)
        return read(offset, length)

    return spy


def test_out_of_an_archived_vhdx_no_more_is_fetched_than_is_needed(tmp_path: Path) -> None:
    """A disk of 1 GiB that is full, in a VHDX of qemu's: one small file and a list need less than a 25th of it."""
    image = tmp_path / "image"
    with image.open("wb") as file:
        for _ in range(1024):
            file.write(os.urandom(MIB))
    (tmp_path / "source/etc").mkdir(parents=True)
    (tmp_path / "source/etc/hosts").write_bytes(b"127.0.0.1\n")
    run("sgdisk", "-n", "1:2048:", "-t", "1:8300", image)
    at = 2048 * SECTOR
    run("mkfs.ext4", "-q", "-F", "-E", f"nodiscard,offset={at}", "-d", tmp_path / "source", image, f"{1024 * 1024 - 4096}k")
    run("qemu-img", "convert", "-q", "-O", "vhdx", image, tmp_path / "disk.vhdx")
    image.unlink()
    site = make_site(tmp_path / "site", encryption="repokey-blake2")
    site.borg.create("disk", comment="", options=CreateOptions(), paths=(f"{tmp_path}/./disk.vhdx",))
    with site.borg.open_archive("disk", ("disk.vhdx",)) as reader:
        size = reader.files["disk.vhdx"].size
        disk = DiskReader([open_map(partial(reader.read, "disk.vhdx"), size)])
        (partition,) = partitions(disk.read, disk.size)

        def read(offset: int, length: int) -> bytes:
            return disk.read(partition.offset + offset, length)

        with open_volume(recognise(read, partition).file_system, read, partition.length) as volume:
            listed = [one.path for one in volume.list((), recursive=True)]
            content = b"".join(one for one in volume.get(("etc", "hosts")) if isinstance(one, bytes))
        fetched = reader.bytes_fetched
    assert sorted(listed) == [(), ("etc",), ("etc", "hosts"), ("lost+found",)]
    assert content == b"127.0.0.1\n"
    assert size > 1000 * MIB
    assert fetched < size / 25, f"{fetched} of {size} bytes"


@pytest.mark.parametrize(
    ("script", "label"),
    [
        ("2048,20480,L\n22528,40960,E\n24576,8192,L\n34816,8192,7\n,,L\n", "dos"),
        ("2048,20480,L\n,40960,S\n,,\n", "gpt"),
    ],
)
def test_partitions_are_those_that_sfdisk_sees(tmp_path: Path, script: str, label: str) -> None:
    image = tmp_path / "disk"
    image.write_bytes(bytes(64 * MIB))
    subprocess.run([tool("sfdisk"), "-q", "-X", label, str(image)], input=script, text=True, check=True)
    told = subprocess.run([tool("sfdisk"), "--json", str(image)], capture_output=True, check=True).stdout
    expected = [
        (int(one["node"].removeprefix(str(image))), one["start"] * SECTOR, one["size"] * SECTOR)
        for one in json.loads(told)["partitiontable"]["partitions"]
        if one["type"] != "5"
    ]
    with reading(image) as read:
        assert [(one.number, one.offset, one.length) for one in partitions(read, 64 * MIB)] == expected


@pytest.mark.parametrize(
    ("file_system", "command"),
    [
        (FileSystem.FAT, ("mkfs.vfat", "-F", "32")),
        (FileSystem.FAT, ("mkfs.vfat", "-F", "16")),
        (FileSystem.SWAP, ("mkswap", "-q")),
        (FileSystem.BTRFS, ("mkfs.btrfs", "-q", "-f")),
        (FileSystem.LUKS, ("cryptsetup", "luksFormat", "-q", "--pbkdf-force-iterations", "1000", "--pbkdf", "pbkdf2")),
    ],
)
def test_what_is_not_read_is_known_by_name(tmp_path: Path, file_system: FileSystem, command: tuple[str, ...]) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(128 * MIB))
    key = tmp_path / "key"
    key.write_bytes(b"secret")
    run(*command, image, *((key,) if command[0] == "cryptsetup" else ()))
    with reading(image) as read:
        (whole,) = partitions(read, 128 * MIB)
        assert recognise(read, whole).file_system is file_system
    assert file_system not in READABLE
