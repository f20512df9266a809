"""Several faults in one restore, looked for at length."""

import pytest
from hypothesis import HealthCheck, settings

from tests.crash.mixed import Mixed

pytestmark = pytest.mark.timeout(1800)

TestMixed = Mixed.TestCase
TestMixed.settings = settings(max_examples=120, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
