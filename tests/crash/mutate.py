"""Prove that the matrix notices: ``python -m tests.crash.mutate [--workers 2] [--out TABLE.md] [WORD ...]``.

Each kind of step in turn is taken for done without a look, or has its reverse taken away. Cells around that step are run until
one of them goes wrong, the likeliest first; a mutation that none notices makes this fail. The table is Markdown.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.crash.arena import Arena, open_arena
from tests.crash.cells import Cell
from tests.crash.mutations import IS_DONE, NOTICED_FIRST, mutations
from tests.crash.worlds import SCENARIOS

_MOST_TRIED = 12
"""In each scenario."""
_AROUND = 2
"""So many steps after the mutated one may be needed to see it."""
_FEWEST = 4
"""Mutations for which it is worth while to make a world once more."""
_ROW = "| {} | {} | {} | {} |\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What became of a mutation. ``tried``: cells that were run with it; ``cell`` None: none of them noticed."""

    mutation: str
    tried: int = 0
    cell: Cell | None = None
    said: str = ""

    def row(self) -> str:
        """Return its row of the table."""
        kind = self.mutation.partition(":")[2]
        what = "is taken for done without a look" if self.mutation.startswith(IS_DONE) else "has no reverse"
        said = self.said.replace("|", "\\|").replace("\n", " ")[:160]
        return _ROW.format(f"{kind} {what}", f"`{self.cell}`" if self.cell else "**none**", self.tried, said)


def candidates(arena: Arena, mutation: str) -> Iterator[Cell]:
    """Yield the cells that should notice: the one that is known to, then those that are killed at that step, or soon after it."""
    what, _, kind = mutation.partition(":")
    cells = arena.cells()
    known = NOTICED_FIRST.get(mutation, "")
    first = [cell for cell in cells if cell.place == known]
    assert first or not known.startswith(f"{arena.scenario.name}:"), f"there is no cell {known}"
    yield from first
    at = {
        walked: [number for number, step in enumerate(track.steps, 1) if step == kind] for walked, track in arena.tracks.items()
    }
    for distance in range(_AROUND + 1):
        numbers = {(walked, number + distance) for walked, found in at.items() for number in found}
        near = [cell for cell in cells if (cell.walked, cell.number) in numbers and cell.hit == "kill" and cell not in first]
        for moment in ("before", "after") if what == IS_DONE else ("after", "before"):
            wanted = (cell for cell in near if cell.moment == moment)
            yield from sorted(wanted, key=lambda cell: (cell.way == "resume") == (what != IS_DONE))


def notice(arena: Arena, so_far: Notice) -> Notice:
    """Run cells with a mutation until one notices, some at most."""
    tried = so_far.tried
    arena.mutation = so_far.mutation
    try:
        for cell in candidates(arena, so_far.mutation):
            if tried == so_far.tried + _MOST_TRIED:
                break
            tried += 1
            result = arena.run(cell)
            if result.fired and result.wrong:
                return replace(so_far, tried=tried, cell=cell, said=result.wrong[0])
    finally:
        arena.mutation = None
    return replace(so_far, tried=tried)


def share(scenario: str, left: tuple[Notice, ...]) -> list[Notice]:
    """Run one worker's share of the mutations in a scenario, telling of each as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="crash-") as folder, open_arena(Path(folder), scenario) as arena:
        return [_shown(notice(arena, one)) for one in left]


def _shown(one: Notice) -> Notice:
    sys.stderr.write(f"{one.mutation}: {one.cell or 'not noticed'} after {one.tried}\n")
    return one


def prove(names: Iterable[str], workers: int) -> list[Notice]:
    """Run the mutations, each in the scenario that should notice first, then in the others until one does."""
    known = {name: Notice(mutation=name) for name in names}
    first = {name: NOTICED_FIRST.get(name, SCENARIOS[0]).partition(":")[0] for name in known}
    with ProcessPoolExecutor(workers) as pool:
        for turn in range(len(SCENARIOS)):
            jobs = []
            for scenario in SCENARIOS:
                here = [one for one in known.values() if one.cell is None and _turns(first[one.mutation])[turn] == scenario]
                parts = min(workers, -(-len(here) // _FEWEST))
                jobs += [pool.submit(share, scenario, tuple(here[part::parts])) for part in range(parts)]
            known |= {one.mutation: one for job in jobs for one in job.result()}
    return list(known.values())


def _turns(first: str) -> list[str]:
    return [first, *(one for one in SCENARIOS if one != first)]


def main(words: list[str] | None = None) -> int:
    """Run all mutations, or those whose names hold one of the words; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.mutate", description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("words", nargs="*")
    given = parser.parse_args(words)
    began = time.monotonic()
    names = [name for name in mutations() if not given.words or any(word in name for word in given.words)]
    found = prove(names, given.workers)
    noticed = sum(one.cell is not None for one in found)
    head = _ROW.format("mutation", "first cell that went wrong", "cells tried", "what it said") + "|---|---|---|---|\n"
    last = f"{noticed} of {len(found)} mutations were noticed; {time.monotonic() - began:.0f} s\n"
    table = f"{head}{''.join(one.row() for one in found)}\n{last}"
    sys.stdout.write(table)
    if given.out is not None:
        given.out.write_text(table, encoding="utf-8")
    return int(noticed < len(found) or not found)


if __name__ == "__main__":
    sys.exit(main())
