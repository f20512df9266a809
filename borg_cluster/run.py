"""Verb: what is due tonight: create, prune, compact, check, in this order.

What fails takes nothing else with it: a repository that does not open costs its own archives, a cluster that does not answer
costs the archives but not the checks. Nothing is pruned of a VM whose archive failed tonight.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from borg_cluster.catalog import AttemptState, Run
from borg_cluster.context import Context
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import (
    ArchiveFailed,
    ArchiveFinished,
    Booted,
    Checked,
    Compacted,
    Event,
    NodeFailed,
    Pruned,
    UpkeepFailed,
    Verified,
    Warned,
)
from borg_cluster.core.history import Change
from borg_cluster.core.planned import BackupPlan
from borg_cluster.core.policy import Job
from borg_cluster.core.schedule import Due, due_jobs
from borg_cluster.create import create
from borg_cluster.discover import current_inventory
from borg_cluster.errors import AlreadyRunning, BorgClusterError, ExitCode, RepositoryRefused, UsageError, Vetoed
from borg_cluster.sweep import sweep_own
from borg_cluster.upkeep import check, compact, prune
from borg_cluster.upkeep.around import fail
from borg_cluster.upkeep.rebuild import rebuild_if_lost

_VERB = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How a run ended, for its summary.

    ``jobs`` all of the configuration with whether they were due; ``changes`` what became of the cluster's VMs since the last run;
    ``failed`` what failed, by name, each with its reason.
    """

    run_id: str
    jobs: tuple[tuple[str, Due], ...]
    done: int
    warnings: int
    failed: tuple[tuple[str, str], ...]
    changes: tuple[Change, ...]
    exit_code: ExitCode


@dataclass(slots=True)
class _Watch:
    """What happened so far, heard on its way out."""

    emit: Callable[[Event], None]
    done: int = 0
    warnings: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    unopened: set[str] = field(default_factory=set)
    """Labels of repositories that did not open."""

    def __call__(self, event: Event) -> None:
        match event:
            case ArchiveFinished(warnings=warnings) | Verified(warnings=warnings):
                self.done += 1
                self.warnings += len(warnings)
            case Pruned() | Compacted() | Checked() | Booted():
                self.done += 1
            case ArchiveFailed(subject=subject, name=name, reason=reason):
                self.failed.append((name, reason))
                self.held[subject] = f"its archive failed in this run: {reason}"
            case UpkeepFailed(action=action, subject=subject, reason=reason):
                self.failed.append((subject, f"{action}: {reason}"))
            case NodeFailed() | Warned():
                self.warnings += 1
            case _:
                pass
        self.emit(event)

    @property
    def exit_code(self) -> ExitCode:
        if self.failed:
            return ExitCode.SOME_FAILED if self.done else ExitCode.ALL_FAILED
        return ExitCode.WARNINGS if self.warnings else ExitCode.FINE


def run(context: Context, *, run_id: str, seed: int, jobs: tuple[str, ...] = ()) -> RunOutcome:
    """Do what is due; ``jobs`` that are named are due. ``seed`` chooses the VM of the checks 'extract' and 'boot'.

    Raises UsageError for an unknown job, and before anything is started AlreadyRunning, or Vetoed by a plugin.
    """
    began = context.clock()
    watch = _Watch(context.emit)
    context = replace(context, emit=watch)
    rebuild_if_lost(context)
    due = _due(context, jobs, began)
    chosen = tuple(job for job, found in due if found.due)
    created = _create(context, watch, chosen, run_id=run_id) if chosen else _sweep(context)
    labels = _labels(context, jobs, watch)
    if labels:
        if created:
            prune(context, repositories=labels, held=watch.held)
        compact(context, repositories=labels)
        check(context, seed=seed, repositories=labels)
    return _finish(context, watch, due, run_id=run_id, began=began)


def _due(context: Context, names: tuple[str, ...], now: datetime) -> tuple[tuple[Job, Due], ...]:
    """Return the jobs that are meant, each with whether it is due."""
    known = {job.name: job for job in context.policy.jobs}
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise UsageError(f"the configuration has no job {unknown}", hint=f"the jobs are: {', '.join(known) or 'none'}")
    if names:
        return tuple((job, Due(due=True, reason="it was asked for")) for job in context.policy.jobs if job.name in names)
    last: dict[str, datetime] = {}
    for attempt in context.catalog.attempts(context.policy.cluster):
        if attempt.state is AttemptState.DONE:
            last[attempt.job] = max(
                datetime.fromisoformat(attempt.at), last.get(attempt.job, datetime.min.replace(tzinfo=now.tzinfo))
            )
    return due_jobs(context.policy.jobs, last, now)


def _sweep(context: Context) -> bool:
    """End what a dead run left though no job is due tonight; return that nothing is known to have failed."""
    try:
        sweep_own(context)
    except BorgClusterError as error:
        message = f"what a dead run left could not be ended: {error.message}"
        context.emit(Warned(subject=context.policy.cluster, message=message, hint=error.hint))
    return True


def _labels(context: Context, jobs: tuple[str, ...], watch: _Watch) -> tuple[str, ...]:
    """Return the repositories to look after: those of the named jobs (none: all), less those that did not open."""
    wanted = {label for job in context.policy.jobs if not jobs or job.name in jobs for label in job.labels}
    return tuple(one.label for one in context.policy.repositories if one.label in wanted - watch.unopened)


def _create(context: Context, watch: _Watch, jobs: tuple[Job, ...], *, run_id: str) -> bool:
    """Make the archives; return whether that was begun at all: if not, nothing is known of what would have failed."""
    try:
        inventory = current_inventory(context)
        plan = plan_backup(
            inventory,
            context.policy,
            jobs=tuple(job.name for job in jobs),
            good=context.catalog.good_archives(context.policy.cluster, context.clock()),
            at=context.clock(),
            run_id=run_id,
            remembered=context.catalog.remembered(context.policy.cluster),
        )
        try:
            watch.unopened |= set(create(context, plan, inventory).unopened)
        except RepositoryRefused as error:
            watch.unopened |= {archive.repository for archive in plan.archives}
            _refuse_all(context, plan, error)
    except (UsageError, AlreadyRunning, Vetoed):
        raise
    except BorgClusterError as error:
        fail(context, "create", context.policy.cluster, error)
        return False
    return True


def _refuse_all(context: Context, plan: BackupPlan, error: RepositoryRefused) -> None:
    """Tell of each archive that there is none, since no repository opens: what is due otherwise is done all the same."""
    for archive in plan.archives:
        context.emit(
            ArchiveFailed(
                job=archive.job,
                subject=archive.subject,
                name=archive.name,
                reason=error.message,
                hint=error.hint,
                refused=True,
            )
        )


def _finish(context: Context, watch: _Watch, due: tuple[tuple[Job, Due], ...], *, run_id: str, began: datetime) -> RunOutcome:
    cluster = context.policy.cluster
    before = [datetime.fromisoformat(one.started_at) for one in context.catalog.runs(cluster) if one.verb == _VERB]
    since = max((at for at in before if at <= began), default=None)  # the clock may have been wrong
    context.catalog.record_run(
        Run(
            run_id=run_id,
            cluster=cluster,
            verb=_VERB,
            started_at=began.isoformat(),
            finished_at=context.clock().isoformat(),
            exit_code=watch.exit_code,
            done=watch.done,
            failed=len(watch.failed),
            warnings=watch.warnings,
        )
    )
    changes = context.catalog.history(cluster)
    return RunOutcome(
        run_id=run_id,
        jobs=tuple((job.name, found) for job, found in due),
        done=watch.done,
        warnings=watch.warnings,
        failed=tuple(watch.failed),
        changes=() if since is None else tuple(one for one in changes if datetime.fromisoformat(one.at) >= since),
        exit_code=watch.exit_code,
    )
