"""The log of a VHDX file, replayed in memory: what was written to it and has not reached its place yet.

As MS-VHDX 2.3 lays it out. A file whose log can't be replayed says nothing sure of itself, so it is refused. Nothing here takes
longer or more memory than the log's own size allows, whatever the file claims.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from borg_cluster.core.vhdx import MIB, NO_LOG, Read, VHDXDamaged, crc32c

SECTOR = 4096
_LONGEST = 64 * MIB
"""Of a log that is replayed; Hyper-V's and qemu's are 1 MiB."""
_LONGEST_GROWTH = 1 << 36
_MOST_WRITES = 100_000
_MOST_STEPS = 1_000_000
_HEADER = struct.Struct("<4sIIIQII16sQQ")
_DESCRIPTOR = struct.Struct("<4sIQQQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPlace:
    """Where a file's current header says that its log is, in bytes; ``guid`` of the entries that count."""

    guid: UUID
    offset: int
    length: int

    @property
    def pending(self) -> bool:
        """Whether there is anything to replay."""
        return self.guid != NO_LOG


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes of the file that the log holds newer; ``content`` None: zeros."""

    start: int
    end: int
    content: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What replaying a log changes: ``pieces`` in order, none over another; ``length`` of the file afterwards."""

    pieces: tuple[Piece, ...]
    length: int

    def over(self, read: Read) -> Read:
        """Return a ``read`` of the file as it is once the log is replayed."""
        if not self.pieces:
            return read
        starts = [piece.start for piece in self.pieces]

        def replayed(offset: int, length: int) -> bytes:
            raw = read(offset, length)
            end = min(offset + length, self.length)
            first = max(bisect_right(starts, offset) - 1, 0)
            content: bytearray | None = None
            for piece in self.pieces[first : bisect_left(starts, end)]:
                start, stop = max(piece.start, offset), min(piece.end, end)
                if start < stop:
                    content = content or bytearray(raw.ljust(end - offset, b"\0"))
                    new = (
                        bytes(stop - start) if piece.content is None else piece.content[start - piece.start : stop - piece.start]
                    )
                    content[start - offset : stop - offset] = new
            return raw if content is None else bytes(content)

        return replayed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    at: int
    length: int
    tail: int
    sequence: int
    descriptors: int
    flushed: int
    last: int


def replay(read: Read, place: LogPlace, length: int) -> Replayed:
    """Return what the log of a file of ``length`` bytes changes. Raises VHDXDamaged: it is not to be replayed."""
    if not place.pending:
        return Replayed(pieces=(), length=length)
    if not 0 < place.length <= _LONGEST or place.length % MIB or place.offset % MIB:
        raise VHDXDamaged(f"its log is said to have {place.length} bytes at {place.offset}")
    content = read(place.offset, place.length)
    if len(content) != place.length:
        raise VHDXDamaged("its log ends beyond the file")
    log = _Log(content, place.guid)
    active = log.active()
    head = active[-1]
    if head.flushed > length:
        raise VHDXDamaged(f"it was {head.flushed} bytes long when its log was written, and has {length} now")
    if head.last > length + _LONGEST_GROWTH:
        raise VHDXDamaged(f"its log says that the file ends at {head.last}, and it has {length} bytes")
    pieces = _Pieces()
    for number, (start, end, data) in enumerate(write for entry in reversed(active) for write in reversed(log.writes(entry))):
        if number >= _MOST_WRITES:
            raise VHDXDamaged("its log holds too much to be replayed")
        if start < MIB or (start < place.offset + place.length and end > place.offset):
            raise VHDXDamaged(f"its log writes over the headers or itself, at {start}")
        pieces.add_below(start, end, data)
    return Replayed(pieces=tuple(pieces.all), length=max(length, -(-head.last // MIB) * MIB))


class _Log:
    """A log's bytes, which are a ring."""

    def __init__(self, content: bytes, guid: UUID) -> None:
        self._content = content
        self._guid = guid.bytes_le
        self._known: dict[int, _Entry | None] = {}
        self._budget = 4 * len(content)
        """Bytes that may be checksummed: an honest log has each of them in one entry, and remains of older ones."""

    def active(self) -> list[_Entry]:
        """Return the entries to replay, oldest first. Raises VHDXDamaged: there are none, though the header says so."""
        best: list[_Entry] = []
        at = steps = 0
        while at < len(self._content):
            sequence = self._sequence(at)
            steps += 1 + len(sequence)
            if steps > _MOST_STEPS:
                raise VHDXDamaged("its log leads nowhere")
            if not sequence or sequence[-1].tail not in {entry.at for entry in sequence}:
                at += SECTOR
                continue
            if not best or sequence[-1].sequence > best[-1].sequence:
                best = sequence
            at += sum(entry.length for entry in sequence)
        if not best:
            raise VHDXDamaged("its log is in use and holds no entry that is whole")
        first = next(number for number, entry in enumerate(best) if entry.at == best[-1].tail)
        return best[first:]

    def _sequence(self, at: int) -> list[_Entry]:
        """Return the entries from ``at`` on that follow each other: never more than the ring holds."""
        found: list[_Entry] = []
        room = len(self._content)
        while (entry := self._entry(at)) is not None and entry.length <= room:
            if found and entry.sequence != found[-1].sequence + 1:
                break
            found.append(entry)
            room -= entry.length
            at = (at + entry.length) % len(self._content)
        return found

    def _entry(self, at: int) -> _Entry | None:
        if at not in self._known:
            self._known[at] = self._read_entry(at)
        return self._known[at]

    def _read_entry(self, at: int) -> _Entry | None:
        head = _HEADER.unpack(self._bytes(at, _HEADER.size))
        signature, checksum, length, tail, sequence, descriptors, _, guid, flushed, last = head
        if signature != b"loge" or guid != self._guid or not sequence:
            return None
        size = len(self._content)
        if not 0 < length <= size or length % SECTOR or tail % SECTOR or tail >= size or 64 + 32 * descriptors > length:
            return None
        entry = _Entry(at=at, length=length, tail=tail, sequence=sequence, descriptors=descriptors, flushed=flushed, last=last)
        if not self._sectors_agree(entry):
            return None
        self._budget -= length
        if self._budget < 0:
            raise VHDXDamaged("its log holds entries over entries")
        content = self._bytes(at, length)
        return entry if crc32c(content[:4] + bytes(4) + content[8:]) == checksum else None

    def _sectors_agree(self, entry: _Entry) -> bool:
        """Return whether the entry holds what its header counts, each part with the entry's own number."""
        data = 0
        for signature, _, _, _, sequence in self._descriptors(entry):
            if signature not in {b"desc", b"zero"} or sequence != entry.sequence:
                return False
            data += signature == b"desc"
        first = _descriptor_bytes(entry)
        if entry.length != first + data * SECTOR:
            return False
        for number in range(data):
            at = entry.at + first + number * SECTOR
            high, low = self._bytes(at, 8), self._bytes(at + SECTOR - 4, 4)
            if high[:4] != b"data" or high[4:] != struct.pack("<Q", entry.sequence)[4:]:
                return False
            if low != struct.pack("<Q", entry.sequence)[:4]:
                return False
        return True

    def writes(self, entry: _Entry) -> list[tuple[int, int, bytes | None]]:
        """Return (start, end, content) of what an entry writes, in its order. Raises VHDXDamaged."""
        found: list[tuple[int, int, bytes | None]] = []
        place = entry.at + _descriptor_bytes(entry)
        for signature, trailing, leading, offset, _ in self._descriptors(entry):
            size = leading if signature == b"zero" else SECTOR
            if offset % SECTOR or size % SECTOR or not 0 < size < 2**63 or offset >= 2**63:
                raise VHDXDamaged(f"its log writes {size} bytes at {offset}")
            content = None
            if signature == b"desc":
                middle = self._bytes(place + 8, SECTOR - 12)
                content = struct.pack("<Q", leading) + middle + struct.pack("<I", trailing)
                place += SECTOR
            found.append((offset, offset + size, content))
        return found

    def _descriptors(self, entry: _Entry) -> Iterator[tuple[bytes, int, int, int, int]]:
        part = self._bytes(entry.at + _HEADER.size, _DESCRIPTOR.size * entry.descriptors)
        return _DESCRIPTOR.iter_unpack(part)

    def _bytes(self, at: int, length: int) -> bytes:
        at %= len(self._content)
        return self._content[at : at + length] + self._content[: max(at + length - len(self._content), 0)]


class _Pieces:
    """What the log writes, told from the newest write to the oldest."""

    def __init__(self) -> None:
        self.all: list[Piece] = []
        self._starts: list[int] = []

    def add_below(self, start: int, end: int, data: bytes | None) -> None:
        """Add an older write: only where nothing newer is."""
        first = start
        at = bisect_right(self._starts, start) - 1
        if at >= 0:
            start = max(start, self.all[at].end)
        while start < end:
            after = bisect_left(self._starts, start)
            newer = self.all[after] if after < len(self.all) else None
            stop = end if newer is None else min(end, newer.start)
            if start < stop:
                content = None if data is None else data[start - first : stop - first]
                self.all.insert(after, Piece(start=start, end=stop, content=content))
                self._starts.insert(after, start)
            start = stop if newer is None else max(stop, newer.end)


def _descriptor_bytes(entry: _Entry) -> int:
    """Return the bytes of the sectors that hold the entry's header and descriptors."""
    return -(-(_HEADER.size + _DESCRIPTOR.size * entry.descriptors) // SECTOR) * SECTOR
