"""Options of the whole suite."""

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: nothing here depends on time.
settings.register_profile("borg-cluster", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("borg-cluster")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("borg-cluster")
    group.addoption(
        "--cluster", metavar="FILE", help="run the conformance tests against the real cluster of this configuration file"
    )
    group.addoption(
        "--cluster-vm", metavar="NAME_OR_ID", help="the one VM that the conformance tests may stop and change (with --cluster)"
    )
