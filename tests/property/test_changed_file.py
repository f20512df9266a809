"""What is taken over unread is what is there: for whatever a guest and Windows did in between."""

import os
import struct
import tempfile
import uuid
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from borg_cluster.core.changed_file import clean_ranges, compare_disks, joined, plan_chunks
from borg_cluster.core.reuse_map import Kind, Part, dirty_chunks, parse, render
from borg_cluster.core.vhdx import MIB, Read, VHDXDamaged
from borg_cluster.core.vhdx_map import open_map
from borg_cluster.simulator import vhdx as maker
from borg_cluster.simulator import vhdx_content as content
from tests.vhdx_files import log_entry, needs_qemu, put_log, qemu_create, qemu_interrupted_write, qemu_write, virtual

GRANULE = 64 << 10
CHUNKS = (64 << 10, 512 << 10, MIB, 4 * MIB)
THOROUGH = "BORG_CLUSTER_LANE" in os.environ
"""In the lane: more examples, and all sizes of blocks."""


def reading(data: bytes) -> Read:
    return lambda at, length: data[at : at + length]


def parts_of(old: bytes, new: bytes, changed: list[tuple[int, int]], chunk_size: int) -> list[Part] | None:
    """Return the map for a new generation of a file, None where it is to be read in full."""
    try:
        before, after = open_map(reading(old), len(old)), open_map(reading(new), len(new))
    except VHDXDamaged:
        return None
    if compare_disks(before.disk, after.disk) is not None:
        return None
    clean = clean_ranges(before, after, changed)
    return list(plan_chunks(clean, size=len(new), old_size=len(old), chunk_size=chunk_size))


def assembled(old: bytes, new: bytes, parts: list[Part], chunk_size: int) -> bytes:
    """Return the file as the archive would hold it."""
    return b"".join((old if same else new)[start : start + length] for start, length, same in dirty_chunks(parts, chunk_size))


def check(old: bytes, new: bytes, changed: list[tuple[int, int]]) -> int:
    """Compare for each chunk size what would be stored with what is there; return the bytes taken over at the smallest."""
    taken = 0
    for chunk_size in reversed(CHUNKS):
        parts = parts_of(old, new, changed, chunk_size)
        if parts is None:
            return 0
        assert list(parse(render(parts), len(new))) == parts
        assert assembled(old, new, parts, chunk_size) == new
        taken = sum(part.length for part in parts if part.kind is Kind.SAME)
    return taken


@dataclass
class Disk:
    """A disk that a guest writes to, and what change tracking notes of it."""

    path: Path
    size: int
    chance: Random
    parents: list[Path] = field(default_factory=list)
    changed: list[tuple[int, int]] = field(default_factory=list)

    def note(self, start: int, end: int) -> None:
        """Note what change tracking tells."""
        self.changed.append((start // GRANULE * GRANULE, -(-end // GRANULE) * GRANULE))

    def write(self) -> None:
        """Write anywhere."""
        length = min(self.chance.choice((1, 512, 70_000, MIB)), self.size)
        offset = self.chance.randrange(self.size - length + 1)
        data = bytes((self.chance.randrange(256),)) * length
        stamp, partly = uuid.UUID(int=self.chance.getrandbits(128)), self.chance.random() < 0.7
        content.write([self.path, *self.parents], offset, data, data_write=stamp, partly=partly)
        self.note(offset, offset + length)

    def trim(self) -> None:
        """A block is given back: Windows tells it as changed. It may keep its place, and gets it again when it's written to."""
        info = maker.read_info(self.path)
        block = self.chance.randrange(-(-self.size // info.block_size))
        if self.chance.random() < 0.5:
            at, stamp = block * info.block_size, uuid.UUID(int=self.chance.getrandbits(128))
            content.trim([self.path, *self.parents], at, info.block_size, data_write=stamp)
        else:
            with self.path.open("r+b") as file:
                file.seek(info.bat_position(block))
                file.write(struct.pack("<Q", self.chance.choice((0, 2, 3)) if not self.parents else 2))
        self.note(block * info.block_size, min((block + 1) * info.block_size, self.size))

    def move(self) -> None:
        """The disk is made compact: a block moves to the end, and is not changed to the guest."""
        info = maker.read_info(self.path)
        block = self.chance.randrange(-(-self.size // info.block_size))
        with self.path.open("r+b") as file:
            file.seek(info.bat_position(block))
            (entry,) = struct.unpack("<Q", file.read(8))
            if entry & 7 != 6:
                return
            file.seek(entry >> 20 << 20)
            data = file.read(info.block_size)
            end = file.seek(0, 2)
            file.write(data)
            file.seek(info.bat_position(block))
            file.write(struct.pack("<Q", end | 6))
            file.seek(entry >> 20 << 20)
            file.write(b"\xee" * info.block_size)  # what nobody needs any more

    def step(self) -> None:
        """Do one thing."""
        self.chance.choice((self.write, self.write, self.write, self.trim, self.move))()


class WholeBlocks(Random):
    """Chance by which no block is ever only partly present."""

    def random(self) -> float:
        """Return what is never less than the chance of that."""
        return 0.9


def make(folder: Path, kind: str, block_size: int, size: int, chance: Random, *, sector_size: int = 512) -> Disk:
    path = folder / "a.vhdx"
    disk = maker.NewDisk(
        size=size,
        block_size=block_size,
        sector_size=sector_size,
        fixed=kind == "fixed",
        identifier=uuid.UUID(int=1),
        data_write=uuid.UUID(int=2),
    )
    maker.create(path, disk)
    made = Disk(path=path, size=size, chance=chance)
    for _ in range(3):
        made.write()
    if kind != "differencing":
        return made
    child = folder / "b.avhdx"
    link = maker.ParentLink(linkage=maker.read_info(path).data_write, relative_path=".", absolute_path="C:")
    maker.create(child, replace(disk, fixed=False, identifier=uuid.UUID(int=3), data_write=uuid.UUID(int=4), parent=link))
    return Disk(path=child, size=size, chance=chance, parents=[path])


@settings(max_examples=200 if THOROUGH else 20, deadline=None)
@given(
    kind=st.sampled_from(("dynamic", "fixed", "differencing")),
    block_size=st.sampled_from((MIB, MIB, 2 * MIB, 4 * MIB, 8 * MIB, 16 * MIB, 32 * MIB) if THOROUGH else (MIB, MIB, 2 * MIB)),
    sector_size=st.sampled_from((512, 4096)),
    before=st.integers(0, 5),
    after=st.integers(0, 5),
    seed=st.integers(0, 1 << 32),
)
def test_what_is_taken_over_is_what_is_there(
    kind: str, block_size: int, sector_size: int, before: int, after: int, seed: int
) -> None:
    chance = Random(seed)  # noqa: S311 - a test
    with tempfile.TemporaryDirectory() as folder:
        disk = make(Path(folder), kind, block_size, 5 * MIB + 4096 * 3, chance, sector_size=sector_size)
        for _ in range(before):
            disk.step()
        old = disk.path.read_bytes()
        disk.changed.clear()
        for _ in range(after):
            disk.step()
        check(old, disk.path.read_bytes(), disk.changed)
        chain = (disk.path, *disk.parents)
        assert virtual(*chain) == content.read(chain, 0, disk.size)


@pytest.mark.parametrize("kind", ["dynamic", "fixed", "differencing"])
@pytest.mark.parametrize(("block_size", "sector_size"), [(MIB, 4096), (32 * MIB, 512)])
def test_what_nobody_wrote_to_is_taken_over(tmp_path: Path, kind: str, block_size: int, sector_size: int) -> None:
    disk = make(tmp_path, kind, block_size, 40 * MIB, WholeBlocks(1), sector_size=sector_size)
    for at in (0, 33 * MIB):
        content.write([disk.path, *disk.parents], at, b"x" * MIB, data_write=uuid.uuid4())
    old = disk.path.read_bytes()
    beyond = 24 * MIB if block_size > MIB else 0  # of the last block, behind the end of the virtual disk: nobody tells of it
    whole = check(old, old, [])
    assert whole == len(old) - 4 * MIB - beyond
    disk.changed.clear()
    content.write([disk.path, *disk.parents], 33 * MIB + 5, b"y", data_write=uuid.uuid4())
    disk.note(33 * MIB + 5, 33 * MIB + 6)
    assert check(old, disk.path.read_bytes(), disk.changed) == whole - GRANULE


def test_a_write_that_was_not_told_is_stored_wrongly_so_the_test_above_can_fail(tmp_path: Path) -> None:
    disk = make(tmp_path, "fixed", MIB, 4 * MIB, Random(1))  # noqa: S311 - a test
    old = disk.path.read_bytes()
    content.write([disk.path], 2 * MIB, b"untold", data_write=uuid.uuid4())
    new = disk.path.read_bytes()
    parts = parts_of(old, new, [], MIB)
    assert parts is not None
    assert assembled(old, new, parts, MIB) != new


def test_what_only_the_log_held_is_read_anew(tmp_path: Path) -> None:
    disk = make(tmp_path, "fixed", MIB, 4 * MIB, Random(1))  # noqa: S311 - a test
    put_log(disk.path, [(0, log_entry(1, [(5 * MIB, b"z" * 4096)]))])
    old = disk.path.read_bytes()
    replayed = bytearray(old)
    replayed[5 * MIB : 5 * MIB + 4096] = b"z" * 4096
    assert 0 < check(old, bytes(replayed), []) <= 3 * MIB + MIB - 4096


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sector_size": 4096}, "sector size"),
        ({"identifier": uuid.UUID(int=9)}, "replaced"),
        ({"size": 5 * MIB}, "virtual size"),
        ({"block_size": 2 * MIB}, "block"),
    ],
)
def test_another_disk_is_read_in_full(tmp_path: Path, change: dict[str, object], why: str) -> None:
    options: dict[str, object] = {"size": 4 * MIB, "identifier": uuid.UUID(int=1), "data_write": uuid.UUID(int=2)}
    found = []
    for name, fields in (("a", options), ("b", options | change)):
        maker.create(tmp_path / name, maker.NewDisk(**fields))  # type: ignore[arg-type]  # keyword by keyword, as each test says
        data = (tmp_path / name).read_bytes()
        found.append(open_map(reading(data), len(data)).disk)
    assert why in str(compare_disks(*found))
    assert compare_disks(found[0], found[0]) is None


@needs_qemu
@pytest.mark.parametrize("block_size", [MIB, 8 * MIB, 32 * MIB])
@pytest.mark.parametrize("sector", [512, 4096])
def test_disks_that_qemu_writes_are_stored_as_they_are(tmp_path: Path, block_size: int, sector: int) -> None:
    chance = Random(block_size + sector)  # noqa: S311 - a test
    size = block_size + 9 * MIB
    path = qemu_create(tmp_path / "a.vhdx", size, block_size=block_size)

    def write() -> list[tuple[int, int]]:
        places = (chance.randrange(MIB * 3 // 4, block_size) // sector * sector for _ in range(4))
        writes = [(offset, chance.randrange(1, 50) * sector, number) for number, offset in enumerate(places, start=1)]
        qemu_write(path, writes)
        return [(offset, offset + length) for offset, length, _ in writes]

    qemu_write(path, [(0, block_size, 9)])
    old = path.read_bytes()
    changed = write()
    new = path.read_bytes()
    assert check(old, new, changed) > 0
    qemu_interrupted_write(path, size - 4096, 4096, 77)
    last = path.read_bytes()
    assert check(new, last, [(size - 4096, size)]) > 0
    assert check(old, last, [*changed, (size - 4096, size)]) > 0


def test_maps_that_are_none_are_told_apart() -> None:
    lines = ["0 10 data\n", "10 5 same\n"]
    assert list(render(parse(lines, 15))) == lines
    for wrong in (
        ["0 10 data\n"],
        ["0 15 zero\n"],
        ["0 10 data\n", "11 4 same\n"],
        ["0 15\n"],
        ["0 x same\n"],
        ["0 0 same\n", *lines],
    ):
        with pytest.raises(ValueError, match=r"line|ends"):
            list(parse(wrong, 15))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20))))
def test_ranges_are_joined(ranges: list[tuple[int, int]]) -> None:
    wanted = {byte for start, length in ranges for byte in range(start, start + length)}
    found = joined((start, start + length) for start, length in ranges)
    assert {byte for start, end in found for byte in range(start, end)} == wanted
    assert all(one[1] < two[0] for one, two in pairwise(found))
