"""A seeded sample of the crash matrix, and a few examples of several faults; ``make test-crash`` runs all, and many more."""

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.crash.arena import Arena, open_arena
from tests.crash.cells import HITS, Cell
from tests.crash.mixed import mix

_PER_HIT = 2
_SEED = 20260301


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with open_arena(tmp_path_factory.mktemp("crash"), "available") as opened:
        yield opened


@pytest.mark.timeout(900)  # a hung process ends the test long before; a busy machine is no failure
def test_a_sample_of_the_crash_matrix(arena: Arena, told: Callable[[str], None]) -> None:
    cells = arena.cells()
    chosen = [cell for hit in HITS for cell in _choose([cell for cell in cells if cell.hit == hit])]
    results = [result for result in map(arena.run, chosen) if result.fired]
    told(f"crash matrix: {len(results)} of {len(cells)} cells of the scenario 'available', seed {_SEED}")
    assert {str(result.cell): result.wrong for result in results if result.wrong} == {}
    assert {result.cell.hit for result in results} == set(HITS)


def _choose(cells: list[Cell]) -> list[Cell]:
    return random.Random(_SEED).sample(cells, _PER_HIT)  # noqa: S311 - a seeded choice


@pytest.mark.timeout(900)
def test_several_faults_in_one_restore(arena: Arena) -> None:
    every = list(HealthCheck)
    mix(arena, settings(max_examples=4, stateful_step_count=5, deadline=None, suppress_health_check=every, derandomize=True))
