"""A few examples of several faults in one restore; the lane looks for many more."""

from hypothesis import HealthCheck, settings

from tests.crash.mixed import Mixed

TestMixed = Mixed.TestCase
TestMixed.settings = settings(
    max_examples=6, stateful_step_count=5, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
