"""Options of the whole suite."""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from borg_cluster.simulator.world import World

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


@pytest.fixture(autouse=True)
def _nothing_impossible(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in whose simulated cluster something happened that must never happen, whether it asked for that or not.

    A test that brings it about on purpose says so: ``@pytest.mark.impossible``.
    """
    found: list[str] = []
    note = World.note

    def heard(self: World, kind: str, what: str, **details: object) -> None:
        if kind == "violation":
            found.append(what)
        note(self, kind, what, **details)

    monkeypatch.setattr(World, "note", heard)
    yield
    if request.node.get_closest_marker("impossible") is None:
        assert not found, "; ".join(found)


@pytest.fixture
def told(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Return what tells a figure at the end of the run, where it is read."""
    return lambda text: record_property("told", text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the figures that tests told."""
    reports = [report for found in terminalreporter.stats.values() for report in found if isinstance(report, pytest.TestReport)]
    for text in dict.fromkeys(value for report in reports for name, value in report.user_properties if name == "told"):
        terminalreporter.write_line(str(text))
