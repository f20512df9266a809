"""Run the crash matrix: ``python -m tests.crash [--workers 2] [--sample 40 --seed 1] [--minutes 30] [WORD ...]``.

Words choose the cells whose names hold all of them. The last line tells how many cells there are and how many went wrong. Those
for which ``--minutes`` don't suffice are not run, and counted as that: of each scenario a part, chosen by the seed.
"""

import argparse
import json
import math
import os
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.crash.arena import open_arena
from tests.crash.cells import Result
from tests.crash.worlds import SCENARIOS, WEIGHTS

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_ROOM = 4 << 30
"""Bytes of the worlds that the workers keep, with some to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one worker does of a scenario. ``until``: when it begins no more cells, by ``time.monotonic``."""

    scenario: str
    words: tuple[str, ...]
    part: int
    parts: int
    sample: int | None
    seed: int
    until: float


def run_share(share: Share) -> tuple[list[Result], int]:
    """Run one worker's share of a scenario's cells; return the results, and for how many cells there was no time."""
    with tempfile.TemporaryDirectory(prefix="crash-", dir=_place()) as folder, open_arena(Path(folder), share.scenario) as arena:
        chosen = [cell for cell in arena.cells() if all(word in str(cell) for word in share.words)]
        random.Random(share.seed).shuffle(chosen)  # noqa: S311 - a seeded order
        mine = chosen[: share.sample][share.part :: share.parts]
        results: list[Result] = []
        for cell in mine:
            if time.monotonic() >= share.until:
                break
            results.append(_shown(arena.run(cell)))
        return results, len(mine) - len(results)


def _place() -> Path | None:
    """Return where worlds are put there and away soonest: a SIGKILL asks no more of a disk than of memory."""
    return _IN_MEMORY if _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free >= _ROOM else None


def _shown(result: Result) -> Result:
    """Tell of a cell as soon as it is done."""
    state = "not hit" if not result.fired else "wrong" if result.wrong else "right"
    sys.stderr.write(f"{result.cell}  {state}  {result.attempts} more, {result.seconds:.1f} s\n")
    return result


def tell(results: list[Result], left_out: int, seconds: float) -> int:
    """Print what went wrong and the number of cells; return the exit code."""
    counted = [result for result in results if result.fired]
    distinct = {str(result.cell) for result in counted}
    assert len(distinct) == len(counted), "a cell was counted twice"
    bad = [result for result in counted if result.wrong]
    for result in bad:
        sys.stdout.write(f"{result.cell}\n" + "".join(f"    {line}\n" for line in result.wrong))
    again = sum(result.attempts > 1 for result in counted)
    sys.stdout.write(
        f"crash matrix: {len(counted)} cells, {len(bad)} wrong; {len(results) - len(counted)} could not be hit there and do not"
        f" count; {again} had to wait for their node; {left_out} not run for want of time; {seconds:.0f} s\n"
    )
    return int(bool(bad) or not counted)


def main(words: list[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no cell after so many")
    parser.add_argument("--tally", type=Path, metavar="FILE", help="write there how many cells passed, failed and were not run")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args(words)
    began = time.monotonic()
    results, left_out = _run(given, began)
    if given.tally is not None:
        counted = [result for result in results if result.fired]
        failed = sum(bool(result.wrong) for result in counted)
        tally = {"passed": len(counted) - failed, "failed": failed, "skipped": left_out}
        given.tally.write_text(json.dumps(tally), encoding="utf-8")
    return tell(results, left_out, time.monotonic() - began)


def _run(given: argparse.Namespace, began: float) -> tuple[list[Result], int]:
    """Run the cells; each scenario may take the time that the ones before it left, by how many cells it has."""
    results: list[Result] = []
    left_out = 0
    scenarios = given.scenario or SCENARIOS
    with ProcessPoolExecutor(given.workers) as pool:
        for number, scenario in enumerate(scenarios):
            weight = WEIGHTS[scenario] / sum(WEIGHTS[one] for one in scenarios[number:])
            now = time.monotonic()
            until = now + weight * (began + given.minutes * 60 - now)
            shares = [
                Share(
                    scenario=scenario,
                    words=tuple(given.words),
                    part=part,
                    parts=given.workers,
                    sample=given.sample,
                    seed=given.seed,
                    until=until,
                )
                for part in range(given.workers)
            ]
            for ended, without in pool.map(run_share, shares):
                results += ended
                left_out += without
    return results, left_out


if __name__ == "__main__":
    sys.exit(main())
