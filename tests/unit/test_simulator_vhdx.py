"""The simulator's VHDX files, held against qemu-img where that is installed."""

import shutil
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster.simulator import vhdx_content
from borg_cluster.simulator.crc32c import crc32c
from borg_cluster.simulator.vhdx import MIB, DiskDamaged, NewDisk, ParentLink, create, read_info

needs_qemu = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
SIZE = 16 * MIB


def new_disk(path: Path, *, fixed: bool = False, block_size: int = MIB, size: int = SIZE) -> Path:
    identity = uuid.uuid4()
    create(path, NewDisk(size=size, block_size=block_size, fixed=fixed, identifier=identity, data_write=uuid.uuid4()))
    return path


def child_of(parent: Path, path: Path) -> Path:
    info = read_info(parent)
    link = ParentLink(linkage=info.data_write, relative_path=f".\\{parent.name}", absolute_path=f"C:\\{parent.name}")
    create(path, NewDisk(size=info.size, identifier=info.identifier, data_write=uuid.uuid4(), parent=link))
    return path


def put(chain: list[Path], offset: int, data: bytes) -> None:
    vhdx_content.write(chain, offset, data, data_write=uuid.uuid4())


def raw_of(disk: Path) -> bytes:
    raw = disk.with_suffix(".raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", disk, raw], check=True)
    return raw.read_bytes()


def test_crc32c_has_the_published_check_values() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\x01" + bytes(600)) == crc32c(bytearray(b"\x01" + bytes(600)))


def test_zero_runs_do_not_change_a_checksum() -> None:
    data = b"a" * 256 + bytes(512) + b"b" * 100
    slow = 0xFFFFFFFF
    for byte in data:
        slow ^= byte
        for _ in range(8):
            slow = slow >> 1 ^ (0x82F63B78 if slow & 1 else 0)
    assert crc32c(data) == slow ^ 0xFFFFFFFF


@needs_qemu
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(("block_size", "size"), [(MIB, SIZE), (2 * MIB, SIZE), (MIB, SIZE + 512 * 3), (2 * MIB, 3 * MIB)])
def test_qemu_finds_no_fault_and_reads_the_same(tmp_path: Path, *, fixed: bool, block_size: int, size: int) -> None:
    disk = new_disk(tmp_path / "disk.vhdx", fixed=fixed, block_size=block_size, size=size)
    put([disk], MIB - 7, b"over the edge of a block")
    put([disk], size - 5, b"end..")
    subprocess.run(["qemu-img", "check", disk], check=True, capture_output=True)
    assert raw_of(disk) == vhdx_content.read([disk], 0, size)


@needs_qemu
def test_qemu_reads_a_merged_chain_as_the_chain_read_before(tmp_path: Path) -> None:
    base = new_disk(tmp_path / "disk.vhdx")
    put([base], 0, b"base" * 1000)
    first = child_of(base, tmp_path / "first.avhdx")
    put([first, base], 2 * MIB + 100, b"first" * 1000)
    leaf = child_of(first, tmp_path / "leaf.avhdx")
    put([leaf, first, base], 10, b"leaf")
    before = vhdx_content.read([leaf, first, base], 0, SIZE)
    vhdx_content.merge(leaf, [first, base], data_write=uuid.uuid4())
    vhdx_content.merge(first, [base], data_write=uuid.uuid4())
    assert raw_of(base) == before
    subprocess.run(["qemu-img", "check", base], check=True, capture_output=True)


def test_a_chain_reads_through_to_the_base_and_writes_only_into_the_leaf(tmp_path: Path) -> None:
    base = new_disk(tmp_path / "disk.vhdx")
    put([base], 0, b"0123456789")
    before = base.read_bytes()
    leaf = child_of(base, tmp_path / "leaf.avhdx")
    put([leaf, base], 4, b"XY")
    assert vhdx_content.read([leaf, base], 0, 10) == b"0123XY6789"
    assert vhdx_content.read([base], 0, 10) == b"0123456789"
    assert base.read_bytes() == before


def test_each_write_gives_the_disk_a_new_data_write_guid_and_a_parent_link_notices(tmp_path: Path) -> None:
    base = new_disk(tmp_path / "disk.vhdx")
    leaf = child_of(base, tmp_path / "leaf.avhdx")
    link = read_info(leaf).parent
    assert link is not None
    assert link.linkage == read_info(base).data_write
    seen = {read_info(base).data_write}
    for _ in range(3):
        put([base], 0, b"x")
        seen.add(read_info(base).data_write)
    assert len(seen) == 4
    assert link.linkage != read_info(base).data_write


def test_a_disk_says_what_it_is(tmp_path: Path) -> None:
    dynamic, fixed = new_disk(tmp_path / "a.vhdx"), new_disk(tmp_path / "b.vhdx", fixed=True, block_size=2 * MIB)
    leaf = child_of(dynamic, tmp_path / "leaf.avhdx")
    infos = [read_info(disk) for disk in (dynamic, fixed, leaf)]
    assert [info.type for info in infos] == ["Dynamic", "Fixed", "Differencing"]
    assert [info.block_size for info in infos] == [MIB, 2 * MIB, MIB]
    assert infos[0].identifier == infos[2].identifier
    assert infos[2].parent is not None
    assert infos[2].parent.relative_path == ".\\a.vhdx"
    assert fixed.stat().st_size > SIZE > dynamic.stat().st_size


def test_writing_beyond_the_end_is_refused(tmp_path: Path) -> None:
    disk = new_disk(tmp_path / "disk.vhdx")
    with pytest.raises(ValueError, match="beyond the end"):
        put([disk], SIZE - 1, b"ab")


@pytest.mark.parametrize("damage", ["empty", "signature", "headers", "regions", "metadata", "cut"])
def test_a_damaged_file_is_no_disk(tmp_path: Path, damage: str) -> None:
    disk = new_disk(tmp_path / "disk.vhdx")
    content = bytearray(disk.read_bytes())
    places = {"signature": (0,), "headers": (0x10010, 0x20010), "regions": (0x30010, 0x40010), "metadata": (0x200000,)}
    for at in places.get(damage, ()):
        content[at] ^= 0xFF
    disk.write_bytes(content[: {"empty": 0, "cut": 5000}.get(damage, len(content))])
    with pytest.raises(DiskDamaged):
        read_info(disk)


def test_one_damaged_header_or_region_table_is_survived(tmp_path: Path) -> None:
    disk = new_disk(tmp_path / "disk.vhdx")
    content = bytearray(disk.read_bytes())
    for at in (0x10010, 0x30010):
        content[at] ^= 0xFF
    disk.write_bytes(content)
    assert read_info(disk).size == SIZE


@pytest.mark.parametrize("sector_size", [512, 4096])
@pytest.mark.parametrize("block_size", [MIB, 4 * MIB])
def test_a_block_of_which_a_child_holds_some_sectors_reads_the_others_through(
    tmp_path: Path, sector_size: int, block_size: int
) -> None:
    base, leaf = tmp_path / "disk.vhdx", tmp_path / "leaf.avhdx"
    shape = NewDisk(
        size=SIZE, block_size=block_size, sector_size=sector_size, identifier=uuid.uuid4(), data_write=uuid.UUID(int=1)
    )
    create(base, shape)
    put([base], 0, b"base" * (2 * block_size // 4))
    link = ParentLink(linkage=read_info(base).data_write, relative_path=".", absolute_path="C:")
    create(leaf, replace(shape, data_write=uuid.UUID(int=2), parent=link))
    model = bytearray(vhdx_content.read([base], 0, SIZE))
    for offset, data in ((block_size - 700, b"leaf" * 400), (5000, b"x"), (SIZE - 1, b"y"), (0, bytes(block_size // 2))):
        vhdx_content.write([leaf, base], offset, data, data_write=uuid.uuid4(), partly=True)
        model[offset : offset + len(data)] = data
    assert vhdx_content.read([leaf, base], 0, SIZE) == model
    held = leaf.stat().st_size - 4 * MIB
    assert held == 3 * block_size + MIB, "three blocks and one bitmap"
    vhdx_content.merge(leaf, [base], data_write=uuid.uuid4())
    assert vhdx_content.read([base], 0, SIZE) == model


def test_what_a_guest_gives_back_reads_as_zeros_and_gets_its_place_again(tmp_path: Path) -> None:
    disk, fixed = new_disk(tmp_path / "disk.vhdx"), new_disk(tmp_path / "fixed.vhdx", fixed=True)
    for one in (disk, fixed):
        put([one], MIB, b"content" * MIB)
    before, size = fixed.read_bytes(), disk.stat().st_size
    for one in (disk, fixed):
        vhdx_content.trim([one], MIB + 1, 3 * MIB, data_write=uuid.uuid4())
    assert vhdx_content.read([disk], 2 * MIB, 2 * MIB) == bytes(2 * MIB)
    assert vhdx_content.read([disk], MIB, MIB) == (b"content" * MIB)[:MIB]
    assert fixed.read_bytes() == before
    put([disk], 2 * MIB + 5, b"anew")
    assert vhdx_content.read([disk], 2 * MIB, MIB) == b"anew".rjust(9, b"\0").ljust(MIB, b"\0")
    assert disk.stat().st_size == size
