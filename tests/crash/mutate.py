"""Prove that the matrix notices: ``python -m tests.crash.mutate [--out TABLE.md] [WORD ...]``.

Each kind of step in turn is taken for done without a look, or has its reverse taken away. Cells around that step are run until
one of them goes wrong; a mutation that none notices makes this fail. The table is Markdown.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.crash.arena import Arena, open_arena
from tests.crash.cells import Cell
from tests.crash.mutations import IS_DONE, mutations
from tests.crash.worlds import SCENARIOS

_MOST_TRIED = 12
_AROUND = 2
"""So many steps after the mutated one may be needed to see it."""
_TELLING = {"Inspect": "spoil", "DropSavedState": "stale", "Confirm": "halt"}
"""What shows that a step was left out which changes nothing if all is well."""
_LOST = {"FindCopy": "RegisterCopy"}
"""The step after whose act, unrecorded, what it made is known to nobody: an undo must find it."""
_ROW = "| {} | {} | {} | {} |\n"


def candidates(arena: Arena, mutation: str) -> Iterator[Cell]:
    """Yield the cells that should notice, the likeliest first: one that is killed at that step, or soon after it."""
    what, _, kind = mutation.partition(":")
    cells = arena.cells()
    at = {
        walked: [number for number, step in enumerate(track.steps, 1) if step == kind] for walked, track in arena.tracks.items()
    }
    yield from (cell for cell in cells if cell.hit == _TELLING.get(kind) and what == IS_DONE)
    lost = _LOST.get(kind)
    yield from (cell for cell in cells if (cell.step, cell.moment, cell.hit, cell.way) == (lost, "after", "kill", "undo"))
    for distance in range(_AROUND + 1):
        numbers = {(walked, number + distance) for walked, found in at.items() for number in found}
        near = [cell for cell in cells if (cell.walked, cell.number) in numbers and cell.hit == "kill"]
        for moment in ("before", "after") if what == IS_DONE else ("after", "before"):
            wanted = (cell for cell in near if cell.moment == moment)
            yield from sorted(wanted, key=lambda cell: (cell.way == "resume") == (what != IS_DONE))


def notice(arena: Arena, mutation: str) -> tuple[int, Cell | None, str]:
    """Return how many cells were run with a mutation, the first that noticed, and what it said."""
    tried = 0
    arena.mutation = mutation
    try:
        for cell in candidates(arena, mutation):
            if tried == _MOST_TRIED:
                break
            tried += 1
            result = arena.run(cell)
            if result.fired and result.wrong:
                return tried, cell, result.wrong[0]
    finally:
        arena.mutation = None
    return tried, None, ""


def run(scenario: str, left: list[str], out: Callable[[str], object]) -> list[str]:
    """Run what is left of the mutations in one scenario, telling each that it noticed; return those that it did not notice."""
    unnoticed = []
    with tempfile.TemporaryDirectory(prefix="crash-") as folder, open_arena(Path(folder), scenario) as arena:
        for mutation in left:
            tried, cell, said = notice(arena, mutation)
            sys.stderr.write(f"{mutation}: {cell or 'not noticed'} after {tried}\n")
            if cell is None:
                unnoticed.append(mutation)
            else:
                kind = mutation.partition(":")[2]
                what = "is taken for done without a look" if mutation.startswith(IS_DONE) else "has no reverse"
                said = said.replace("|", "\\|").replace("\n", " ")[:160]
                out(_ROW.format(f"{kind} {what}", f"`{cell}`", tried, said))
    return unnoticed


def main(words: list[str] | None = None) -> int:
    """Run all mutations, or those whose names hold one of the words; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.mutate", description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args(words)
    began = time.monotonic()
    left = [name for name in mutations() if not given.words or any(word in name for word in given.words)]
    number = len(left)
    with ExitStack() as stack:
        table = None if given.out is None else stack.enter_context(given.out.open("w", encoding="utf-8", buffering=1))
        tell = sys.stderr.write if table is None else table.write
        tell(_ROW.format("mutation", "first cell that went wrong", "cells tried", "what it said") + "|---|---|---|---|\n")
        for scenario in SCENARIOS:
            left = run(scenario, left, tell) if left else left
        for name in left:
            tell(_ROW.format(name, "**none**", "", ""))
        last = f"{number - len(left)} of {number} mutations were noticed; {time.monotonic() - began:.0f} s\n"
        tell(f"\n{last}")
    sys.stdout.write(last)
    return int(bool(left))


if __name__ == "__main__":
    sys.exit(main())
