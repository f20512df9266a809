"""What other programs read after a run: a status file (JSON) and a text file for Prometheus, each whole or the one before."""

import json
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from borg_cluster.catalog import AttemptState, RecordedArchive, Run
from borg_cluster.context import Context
from borg_cluster.core.archive import CLOCK_SKEW
from borg_cluster.core.coverage import Coverage, Newest, Past, coverage
from borg_cluster.core.event import Warned
from borg_cluster.core.metrics import Figures, RunFigures, Standing, prometheus_text, status_document
from borg_cluster.errors import Refused
from borg_cluster.upkeep.ours import moment

_BACKUPS = frozenset({"create", "run"})
_FOR_ALL = 0o644
"""The collector of Prometheus runs as somebody else."""


def past(context: Context, shown: Callable[[str], str] = str) -> Past:
    """Return what is known of the past; ``shown`` makes the words for a time, within the reason of a failure."""
    cluster = context.policy.cluster
    newest = {
        row.subject: Newest(archive=row.archive, made_at=moment(row.created_at), repository=row.repository)
        for row in _dated(context)
    }
    jobs = {job.name for job in context.policy.jobs}
    failures: dict[str, str] = {}
    for attempt in context.catalog.attempts(cluster):
        if attempt.job not in jobs:
            continue
        if attempt.state is AttemptState.DONE:
            failures.pop(attempt.subject, None)
        else:
            failures[attempt.subject] = f"{shown(attempt.at)}: {attempt.reason or 'begun, and never ended'}"
    return Past(newest=newest, failures=failures)


def _dated(context: Context) -> list[RecordedArchive]:
    """Return the archives, newest last; those that are dated in the future, since the clock was wrong, count least."""
    latest = context.clock() + CLOCK_SKEW
    rows = context.catalog.archives(context.policy.cluster)
    return sorted(rows, key=lambda row: moment(row.created_at) <= latest)  # stable: by their time within each kind


def refresh(context: Context) -> None:
    """Write those files anew after the cluster was asked: the newest backup run of it stays the one that they tell of."""
    runs = [run for run in context.catalog.runs(context.policy.cluster) if run.verb in _BACKUPS]
    if runs:
        publish(context, runs[-1])


def publish(context: Context, run: Run) -> None:
    """Write the files that the configuration names; one that can't be written is a warning, since the archives are made."""
    wanted = context.policy.monitoring
    if wanted.status_file is None and wanted.prometheus_file is None:
        return
    try:
        standing = _standing(context, run)
    except Refused as error:
        context.emit(Warned(subject=context.policy.cluster, message=f"monitoring: {error.message}", hint=error.hint))
        return
    status = json.dumps(status_document(standing), indent=2) + "\n"
    _write(context, "status_file", wanted.status_file, status)
    _write(context, "prometheus_file", wanted.prometheus_file, prometheus_text(standing))


def _write(context: Context, key: str, path: str | None, text: str) -> None:
    if path is None:
        return
    try:
        replace_file(Path(path), text)
    except OSError as error:
        hint = "its folder must be there, and this process be allowed to write in it"
        message = f"monitoring: {key}: {path} can't be written: {error.strerror}"
        context.emit(Warned(subject=context.policy.cluster, message=message, hint=hint))


def replace_file(path: Path, text: str) -> None:
    """Put a file in the place of the one before, so that whoever reads it sees the one or the other. Raises OSError."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), _FOR_ALL)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _standing(context: Context, run: Run) -> Standing:
    cluster = context.policy.cluster
    inventory = context.catalog.latest_inventory(cluster)
    figures = {
        row.subject: Figures(read=row.original_size, stored=row.deduplicated_size, duration=row.seconds)
        for row in _dated(context)
    }
    covered = Coverage(virtual_machines=(), volumes=())  # the cluster never answered
    if inventory is not None:
        covered = coverage(inventory, context.plugins.heed(context.policy, inventory), past(context), context.clock())
    return Standing(
        cluster=cluster,
        coverage=covered,
        figures=figures,
        run=RunFigures(
            run_id=run.run_id,
            verb=run.verb,
            finished_at=datetime.fromisoformat(run.finished_at).timestamp(),
            exit_code=run.exit_code,
            done=run.done,
            failed=run.failed,
            warnings=run.warnings,
            retries=run.retries,
        ),
    )
