"""What is read anew of a file, and what is taken over from an earlier archive: the map format of Borg 2's ``create --map``.

A line is ``START LENGTH KIND``: bytes, and ``data`` (read) or ``same`` (unchanged since the archive that is reused from). Lines
are in order, without gap or overlap, and cover the file. (``zero`` is Borg 2's third kind; nothing here needs it.)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What becomes of a range."""

    DATA = "data"
    SAME = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A range of a file, in bytes."""

    start: int
    length: int
    kind: Kind


def render(parts: Iterable[Part]) -> Iterator[str]:
    """Yield the lines of a map."""
    for part in parts:
        yield f"{part.start} {part.length} {part.kind.value}\n"


def parse(lines: Iterable[str], size: int) -> Iterator[Part]:
    """Yield the parts of a map of a file of ``size`` bytes. Raises ValueError where it isn't one."""
    at = 0
    for number, line in enumerate(lines, start=1):
        words = line.split()
        try:
            start, length = (int(word) for word in words[:2])
            part = Part(start=start, length=length, kind=Kind(words[2]))
        except (ValueError, IndexError) as error:
            raise ValueError(f"line {number} is no START LENGTH data|same: {line.strip()[:80]!r}") from error
        if len(words) != 3 or start != at or length <= 0:  # noqa: PLR2004 - the three words of the format
            raise ValueError(f"line {number} does not go on at {at}: {line.strip()[:80]!r}")
        at += length
        yield part
    if at != size:
        raise ValueError(f"the map ends at {at}, the file at {size}")


def dirty_chunks(parts: Iterable[Part], chunk_size: int) -> Iterator[tuple[int, int, bool]]:
    """Yield (start, length, same) of a file's chunks of a fixed size; one is the same only if no byte of it is to be read."""
    start = length = 0
    same = True
    for part in parts:
        left = part.length
        while left:
            step = min(left, chunk_size - length)
            length, left = length + step, left - step
            same = same and part.kind is Kind.SAME
            if length == chunk_size:
                yield start, length, same
                start, length, same = start + length, 0, True
    if length:
        yield start, length, same
