"""Run the crash matrix: ``python -m tests.crash [--workers 2] [--sample 40 --seed 1] [WORD ...]``.

Words choose the cells whose names hold all of them. The last line tells how many cells there are and how many went wrong.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.crash.arena import open_arena
from tests.crash.cells import Result
from tests.crash.worlds import SCENARIOS


def share(scenario: str, words: tuple[str, ...], part: int, parts: int, sample: int | None, seed: int) -> list[Result]:
    """Run one worker's share of a scenario's cells."""
    with tempfile.TemporaryDirectory(prefix="crash-") as folder, open_arena(Path(folder), scenario) as arena:
        chosen = [cell for cell in arena.cells() if all(word in str(cell) for word in words)]
        if sample is not None:
            chosen = random.Random(seed).sample(chosen, min(sample, len(chosen)))  # noqa: S311 - a seeded choice
        return [_shown(arena.run(cell)) for cell in chosen[part::parts]]


def _shown(result: Result) -> Result:
    """Tell of a cell as soon as it is done."""
    state = "wrong" if result.wrong else "right" if result.fired else "not hit"
    sys.stderr.write(f"{result.cell}  {state}  {result.attempts} more, {result.seconds:.1f} s\n")
    return result


def tell(results: list[Result], seconds: float) -> int:
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
        f" count; {again} had to wait for their node; {seconds:.0f} s\n"
    )
    return int(bool(bad) or not counted)


def main(words: list[str] | None = None) -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--scenario", choices=SCENARIOS, action="append")
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tally", type=Path, metavar="FILE", help="write there how many cells passed and failed, as JSON")
    parser.add_argument("words", nargs="*")
    given = parser.parse_args(words)
    began = time.monotonic()
    results: list[Result] = []
    with ProcessPoolExecutor(given.workers) as pool:
        shares = [
            pool.submit(share, scenario, tuple(given.words), part, given.workers, given.sample, given.seed)
            for scenario in given.scenario or SCENARIOS
            for part in range(given.workers)
        ]
        for one in shares:
            results += one.result()
    if given.tally is not None:
        counted = [result for result in results if result.fired]
        failed = sum(bool(result.wrong) for result in counted)
        given.tally.write_text(json.dumps({"passed": len(counted) - failed, "failed": failed}), encoding="utf-8")
    return tell(results, time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
