"""The VHDX inspection, against files that the simulator makes by its own code, and against qemu's where it's installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from borg_cluster.core import vhdx
from borg_cluster.simulator import vhdx as maker

MIB = 1 << 20
DISK_ID, WRITE_ID = UUID(int=7), UUID(int=9)


def make(path: Path, **changes: object) -> Path:
    disk = {"size": 5 * MIB, "identifier": DISK_ID, "data_write": WRITE_ID} | changes
    maker.create(path, maker.NewDisk(**disk))  # type: ignore[arg-type]  # keyword by keyword, as each test says
    return path


@contextmanager
def reader(path: Path) -> Iterator[tuple[vhdx.Read, int]]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield lambda offset, length: os.pread(handle, length, offset), path.stat().st_size
    finally:
        os.close(handle)


def inspect(path: Path) -> vhdx.VHDX:
    with reader(path) as (read, length):
        return vhdx.inspect(read, length)


def damage(path: Path, offset: int, data: bytes = b"\xff") -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


@pytest.mark.parametrize("fixed", [True, False])
def test_a_whole_file_says_what_it_is(tmp_path: Path, fixed: bool) -> None:
    disk = inspect(make(tmp_path / "a.vhdx", fixed=fixed))
    assert (disk.virtual_size, disk.disk_id, disk.data_write_id) == (5 * MIB, DISK_ID, WRITE_ID)
    assert (disk.block_size, disk.sector_size, disk.has_log, disk.parent) == (MIB, 512, False, None)


def test_a_child_links_to_its_parent_and_to_no_other(tmp_path: Path) -> None:
    base = inspect(make(tmp_path / "base.vhdx"))
    link = maker.ParentLink(linkage=WRITE_ID, relative_path=r".\base.vhdx", absolute_path=r"C:\é\base.vhdx")
    child = inspect(make(tmp_path / "child.avhdx", data_write=uuid4(), parent=link))
    other = inspect(make(tmp_path / "other.vhdx", data_write=uuid4()))
    assert vhdx.links(child, base)
    assert not vhdx.links(child, other)
    assert not vhdx.links(base, base)
    assert child.parent is not None
    assert r"C:\é\base.vhdx" in child.parent.paths


def test_one_damaged_header_and_table_do_not_matter_two_do(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx")
    for first, second, name in ((64, 128, "headers"), (192, 256, "region tables")):
        damage(path, first * 1024 + 100)
        assert inspect(path).disk_id == DISK_ID
        damage(path, second * 1024 + 100)
        with pytest.raises(vhdx.VHDXDamaged, match=name):
            inspect(path)
        make_again(path)


def make_again(path: Path) -> None:
    path.unlink()
    make(path)


@pytest.mark.parametrize(
    ("offset", "data", "message"),
    [
        (0, b"conectix", "file identifier"),
        (2 * MIB, b"metadatx", "signature"),
        (2 * MIB + 10, b"\xff\xff", "65535 entries"),
        (2 * MIB + 32, b"\x00" * 16, "incomplete"),
        (2 * MIB + 48, b"\xff\xff\xff\x7f", "outside"),
        (2 * MIB + 65536, b"\x01", "block size"),
        (2 * MIB + 65536 + 8, b"\x00" * 5 + b"\x01", "too small"),
        (3 * MIB, b"\x06\x00\x00\x00\x01", "block 0 ends at"),
    ],
)
def test_each_damage_is_named(tmp_path: Path, offset: int, data: bytes, message: str) -> None:
    path = make(tmp_path / "a.vhdx")
    damage(path, offset, data)
    with pytest.raises(vhdx.VHDXDamaged, match=message):
        inspect(path)


def test_a_cut_or_padded_file_is_noticed(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx", fixed=True)
    whole = path.stat().st_size
    os.truncate(path, whole - MIB)
    with pytest.raises(vhdx.VHDXDamaged, match="ends at"):
        inspect(path)
    os.truncate(path, whole + 512)
    with pytest.raises(vhdx.VHDXDamaged, match="multiple of 1 MiB"):
        inspect(path)
    os.truncate(path, 0)
    with pytest.raises(vhdx.VHDXDamaged, match="identifier"):
        inspect(path)


def test_checksum_is_castagnolis() -> None:
    assert vhdx.crc32c(b"123456789") == 0xE3069283


@pytest.mark.parametrize("kind", ["dynamic", "fixed"])
def test_qemus_files_are_whole_too(tmp_path: Path, kind: str) -> None:
    qemu_img = shutil.which("qemu-img")
    if qemu_img is None:
        return
    path = tmp_path / "a.vhdx"
    subprocess.run([qemu_img, "create", "-q", "-f", "vhdx", "-o", f"subformat={kind}", path, "40M"], check=True)
    assert inspect(path).virtual_size == 40 * MIB
