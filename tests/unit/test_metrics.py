"""What other programs read of the cluster, whatever a VM is called."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from borg_cluster.core.coverage import Coverage, CoverageState, Covered
from borg_cluster.core.metrics import Figures, RunFigures, Standing, is_overdue, prometheus_text, status_document

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HOUR = 3600
SAMPLE = re.compile(r'(borg_cluster_\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\n"])*",?)+)\} (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\\n]|\\[\\n"])*)"')
RUN = RunFigures(run_id="r-1", verb="run", finished_at=NOW.timestamp(), exit_code=3, done=4, failed=1, warnings=2)
HOSTILE = ('web[1]*"} 1', "a\nb", "back\\slash\\n", 'O\'Brien "x"', "\ud800half", "NO", "é" * 100, "")


def covered(number: int, name: str, state: CoverageState, *, hours: float | None = 4, promise: int | None = 26 * HOUR) -> Covered:
    return Covered(
        subject=f"id-{number}",
        name=name,
        state=state,
        reason="",
        jobs=("nightly",),
        archive=None if hours is None else f"hv-{number}",
        made_at=None if hours is None else NOW - timedelta(hours=hours),
        age=None if hours is None else hours * HOUR,
        promise=promise,
    )


def standing(*vms: Covered, cluster: str = "hv") -> Standing:
    figures = {one.subject: Figures(read=2**40, stored=3, duration=1.5) for one in vms if one.archive}
    return Standing(cluster=cluster, coverage=Coverage(virtual_machines=vms, volumes=()), figures=figures, run=RUN)


def parse(text: str) -> dict[tuple[str, str], float]:
    """Read the text as Prometheus does: value by metric and VM id; a line that is no sample and no comment is an error."""
    found: dict[tuple[str, str], float] = {}
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# "):
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        labels: dict[str, str] = dict(LABEL.findall(sample[2]))
        key = sample[1].removeprefix("borg_cluster_"), labels.get("vm_id") or labels["cluster"]
        assert key not in found, "one series twice"
        found[key] = float(sample[3])
    return found


def test_each_vm_has_its_figures() -> None:
    found = parse(prometheus_text(standing(covered(1, "web01", CoverageState.GOOD))))
    vm = {name: value for (name, subject), value in found.items() if subject == "id-1"}

    assert vm == {
        "last_success_timestamp_seconds": (NOW - timedelta(hours=4)).timestamp(),
        "read_bytes": 2**40,
        "stored_bytes": 3,
        "duration_seconds": 1.5,
        "vm_uncovered": 0,
        "vm_overdue": 0,
        "vm_failed": 0,
    }
    assert (found["run_exit_code", "hv"], found["run_failed", "hv"]) == (3, 1)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_breaks_the_text(name: str) -> None:
    text = prometheus_text(standing(covered(1, name, CoverageState.GOOD), covered(2, name, CoverageState.GOOD), cluster=name))
    text.encode("utf-8")
    parse(text)
    labels = dict(LABEL.findall(next(line for line in text.split("\n") if line.startswith("borg_cluster_read_bytes"))))
    back = re.sub(r"\\([\\n\"])", lambda found: {"n": "\n"}.get(found[1], found[1]), labels["vm"])

    assert back == name.replace("\ud800", "\ufffd")


def test_what_is_not_known_has_no_sample() -> None:
    found = parse(prometheus_text(standing(covered(1, "new", CoverageState.NEVER, hours=None))))

    assert {name for name, subject in found if subject == "id-1"} == {"vm_uncovered", "vm_overdue", "vm_failed"}


def test_every_metric_has_its_type_once() -> None:
    text = prometheus_text(standing(covered(1, "a", CoverageState.GOOD), covered(2, "b", CoverageState.GOOD)))
    typed = re.findall(r"^# TYPE (\S+) gauge$", text, re.MULTILINE)

    assert len(typed) == len(set(typed))
    assert set(typed) == {sample[0] for sample in SAMPLE.findall(text)}


@pytest.mark.parametrize(
    ("one", "overdue"),
    [
        (covered(1, "a", CoverageState.GOOD), False),
        (covered(1, "a", CoverageState.OVERDUE, hours=27), True),
        (covered(1, "a", CoverageState.FAILED, hours=27), True),
        (covered(1, "a", CoverageState.FAILED, hours=4), False),
        (covered(1, "a", CoverageState.NEVER, hours=None), True),
        (covered(1, "a", CoverageState.NEVER, hours=None, promise=None), False),
        (covered(1, "a", CoverageState.UNCOVERED, hours=None), False),
        (covered(1, "a", CoverageState.EXCLUDED, hours=99), False),
    ],
)
def test_overdue_is_a_promise_that_is_not_kept(one: Covered, *, overdue: bool) -> None:
    assert is_overdue(one) is overdue


def test_the_status_document_is_json_and_tells_what_is_not_fine() -> None:
    vms = (covered(1, HOSTILE[0], CoverageState.GOOD), covered(2, "b", CoverageState.UNCOVERED, hours=None))
    document = json.loads(json.dumps(status_document(standing(*vms))))
    first, second = document["virtual_machines"]

    assert (document["schema"], document["cluster"], document["fine"], document["run"]["exit_code"]) == (1, "hv", False, 3)
    assert (first["name"], first["vm_id"], first["read"], first["uncovered"]) == (HOSTILE[0], "id-1", 2**40, False)
    assert (second["last_success"], second["stored"], second["uncovered"]) == (None, None, True)
