"""Options of the whole suite."""

import os

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: nothing here depends on time. In CI each change is held to the same examples; new ones are looked
# for wherever else the tests run.
settings.register_profile(
    "borg-cluster", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("borg-cluster")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("borg-cluster")
    group.addoption(
        "--cluster", metavar="FILE", help="run the conformance tests against the real cluster of this configuration file"
    )
    group.addoption(
        "--cluster-vm", metavar="NAME_OR_ID", help="the one VM that the conformance tests may stop and change (with --cluster)"
    )
