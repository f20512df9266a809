"""Hostile VHDX files: refused, or read as what they hold; never wrong, never for ever, never with memory without bound."""

import contextlib
import struct
import tracemalloc
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borg_cluster.core.vhdx import MIB, VHDXDamaged
from borg_cluster.core.vhdx_map import open_map
from borg_cluster.core.vhdx_reader import DiskReader
from borg_cluster.simulator import vhdx as maker
from borg_cluster.simulator import vhdx_content as content
from borg_cluster.simulator.crc32c import crc32c
from tests.vhdx_files import LOG_GUID, log_entry, put_log

SIZE = 4 * MIB
_KIB = 1 << 10


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a dynamic disk with two blocks and a log that moves one of them."""
    path = tmp_path_factory.mktemp("disk") / "a.vhdx"
    maker.create(path, maker.NewDisk(size=SIZE, identifier=uuid.UUID(int=1), data_write=uuid.UUID(int=2)))
    content.write([path], 5, b"one", data_write=uuid.UUID(int=3))
    content.write([path], 3 * MIB, b"two", data_write=uuid.UUID(int=4))
    size = path.stat().st_size
    table = bytearray(path.read_bytes()[3 * MIB : 3 * MIB + 4096])
    struct.pack_into("<Q", table, 0, size | 6)
    with path.open("ab") as file:
        file.write(b"three".ljust(MIB, b"\0"))
    put_log(path, [(0, log_entry(3, [(3 * MIB, bytes(table))], flushed=size + MIB, last=size + MIB))])
    return path.read_bytes()


def read_all(data: bytes, chunk: int = 100_000) -> bytes:
    found = open_map(lambda offset, length: data[offset : offset + length], len(data))
    reader = DiskReader([found])
    assert reader.size < 1 << 40 or found.entries < 1 << 24
    return b"".join(reader.read(start, chunk) for start in range(0, min(reader.size, SIZE), chunk))


def mended(data: bytearray) -> bytes:
    """Make the checksums right again, so that what is hostile is not merely damaged."""
    for at, size in ((64 * _KIB, 4 * _KIB), (128 * _KIB, 4 * _KIB), (192 * _KIB, 64 * _KIB), (256 * _KIB, 64 * _KIB)):
        data[at + 4 : at + 8] = bytes(4)
        struct.pack_into("<I", data, at + 4, crc32c(data[at : at + size]))
    return bytes(data)


PLACES = st.one_of(
    st.integers(64 * _KIB, 64 * _KIB + 80),
    st.integers(128 * _KIB, 128 * _KIB + 80),
    st.integers(192 * _KIB, 192 * _KIB + 80),
    st.integers(MIB, MIB + 100),
    st.integers(2 * MIB, 2 * MIB + 200),
    st.integers(2 * MIB + 64 * _KIB, 2 * MIB + 64 * _KIB + 80),
    st.integers(3 * MIB, 3 * MIB + 40),
)
_FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_FUZZ
@given(changes=st.lists(st.tuples(PLACES, st.integers(0, 255)), min_size=1, max_size=6), mend=st.booleans())
def test_changed_bytes_are_refused_or_move_nothing_out_of_its_place(
    whole: bytes, changes: list[tuple[int, int]], mend: bool
) -> None:
    data = bytearray(whole)
    for at, byte in changes:
        data[at] = byte
    try:
        found = read_all(mended(data) if mend else bytes(data))
    except VHDXDamaged:
        return
    blocks = {bytes(MIB), *(whole[at : at + MIB] for at in range(0, len(whole), MIB))}
    if len(found) == SIZE and not mend:
        assert {found[at : at + MIB] for at in range(0, SIZE, MIB)} <= blocks, "no block is made of two"


@_FUZZ
@given(length=st.integers(0, 8 * MIB))
def test_a_file_cut_short_is_refused(whole: bytes, length: int) -> None:
    if length < len(whole):
        with pytest.raises(VHDXDamaged):
            read_all(whole[:length])


@_FUZZ
@given(seed=st.integers(0, 1 << 32), tables=st.booleans())
def test_random_tables_and_logs_end(whole: bytes, seed: int, tables: bool) -> None:
    chance = Random(seed)  # noqa: S311 - a test
    data = bytearray(whole)
    if tables:
        for number in range(5):
            struct.pack_into(
                "<Q", data, 3 * MIB + 8 * number, chance.randrange(16) << 20 | chance.choice((0, 1, 2, 3, 6, 6, 6, 7))
            )
    else:
        for at in range(MIB, 2 * MIB, 4096):
            data[at : at + 4096] = entry_of(chance, at - MIB)[:4096].ljust(4096, b"\0")
    with contextlib.suppress(VHDXDamaged):
        read_all(mended(data))


def entry_of(chance: Random, at: int) -> bytes:
    """Return an entry that follows any other, leads anywhere, and is mostly one that counts."""
    entry = bytearray(log_entry(at // 4096 + 1, [(4 * MIB, 4096)], tail=chance.randrange(256) * 4096))
    if chance.random() < 0.2:
        struct.pack_into("<I", entry, 8, chance.randrange(1, 256) * 4096)
    return bytes(entry)


def test_entries_that_overlap_a_thousandfold_are_given_up(whole: bytes) -> None:
    data = bytearray(whole)
    length = MIB
    for at in range(MIB, 2 * MIB, 4096):
        # each claims the whole ring, with descriptors enough to look right until the checksum is taken
        head = struct.pack("<4sIIIQII16sQQ", b"loge", 0, length, 0, 1, 0, 0, LOG_GUID.bytes_le, 0, 0)
        data[at : at + 64] = head
    with pytest.raises(VHDXDamaged, match=r"no entry|entries over"):
        read_all(bytes(data))


def huge(path: Path, size: int) -> Iterator[bytes]:
    maker.create(path, maker.NewDisk(size=SIZE, identifier=uuid.UUID(int=1), data_write=uuid.UUID(int=2)))
    data = bytearray(path.read_bytes())
    for table in (192 * _KIB, 256 * _KIB):
        struct.pack_into("<I", data, table + 16 + 24, 1 << 29)  # the table of blocks, of 512 MiB
        struct.pack_into("<Q", data, table + 48 + 16, 4096 * MIB)
    data[2 * MIB :] = b""
    metadata = bytearray(path.read_bytes()[2 * MIB : 3 * MIB])
    struct.pack_into("<Q", metadata, 64 * _KIB + 8, size)
    yield mended(data)
    yield bytes(metadata)


def test_the_largest_disk_needs_little_memory(tmp_path: Path) -> None:
    start, metadata = huge(tmp_path / "a.vhdx", 4 << 40)

    def read(offset: int, length: int) -> bytes:
        if offset >= 4096 * MIB:
            return metadata[offset - 4096 * MIB :][:length].ljust(length, b"\0")
        return start[offset : offset + length].ljust(length, b"\0")

    tracemalloc.start()
    try:
        found = open_map(read, 5 << 40)
        assert DiskReader([found]).read((4 << 40) - 3, 10) == bytes(3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.entries == (4 << 20) + ((4 << 20) - 1) // found.ratio
    assert peak < 16 * MIB
