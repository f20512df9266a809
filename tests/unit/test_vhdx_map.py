"""The block map of VHDX files: against files of the simulator, logs written by hand, and qemu's files where it is installed."""

import itertools
import struct
from contextlib import suppress
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import pytest

from borg_cluster.core.vhdx import MIB, VHDXDamaged
from borg_cluster.core.vhdx_map import Place, open_map
from borg_cluster.core.vhdx_reader import DiskReader
from borg_cluster.simulator import vhdx as maker
from borg_cluster.simulator import vhdx_content as content
from tests.vhdx_files import (
    log_entry,
    mapped,
    needs_qemu,
    opened,
    put_log,
    qemu_content,
    qemu_create,
    qemu_interrupted_write,
    qemu_killed_write,
    qemu_write,
    virtual,
)

SIZE = 9 * MIB
TABLE = 3 * MIB
"""Where the simulator's files have their block allocation table."""


def make(path: Path, **changes: object) -> Path:
    disk = {"size": SIZE, "identifier": UUID(int=7), "data_write": UUID(int=9)} | changes
    maker.create(path, maker.NewDisk(**disk))  # type: ignore[arg-type]  # keyword by keyword, as each test says
    return path


def child_of(parent: Path, path: Path) -> Path:
    link = maker.ParentLink(linkage=maker.read_info(parent).data_write, relative_path=".", absolute_path="C:")
    return make(path, data_write=uuid4(), parent=link, sector_size=maker.read_info(parent).logical_sector_size)


def put(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def entry_at(path: Path, number: int) -> int:
    return int(struct.unpack_from("<Q", path.read_bytes(), TABLE + 8 * number)[0])


def set_entry(path: Path, number: int, entry: int) -> None:
    put(path, TABLE + 8 * number, struct.pack("<Q", entry))


@pytest.mark.parametrize("sector_size", [512, 4096])
@pytest.mark.parametrize("block_size", [MIB, 2 * MIB, 32 * MIB])
def test_what_a_guest_wrote_is_read_again(tmp_path: Path, block_size: int, sector_size: int) -> None:
    path = make(tmp_path / "a.vhdx", block_size=block_size, sector_size=sector_size)
    assert mapped(path).disk.sector_size == sector_size
    content.write([path], 3 * MIB - 100, b"across" * 100, data_write=uuid4())
    content.write([path], SIZE - 512, b"\7" * 512, data_write=uuid4())
    assert virtual(path) == content.read([path], 0, SIZE)
    reader = DiskReader([mapped(path)])
    assert reader.read(SIZE - 2, 100) == b"\7\7"
    assert reader.read(SIZE, 1) == reader.read(5, 0) == b""


def test_a_fixed_disk_is_all_there(tmp_path: Path) -> None:
    found = mapped(make(tmp_path / "a.vhdx", fixed=True))
    assert {extent.place for extent in found.extents(0, SIZE)} == {Place.FILE}
    assert sum(extent.length for extent in found.extents(MIB // 2, SIZE)) == SIZE - MIB // 2


def test_a_chain_is_read_through_its_files(tmp_path: Path) -> None:
    base = make(tmp_path / "base.vhdx")
    content.write([base], 0, b"base" * 1000, data_write=uuid4())
    middle = child_of(base, tmp_path / "middle.avhdx")
    content.write([middle, base], 2 * MIB + 5, b"middle", data_write=uuid4())
    leaf = child_of(middle, tmp_path / "leaf.avhdx")
    content.write([leaf, middle, base], 100, b"leaf", data_write=uuid4())
    chain = (leaf, middle, base)
    assert virtual(*chain) == content.read(chain, 0, SIZE)
    with pytest.raises(VHDXDamaged, match="base"):
        DiskReader([mapped(leaf), mapped(middle)])
    content.write([base], 5, b"changed under its child", data_write=uuid4())
    with pytest.raises(VHDXDamaged, match="parent"):
        DiskReader([mapped(path) for path in chain])


@pytest.mark.parametrize("sector_size", [512, 4096])
def test_a_block_that_is_partly_there_is_told_apart_by_sectors(tmp_path: Path, sector_size: int) -> None:
    base = make(tmp_path / "base.vhdx", sector_size=sector_size)
    content.write([base], 0, b"\1" * (2 * MIB), data_write=uuid4())
    leaf = child_of(base, tmp_path / "leaf.avhdx")
    each, table_entry = MIB // sector_size, 8 * sector_size
    content.write([leaf, base], MIB, b"\2" * MIB, data_write=uuid4())
    size = leaf.stat().st_size
    bitmap = bytearray(MIB)
    sectors = {each + 0, each + 7, each + 8, each + 9, 2 * each - 1}  # where block 1 of the bitmap's chunk begins
    for sector in sectors:
        bitmap[sector // 8] |= 1 << sector % 8
    put(leaf, size, bytes(bitmap))
    set_entry(leaf, table_entry, size | 6)
    set_entry(leaf, 1, entry_at(leaf, 1) & ~7 | 7)
    disk = virtual(leaf, base)
    expected = b"".join(bytes([2 if each + sector in sectors else 1]) * sector_size for sector in range(each))
    assert disk[MIB : 2 * MIB] == expected == content.read([leaf, base], MIB, MIB)
    reader = DiskReader([mapped(leaf), mapped(base)])
    chance = Random(1)  # noqa: S311 - a test
    for _ in range(100):
        start, length = chance.randrange(2 * MIB), chance.randrange(3000)
        assert reader.read(start, length) == disk[start : start + length]
    set_entry(leaf, table_entry, 0)
    with pytest.raises(VHDXDamaged, match="no sector bitmap"):
        virtual(leaf, base)


def test_an_entry_after_each_chunk_is_for_a_bitmap(tmp_path: Path) -> None:
    size = 16 << 30
    path = make(tmp_path / "a.vhdx", size=size, block_size=2 * MIB)
    content.write([path], 4 << 30, b"second chunk", data_write=uuid4())
    content.write([path], size - 12, b"the very end", data_write=uuid4())
    reader = DiskReader([mapped(path)])
    assert reader.read(4 << 30, 12) == b"second chunk"
    assert reader.read(size - 12, 100) == b"the very end"
    assert sum(extent.length for extent in mapped(path).extents(0, size)) == size


@pytest.mark.parametrize(
    ("number", "entry", "why"),
    [
        (0, 100 << 20 | 6, "ends at"),
        (0, (1 << 44) - 1 << 20 | 6, "ends at"),
        (1, 0 | 6, "0 MiB"),
        (1, 3 << 20 | 6, "3 MiB"),
        (1, 4 << 20 | 6, "two parts"),
        (2, 4, "state 4"),
        (2, 5, "state 5"),
        (2, 4 << 20 | 7, "state 7"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(tmp_path: Path, number: int, entry: int, why: str) -> None:
    path = make(tmp_path / "a.vhdx")
    content.write([path], 0, b"x", data_write=uuid4())
    set_entry(path, number, entry)
    with pytest.raises(VHDXDamaged, match=why):
        mapped(path)


def test_a_file_beyond_any_disk_is_refused_without_being_looked_through(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx")
    with opened(path) as (read, _), pytest.raises(VHDXDamaged, match="beyond any"):
        open_map(read, 1 << 62)


def logged(path: Path, tail: int = 0) -> bytes:
    """Return a log entry that puts block 2 of a dynamic disk at the end of the file, filled with sevens."""
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"\7" * MIB)
    table = bytearray(path.read_bytes()[TABLE : TABLE + 4096])
    struct.pack_into("<Q", table, 16, size | 6)
    return log_entry(5, [(TABLE, bytes(table))], tail=tail, flushed=size + MIB, last=size + MIB)


@pytest.mark.parametrize("at", [0, 8192, MIB - 4096, MIB - 8192])
def test_what_the_log_holds_counts_wherever_it_lies_in_its_ring(tmp_path: Path, at: int) -> None:
    path = make(tmp_path / "a.vhdx")
    put_log(path, [(at, logged(path, tail=at))])
    disk = virtual(path)
    assert disk[2 * MIB : 3 * MIB] == b"\7" * MIB
    assert disk.count(7) == MIB
    assert entry_at(path, 2) == 0, "the table on the disk does not know of it"


def test_later_entries_count_over_earlier_ones_and_those_before_the_tail_not_at_all(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx", fixed=True)
    first, second, far = (4 * MIB + offset for offset in (0, 8192, MIB))
    entries = [
        log_entry(7, [(far, b"\x01" * 4096)], tail=0),
        log_entry(8, [(first, b"\2" * 4096), (second, b"\3" * 4096)], tail=8192),
        log_entry(9, [(first, 4096 * 2), (far + 4096, b"\4" * 4096)], tail=8192),
    ]
    places = list(itertools.accumulate((len(entry) for entry in entries), initial=0))
    put_log(path, zip(places, entries, strict=False))
    disk = virtual(path)
    assert disk[:8192] == bytes(8192)
    assert disk[8192 : 8192 + 4096] == b"\3" * 4096
    assert disk[MIB : MIB + 4096] == bytes(4096), "the entry before the tail had reached its place"
    assert disk[MIB + 4096 : MIB + 8192] == b"\4" * 4096


def test_the_newest_of_two_sequences_counts(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx", fixed=True)
    old, new = log_entry(20, [(4 * MIB, b"\1" * 4096)], tail=65536), log_entry(30, [(4 * MIB, b"\2" * 4096)], tail=0)
    put_log(path, [(65536, old), (0, new)])
    assert virtual(path)[:4096] == b"\2" * 4096


def test_a_log_that_lets_the_file_grow_is_followed(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx")
    size = path.stat().st_size
    table = struct.pack("<Q", size | 6).ljust(4096, b"\0")
    put_log(path, [(0, log_entry(1, [(TABLE, table), (size, b"\5" * 4096)], flushed=size, last=size + MIB))])
    disk = virtual(path)
    assert disk[:4096] == b"\5" * 4096
    assert not any(disk[4096:])


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([], "no entry that is whole"),
        ([(0, log_entry(1, [(4 * MIB, 4096)], tail=4096))], "no entry that is whole"),
        ([(0, log_entry(1, [(4 * MIB, 4096)], flushed=1 << 40))], "when its log was written"),
        ([(0, log_entry(1, [(4 * MIB, 4096)], last=1 << 60))], "that the file ends"),
        ([(0, log_entry(1, [(0, 4096)]))], "over the headers or itself"),
        ([(0, log_entry(1, [(MIB + 4096, b"x" * 4096)]))], "over the headers or itself"),
        ([(0, log_entry(1, [(4 * MIB + 512, b"x" * 4096)]))], "its log writes"),
        ([(0, log_entry(1, [(4 * MIB, 100)]))], "its log writes"),
    ],
)
def test_a_log_that_cannot_be_replayed_is_refused(tmp_path: Path, entries: list[tuple[int, bytes]], why: str) -> None:
    path = make(tmp_path / "a.vhdx", fixed=True)
    put_log(path, entries)
    with pytest.raises(VHDXDamaged, match=why):
        mapped(path)


def test_a_log_of_another_time_or_with_a_flipped_bit_is_none(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx", fixed=True)
    entry = log_entry(1, [(4 * MIB, b"x" * 4096)])
    put_log(path, [(0, entry)], guid=UUID(int=78))
    with pytest.raises(VHDXDamaged, match="no entry"):
        mapped(path)
    for position in range(0, len(entry), 509):
        broken = bytearray(entry)
        broken[position] ^= 1
        put_log(path, [(0, bytes(broken))])
        with pytest.raises(VHDXDamaged, match="no entry"):
            mapped(path)


def test_a_full_log_has_no_end_and_is_walked_once(tmp_path: Path) -> None:
    path = make(tmp_path / "a.vhdx", fixed=True)
    entries = [log_entry(number + 1, [(4 * MIB, b"%4096d" % number)], tail=0) for number in range(128)]
    put_log(path, ((8192 * number, entry) for number, entry in enumerate(entries)))
    assert virtual(path)[:4096] == b"%4096d" % 127


@needs_qemu
@pytest.mark.parametrize("block_size", [MIB, 32 * MIB])
@pytest.mark.parametrize("options", [{}, {"subformat": "fixed"}, {"block_state_zero": "off"}])
def test_files_of_qemu_read_as_qemu_reads_them(tmp_path: Path, block_size: int, options: dict[str, str]) -> None:
    size = 40 * MIB
    path = qemu_create(tmp_path / "a.vhdx", size, block_size=block_size, **options)
    chance = Random(block_size)  # noqa: S311 - a test
    model = bytearray(size)
    writes = [(chance.randrange(size - MIB) // 512 * 512, chance.randrange(1, 2048) * 512, byte) for byte in range(1, 8)]
    for offset, length, byte in writes:
        model[offset : offset + length] = bytes([byte]) * length
    qemu_write(path, writes)
    assert virtual(path) == model
    assert qemu_content(path, tmp_path) == model


@needs_qemu
def test_a_write_of_qemu_that_only_reached_the_log_counts(tmp_path: Path) -> None:
    path = qemu_create(tmp_path / "a.vhdx", 64 * MIB, block_size=MIB)
    qemu_write(path, [(0, 65536, 1)])
    qemu_interrupted_write(path, 50 * MIB, 4096, 9)
    found = mapped(path)
    assert found.replayed.pieces
    disk = virtual(path)
    assert disk[50 * MIB : 50 * MIB + 4096] == b"\t" * 4096
    assert disk == qemu_content(path, tmp_path)


@needs_qemu
@pytest.mark.parametrize("after", [1, 9])
def test_qemu_killed_in_mid_write_leaves_what_its_own_replay_reads(tmp_path: Path, after: int) -> None:
    path = qemu_create(tmp_path / "a.vhdx", 64 * MIB, block_size=MIB)
    qemu_killed_write(path, 64, after)
    with suppress(VHDXDamaged):  # killed between the header and the entry: such a file is refused
        assert virtual(path) == qemu_content(path, tmp_path)
