"""Options of the whole suite."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("borg-cluster")
    group.addoption(
        "--cluster", metavar="FILE", help="run the conformance tests against the real cluster of this configuration file"
    )
    group.addoption(
        "--cluster-vm", metavar="NAME_OR_ID", help="the one VM that the conformance tests may stop and change (with --cluster)"
    )
