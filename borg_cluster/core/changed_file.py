"""Which parts of a VHDX file are surely what they were: by positive proof, from two block maps and the changed virtual ranges.

A byte of the file is clean only if it is the payload of a block that is fully present at the same place in both generations, and
the virtual range that it holds was not written in between. Everything else is read: headers, log, tables, metadata, bitmaps,
what is new, moved, or partly present, and what lies between and behind.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from borg_cluster.core.reuse_map import Kind, Part
from borg_cluster.core.vhdx import VHDX
from borg_cluster.core.vhdx_map import VHDXMap

Range = tuple[int, int]
"""(start, end) in bytes."""


def compare_disks(old: VHDX, new: VHDX) -> str | None:
    """Return why the two generations are not of one virtual disk, or None."""
    if old.disk_id != new.disk_id:
        return "its disk identifier is another one: the disk was replaced"
    if old.virtual_size != new.virtual_size:
        return f"its virtual size was {old.virtual_size} and is {new.virtual_size}"
    if (old.block_size, old.sector_size) != (new.block_size, new.sector_size):
        return "its block or sector size is another one"
    if old.parent is None and new.parent is None:
        return None
    if old.parent is None or new.parent is None or old.parent.linkages != new.parent.linkages:
        return "its parent is another one: the chain of its checkpoints changed"
    return None


def joined(ranges: Iterable[Range]) -> list[Range]:
    """Return ranges in order, those that touch or overlap as one."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def clean_ranges(old: VHDXMap, new: VHDXMap, changed: Iterable[Range]) -> Iterator[Range]:
    """Yield the clean ranges of the new file, in the order of the virtual disk. Raises VHDXDamaged.

    Args:
        old: the map of the file as the earlier archive holds it.
        new: the map of the file as it is now.
        changed: virtual ranges that were written since, in any order.
    """
    dirty = joined(changed)
    # what a log still had to write reached its place without the guest: such bytes are no payload that stayed
    logged = joined((piece.start, piece.end) for one in (old, new) for piece in one.replayed.pieces)
    for start, end, offset in _kept_runs(old, new):
        for first, last in _without(start, end, dirty):
            yield from _without(offset + first - start, offset + last - start, logged)


def _without(start: int, end: int, holes: list[Range]) -> Iterator[Range]:
    """Yield what of a range lies in none of the holes, which are in order."""
    number = max(bisect_right(holes, (start, start)) - 1, 0)
    while number < len(holes) and holes[number][0] < end:
        if start < holes[number][0]:
            yield start, holes[number][0]
        start = max(start, holes[number][1])
        number += 1
    if start < end:
        yield start, end


def _kept_runs(old: VHDXMap, new: VHDXMap) -> Iterator[tuple[int, int, int]]:
    """Yield (virtual start, virtual end, file offset) of blocks that are present at the same place, neighbours as one."""
    size, end_of_disk = new.disk.block_size, new.disk.virtual_size
    run: tuple[int, int, int] | None = None
    for (block, before), (_, now) in zip(old.payload(0, old.blocks), new.payload(0, new.blocks), strict=True):
        offset = new.present(now)
        if offset is None or old.present(before) != offset:
            continue
        start, end = block * size, min((block + 1) * size, end_of_disk)
        if run is not None and run[1] == start and run[2] + (run[1] - run[0]) == offset:
            run = (run[0], end, run[2])
            continue
        if run is not None:
            yield run
        run = (start, end, offset)
    if run is not None:
        yield run


def plan_chunks(clean: Iterable[Range], *, size: int, old_size: int, chunk_size: int) -> Iterator[Part]:
    """Yield the map of a file of ``size`` bytes for chunks of a fixed size: ``same`` where a whole chunk is clean.

    Args:
        clean: ranges that are surely what they were, in any order and none over another.
        size: of the file now, in bytes.
        old_size: of the file in the earlier archive; its last chunk may be shorter than the one now at that place.
        chunk_size: of both archives.
    """
    count = -(-size // chunk_size)
    bytes_clean = array("I", bytes(4 * count))
    for start, end in clean:
        first, last = start // chunk_size, (end - 1) // chunk_size
        if first == last:
            bytes_clean[first] += end - start
            continue
        bytes_clean[first] += (first + 1) * chunk_size - start
        bytes_clean[last] += end - last * chunk_size
        if last - first > 1:
            bytes_clean[first + 1 : last] = array("I", (chunk_size,)) * (last - first - 1)
    kind, begin = Kind.DATA, 0
    for number in range(count):
        start = number * chunk_size
        length = min(chunk_size, size - start)
        same = bytes_clean[number] == length and min(chunk_size, old_size - start) == length
        now = Kind.SAME if same else Kind.DATA
        if now is not kind:
            if start > begin:
                yield Part(start=begin, length=start - begin, kind=kind)
            kind, begin = now, start
    if size > begin:
        yield Part(start=begin, length=size - begin, kind=kind)
