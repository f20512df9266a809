"""Borg's own create, with another source of chunks for the disks whose changes are known.

Everything else stays Borg's: lock, checkpoints, hard links, statistics, JSON, signals, exit codes. The class is made when Borg is
there, of Borg's own; ``guard`` has looked at what it builds on.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from borg_cluster.borg_content import Borgs, Content
from borg_cluster.changed_blocks.base import BaseArchive, Doubt, on_grid
from borg_cluster.changed_blocks.request import Disk, DiskOutcome, Request
from borg_cluster.core.changed_file import clean_ranges, compare_disks, plan_chunks
from borg_cluster.core.reuse_map import Part, dirty_chunks, parse, render
from borg_cluster.core.vhdx import VHDXDamaged
from borg_cluster.core.vhdx_map import VHDXMap, open_map

_MOST_TOLD = 20
_FIXED = "fixed"


@dataclass(slots=True)
class _Taken:
    """A chunk that is not read: that of the base archive stands for it."""

    identifier: bytes
    size: int


@dataclass(slots=True)
class _Compared:
    """A chunk that is read although it should be known; ``identifier`` what it is then."""

    chunk: Borgs
    identifier: bytes
    offset: int


@dataclass(slots=True)
class _Counts:
    """What has become of the disk under way."""

    disk: Disk
    taken: int = 0
    read: int = 0
    compared: int = 0
    reason: str | None = None
    wrong: list[int] = field(default_factory=list)

    def outcome(self) -> DiskOutcome:
        return DiskOutcome(
            archive_path=self.disk.archive_path,
            taken=self.taken,
            read=self.read,
            compared=self.compared,
            reason=self.reason,
            wrong=tuple(self.wrong),
        )


class DiskSource:
    """The chunks of one disk after the other, in place of Borg's chunker.

    Args:
        request: what to take over.
        borg: Borg's modules and classes: ``Archive``, ``LocalCache``, ``Chunk``, ``cached_hash``, ``zeros``, ``BackupError``...
        cache: Borg's cache.
        chunker_params: of the archive that is made.
        stock: Borg's own chunker.
    """

    def __init__(self, request: Request, borg: Borgs, cache: Borgs, chunker_params: Borgs, stock: Borgs) -> None:
        self._request = request
        self._borg = borg
        self._cache = cache
        self._params = tuple(chunker_params)
        self._stock = stock
        self._chance = secrets.SystemRandom()
        self._base: BaseArchive | Doubt | None = None
        self.counts: _Counts | None = None

    def begin(self, disk: Disk | None) -> None:
        """Say which disk comes next, None: another file."""
        self.counts = None if disk is None else _Counts(disk=disk)

    def chunkify(self, fd: Borgs = None, fh: int = -1) -> Iterator[Any]:
        """Yield the chunks of an open file, as Borg's chunker does; or what stands for them."""
        counts = self.counts
        if counts is None:
            yield from self._stock.chunkify(fd, fh)
            return
        try:
            size = os.fstat(fh).st_size
            parts, file = self._plan(counts.disk, fh, size)
        except Doubt as doubt:
            counts.reason = str(doubt)
        except VHDXDamaged as error:
            counts.reason = f"its block map can't be trusted: {error}"
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is read as usual
            counts.reason = f"{type(error).__name__}: {error}"
        if counts.reason is not None:
            for chunk in self._stock.chunkify(fd, fh):
                counts.read += chunk.meta["size"]
                yield chunk
            return
        counts.reason = self._request.full
        yield from self._chunks(counts, file, parts, fh)

    def _plan(self, disk: Disk, fh: int, size: int) -> tuple[list[Part], Content]:
        """Return the map of a disk's file. Raises Doubt or VHDXDamaged."""
        if self._params[0] != _FIXED or (len(self._params) > 2 and self._params[2]):  # noqa: PLR2004 - fixed,SIZE,HEADER
            raise Doubt("the chunker is not fixed,SIZE")
        if not isinstance(self._cache, self._borg.LocalCache):
            raise Doubt("Borg has no chunks cache here")
        base = self._open_base()
        file = base.file(disk)
        if not on_grid(file, self._params[1]):
            raise Doubt("its chunks in the base archive are not of the fixed size")
        old = open_map(lambda offset, length: base.read(file, offset, length), file.size)
        new = open_map(lambda offset, length: _read(fh, offset, length), size)
        doubt = compare_disks(old.disk, new.disk)
        if doubt is not None:
            raise Doubt(doubt)
        if new.disk.virtual_size != disk.virtual_size:
            raise Doubt("the changes that Windows told are of a disk of another size")
        parts = self._parts(old, new, disk, size=size, old_size=file.size)
        base.forget_content()
        return parts, file

    def _parts(self, old: VHDXMap, new: VHDXMap, disk: Disk, *, size: int, old_size: int) -> list[Part]:
        changed = ((offset, offset + length) for offset, length in disk.changed)
        clean = clean_ranges(old, new, changed)
        lines = render(plan_chunks(clean, size=size, old_size=old_size, chunk_size=self._params[1]))
        return list(parse(lines, size))  # the map that `borg create --map` of Borg 2 takes; parsed, it is whole

    def _open_base(self) -> BaseArchive:
        if self._base is None:
            try:
                self._base = BaseArchive(self._borg.Archive, self._cache, self._request.base, self._request.disks, self._params)
            except Doubt as doubt:
                self._base = doubt
        if isinstance(self._base, Doubt):
            raise self._base
        return self._base

    def _chunks(self, counts: _Counts, file: Content, parts: list[Part], fh: int) -> Iterator[Any]:
        size = self._params[1]
        os.posix_fadvise(fh, 0, 0, os.POSIX_FADV_RANDOM)  # read ahead would read what is not wanted
        ahead = dirty_chunks(parts, size)
        for start, length, same in dirty_chunks(parts, size):
            if same:
                identifier = file.chunk(start // size)
                known = self._cache.seen_chunk(identifier, length)
                if known and self._request.full is None and self._chance.random() >= self._request.verify_fraction:
                    counts.taken += length
                    yield _Taken(identifier=identifier, size=length)
                    continue
            _advise_next(fh, ahead, start)
            chunk = self._read_chunk(fh, start, length)
            counts.read += length
            if same:
                counts.compared += length
                yield _Compared(chunk=chunk, identifier=identifier, offset=start)
            else:
                yield chunk

    def _read_chunk(self, fh: int, start: int, length: int) -> Borgs:
        data = _read(fh, start, length)
        if len(data) != length:
            raise self._borg.BackupError(f"only {len(data)} of {length} bytes at {start} could be read: the file got shorter")
        os.posix_fadvise(fh, start, length, os.POSIX_FADV_DONTNEED)
        if self._borg.zeros.startswith(data):
            return self._borg.Chunk(None, size=length, allocation=self._borg.CH_ALLOC)
        return self._borg.Chunk(data, size=length, allocation=self._borg.CH_DATA)

    def add(self, chunk: Borgs, stats: Borgs) -> Borgs:
        """Return Borg's list entry for a chunk that ``chunkify`` yielded, counted and stored. Raises Borg's Error."""
        if isinstance(chunk, _Taken):
            return self._cache.chunk_incref(chunk.identifier, stats)
        plain = chunk.chunk if isinstance(chunk, _Compared) else chunk
        identifier, data = self._borg.cached_hash(plain, self._cache.key.id_hash)
        if isinstance(chunk, _Compared) and identifier != chunk.identifier:
            self._wrong(chunk.offset)
        entry = self._cache.add_chunk(identifier, data, stats, wait=False)
        self._cache.repository.async_response(wait=False)
        return entry

    def _wrong(self, offset: int) -> None:
        """Note that a chunk is not what it was told to be. Raises Borg's Error: what was taken over is then worth nothing."""
        counts = self.counts
        if counts is None:
            return
        if len(counts.wrong) < _MOST_TOLD:
            counts.wrong.append(offset)
        if counts.taken or self._request.full is None:
            raise self._borg.Error(f"changed blocks: {counts.disk.archive_path} changed at {offset} though it was told unchanged")


def processors(stock: Borgs, borg: Borgs, request: Request, tell: Callable[[DiskOutcome], None]) -> Borgs:
    """Return the class to put in place of Borg's ``FilesystemObjectProcessors``.

    Args:
        stock: that class.
        borg: what ``DiskSource`` needs of Borg.
        request: what to take over.
        tell: told of each disk, when it is done or wrong.
    """
    disks = {disk.archive_path: disk for disk in request.disks}

    class Processors(stock):  # type: ignore[misc]  # Borg's own
        chunker: Borgs

        def __init__(self, *, cache: Borgs, process_file_chunks: Borgs, chunker_params: Borgs, **others: Borgs) -> None:
            super().__init__(cache=cache, process_file_chunks=self._process_chunks, chunker_params=chunker_params, **others)
            self._stock_chunks = process_file_chunks
            own: Borgs = self.chunker
            self._source = self.chunker = DiskSource(request, borg, cache, chunker_params, own)

        def _process_chunks(self, item: Borgs, cache: Borgs, stats: Borgs, show_progress: Borgs, chunk_iter: Borgs) -> None:
            if self._source.counts is None:
                self._stock_chunks(item, cache, stats, show_progress, chunk_iter)
                return
            self._stock_chunks(
                item, cache, stats, show_progress, chunk_iter, chunk_processor=lambda chunk: self._source.add(chunk, stats)
            )

        def process_file(self, *, path: str, cache: Borgs, strip_prefix: str | None = None, **others: Borgs) -> Borgs:
            shown = path if strip_prefix is None else path.removeprefix(strip_prefix)
            disk = disks.get(borg.make_path_safe(shown))
            if disk is None:
                return super().process_file(path=path, cache=cache, strip_prefix=strip_prefix, **others)
            self._source.begin(disk)
            # a disk's time stamp may be the same although a guest wrote to it: never take that for unchanged
            cache.file_known_and_unchanged = lambda *_: (True, None)
            try:
                return super().process_file(path=path, cache=cache, strip_prefix=strip_prefix, **others)
            finally:
                del cache.file_known_and_unchanged
                if self._source.counts is not None:
                    tell(self._source.counts.outcome())
                self._source.begin(None)

    return Processors


def _read(fh: int, offset: int, length: int) -> bytes:
    """Return a range of an open file; less only at its end."""
    parts = []
    while length > 0:
        part = os.pread(fh, length, offset)
        if not part:
            break
        parts.append(part)
        offset, length = offset + len(part), length - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _advise_next(fh: int, ahead: Iterator[tuple[int, int, bool]], start: int) -> None:
    """Let the system fetch the chunk that is read after the one at ``start``, while that one is hashed and stored."""
    for after, length, same in ahead:
        if after > start and not same:
            os.posix_fadvise(fh, after, length, os.POSIX_FADV_WILLNEED)
            return
