"""How the cluster stands, as text for other programs: a status document, and figures for Prometheus. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields

from borg_cluster.core.coverage import Coverage, CoverageState, Covered

STATUS_SCHEMA = 1
"""The number in the status document; it grows when a field is removed or changes its meaning, never when one is added."""

_MEANT_SO = frozenset({CoverageState.UNCOVERED, CoverageState.EXCLUDED})
_WITHOUT_ARCHIVE = frozenset({CoverageState.FAILED, CoverageState.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the newest archive of a subject took: ``read`` and ``stored`` bytes, ``duration`` seconds."""

    read: int
    stored: int
    duration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """How a run ended; ``finished_at`` seconds since 1970."""

    run_id: str
    verb: str
    finished_at: float
    exit_code: int
    done: int
    failed: int
    warnings: int
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that is told of a cluster; ``figures`` by subject, where there is an archive; ``run`` the newest one of the verb."""

    cluster: str
    coverage: Coverage
    figures: Mapping[str, Figures]
    run: RunFigures


def is_overdue(one: Covered) -> bool:
    """Whether a job promises an archive and the newest is older than that, or there is none; whatever else is wrong."""
    if one.promise is None or one.state in _MEANT_SO:
        return False
    return one.age is None or one.age > one.promise or one.state is CoverageState.OVERDUE


def status_document(standing: Standing) -> dict[str, object]:
    """Return the status file's document, of JSON's own values."""
    return {
        "schema": STATUS_SCHEMA,
        "cluster": standing.cluster,
        "fine": standing.coverage.is_fine,
        "run": _plain(standing.run),
        "virtual_machines": [_subject(one, "vm_id", standing) for one in standing.coverage.virtual_machines],
        "volumes": [_subject(one, "volume", standing) for one in standing.coverage.volumes],
    }


def prometheus_text(standing: Standing) -> str:
    """Return the figures in Prometheus' text format: one series a VM, told apart by its id, whatever the names hold."""
    return "".join(f"{line}\n" for line in (*_vm_lines(standing), *_run_lines(standing)))


def _subject(one: Covered, key: str, standing: Standing) -> dict[str, object]:
    figures = standing.figures.get(one.subject)
    return {
        key: one.subject,
        "name": one.name,
        "state": one.state.value,
        "reason": one.reason,
        "jobs": list(one.jobs),
        "archive": one.archive,
        "last_success": None if one.made_at is None else one.made_at.isoformat(),
        "age": one.age,
        "promise": one.promise,
        "read": None if figures is None else figures.read,
        "stored": None if figures is None else figures.stored,
        "duration": None if figures is None else figures.duration,
        "uncovered": one.state is CoverageState.UNCOVERED,
        "overdue": is_overdue(one),
    }


def _plain(run: RunFigures) -> dict[str, object]:
    return {field.name: getattr(run, field.name) for field in fields(run)}


_Value = Callable[[Covered, Figures | None], float | None]

_OF_VMS: tuple[tuple[str, str, _Value], ...] = (
    (
        "last_success_timestamp_seconds",
        "When the newest good archive was made",
        lambda one, _: None if one.made_at is None else one.made_at.timestamp(),
    ),
    ("read_bytes", "Bytes read for the newest archive", lambda _, figures: None if figures is None else figures.read),
    (
        "stored_bytes",
        "Bytes that the newest archive added to its repository",
        lambda _, figures: None if figures is None else figures.stored,
    ),
    (
        "duration_seconds",
        "Seconds that the newest archive took",
        lambda _, figures: None if figures is None else figures.duration,
    ),
    ("vm_uncovered", "1: no job wants the VM", lambda one, _: one.state is CoverageState.UNCOVERED),
    ("vm_overdue", "1: the newest archive is older than promised, or there is none", lambda one, _: is_overdue(one)),
    ("vm_failed", "1: the newest attempt failed or was refused", lambda one, _: one.state in _WITHOUT_ARCHIVE),
)

_OF_RUNS: tuple[tuple[str, str, Callable[[RunFigures], float]], ...] = (
    ("run_timestamp_seconds", "When the newest run ended", lambda run: run.finished_at),
    ("run_exit_code", "What it ended with", lambda run: run.exit_code),
    ("run_done", "What was done in it", lambda run: run.done),
    ("run_failed", "What failed in it", lambda run: run.failed),
    ("run_warnings", "What it warned of", lambda run: run.warnings),
    ("run_retries", "What was tried again in it", lambda run: run.retries),
)


def _vm_lines(standing: Standing) -> Iterator[str]:
    for name, meaning, value in _OF_VMS:
        yield from _head(name, meaning)
        for one in standing.coverage.virtual_machines:
            found = value(one, standing.figures.get(one.subject))
            if found is not None:
                yield _sample(name, found, cluster=standing.cluster, vm=one.name, vm_id=one.subject)


def _run_lines(standing: Standing) -> Iterator[str]:
    for name, meaning, value in _OF_RUNS:
        yield from _head(name, meaning)
        yield _sample(name, value(standing.run), cluster=standing.cluster, verb=standing.run.verb)


def _head(name: str, meaning: str) -> tuple[str, str]:
    return f"# HELP borg_cluster_{name} {meaning}", f"# TYPE borg_cluster_{name} gauge"


def _sample(name: str, value: float, **labels: str) -> str:
    inside = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    return f"borg_cluster_{name}{{{inside}}} {float(value)!r}"


def _escape(text: str) -> str:
    """Return a label's value as the format wants it; half a surrogate pair, which UTF-8 can't hold, becomes a sign for it."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
