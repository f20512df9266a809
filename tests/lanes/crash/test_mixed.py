"""Several faults in one restore, looked for at length."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.crash.arena import open_arena
from tests.crash.mixed import mix

pytestmark = pytest.mark.timeout(3600)


def test_whatever_happens_it_can_be_finished_or_taken_back(tmp_path: Path) -> None:
    with open_arena(tmp_path / "crash", "available") as arena:
        every = list(HealthCheck)
        mix(arena, settings(max_examples=60, stateful_step_count=8, deadline=None, suppress_health_check=every))
