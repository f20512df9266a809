"""Verb: what is due tonight: create, prune, compact, check, in this order.

What fails takes nothing else with it: a repository that does not open costs its own archives, a cluster that does not answer
costs the archives but not the checks. Nothing is pruned of a VM whose archive failed tonight.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from borg_cluster.boot import sweep as sweep_boots
from borg_cluster.catalog import AttemptState, Run
from borg_cluster.context import Context
from borg_cluster.core.event import ArchiveFailed, Warned
from borg_cluster.core.followed import FollowedChange, follow
from borg_cluster.core.history import Change
from borg_cluster.core.planned import BackupPlan, PlannedArchive, Skipped
from borg_cluster.core.policy import Job, JobKind, Policy
from borg_cluster.core.schedule import Due, due_jobs
from borg_cluster.create import create
from borg_cluster.discover import discover
from borg_cluster.errors import AlreadyRunning, BorgClusterError, ExitCode, RepositoryRefused, UsageError, Vetoed
from borg_cluster.leftovers import tell_unlisted
from borg_cluster.planning import make_plan
from borg_cluster.run_watch import JobCount, Watch
from borg_cluster.sweep import sweep, sweep_own
from borg_cluster.upkeep import check, compact, prune
from borg_cluster.upkeep.around import fail
from borg_cluster.upkeep.rebuild import rebuild_if_lost

_VERB = "run"
_LOOK = "discover"
"""The verb of a run that only asked the cluster: what changed since a backup is told by the next backup."""
_NO_REPOSITORY = ""
"""Where the catalog keeps when a job that needs no repository last went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """A job of the configuration: whether it was due, and what it made. ``read`` and ``stored`` are bytes."""

    name: str
    due: Due
    done: int
    failed: int
    read: int
    stored: int
    looked: bool
    """It asked the cluster, and makes no archives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """How a run ended, for its summary.

    ``jobs`` all of the configuration; ``changes`` what became of the cluster's VMs since the run before (``since``), and what was
    done about it; ``failed`` what failed, by name, each with its reason.
    """

    run_id: str
    cluster: str
    began: datetime
    ended: datetime
    since: datetime | None
    jobs: tuple[JobOutcome, ...]
    done: int
    warnings: int
    retries: int
    failed: tuple[tuple[str, str], ...]
    changes: tuple[FollowedChange, ...]
    exit_code: ExitCode


def run(context: Context, *, run_id: str, seed: int, jobs: tuple[str, ...] = (), checks: bool = True) -> RunOutcome:
    """Do what is due; ``jobs`` that are named are due. ``seed`` chooses the VM of the checks 'extract' and 'boot'.

    Without ``checks`` none is made; they stay due.
    Raises UsageError for an unknown job, and before anything is started AlreadyRunning, or Vetoed by a plugin.
    """
    began = context.clock()
    watch = Watch(context.emit)
    context = replace(context, emit=watch)
    rebuild_if_lost(context)
    due = _due(context, jobs, began)
    chosen = tuple(job for job, found in due if found.due)
    looks = tuple(job for job in chosen if job.kind is JobKind.DISCOVERY)
    archived = tuple(job for job in chosen if job.kind is not JobKind.DISCOVERY)
    sweep_boots(context)
    _look(context, watch, looks)
    created = _create(context, watch, archived, run_id=run_id) if archived else bool(looks) or _sweep(context)
    labels = _labels(context, jobs, watch)
    if labels:
        if created:
            prune(context, repositories=labels, held=watch.held)
        compact(context, repositories=labels)
        if checks:
            check(context, seed=seed, repositories=labels)
    return _finish(context, watch, due, run_id=run_id, began=began)


def _due(context: Context, names: tuple[str, ...], now: datetime) -> tuple[tuple[Job, Due], ...]:
    """Return the jobs that are meant, each with whether it is due."""
    if not context.policy.jobs:
        raise UsageError("the configuration has no job, so nothing is ever backed up", hint="jobs: says what; see README.md")
    known = {job.name: job for job in context.policy.jobs}
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None:
        raise UsageError(f"the configuration has no job {unknown}", hint=f"the jobs are: {', '.join(known) or 'none'}")
    if names:
        return tuple((job, Due(due=True, reason="it was asked for")) for job in context.policy.jobs if job.name in names)
    last = dict(context.catalog.upkeep(context.policy.cluster, _NO_REPOSITORY))
    for attempt in context.catalog.attempts(context.policy.cluster):
        if attempt.state is AttemptState.DONE:
            last[attempt.job] = max(
                datetime.fromisoformat(attempt.at), last.get(attempt.job, datetime.min.replace(tzinfo=now.tzinfo))
            )
    return due_jobs(context.policy.jobs, last, now)


def only_looks(policy: Policy, names: tuple[str, ...]) -> bool:
    """Return whether all jobs that are named only ask the cluster: then this is no backup run, and nobody is told of one."""
    kinds = {job.kind for job in policy.jobs if job.name in names}
    return kinds == {JobKind.DISCOVERY}


def _look(context: Context, watch: Watch, jobs: tuple[Job, ...]) -> None:
    """Ask the cluster for the jobs of that kind, once; what dead runs left is ended, as by `discover`."""
    if not jobs:
        return
    began = context.clock()
    try:
        sweep(context, discover(context, because=f"the job {jobs[0].name} is due"))
    except BorgClusterError as error:
        fail(context, "discover", jobs[0].name, error)
        return
    for job in jobs:
        watch.looked(job.name)
        context.catalog.record_upkeep(context.policy.cluster, _NO_REPOSITORY, job.name, began)


def _sweep(context: Context) -> bool:
    """End what a dead run left though no job is due tonight; return that nothing is known to have failed."""
    try:
        sweep_own(context)
    except BorgClusterError as error:
        message = f"what a dead run left could not be ended: {error.message}"
        context.emit(Warned(subject=context.policy.cluster, message=message, hint=error.hint))
    return True


def _labels(context: Context, jobs: tuple[str, ...], watch: Watch) -> tuple[str, ...]:
    """Return the repositories to look after: those of the named jobs (none: all), less those that did not open."""
    wanted = {label for job in context.policy.jobs if not jobs or job.name in jobs for label in job.labels}
    return tuple(one.label for one in context.policy.repositories if one.label in wanted - watch.unopened)


def _create(context: Context, watch: Watch, jobs: tuple[Job, ...], *, run_id: str) -> bool:
    """Make the archives; return whether that was begun at all: if not, nothing is known of what would have failed."""
    try:
        plan, inventory = make_plan(context, tuple(job.name for job in jobs), run_id=run_id)
        tell_unlisted(context, inventory)
        watch.skipped = plan.skipped
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
    lost: list[tuple[PlannedArchive | Skipped, str, str | None]] = [(one, error.message, error.hint) for one in plan.archives]
    refused: list[tuple[PlannedArchive | Skipped, str, str | None]] = [
        (one, one.reason, None) for one in plan.skipped if one.refused
    ]
    for one, reason, hint in (*refused, *lost):
        context.emit(ArchiveFailed(job=one.job, subject=one.subject, name=one.name, reason=reason, hint=hint, refused=True))


def _finish(context: Context, watch: Watch, due: tuple[tuple[Job, Due], ...], *, run_id: str, began: datetime) -> RunOutcome:
    cluster = context.policy.cluster
    last = _last(context, began)
    changes = () if last is None else _changes_since(context, last)
    ended = context.clock()
    backup = any(found.due and job.kind is not JobKind.DISCOVERY for job, found in due)
    context.catalog.record_run(
        Run(
            run_id=run_id,
            cluster=cluster,
            verb=_VERB if backup or not due else _LOOK,
            started_at=began.isoformat(),
            finished_at=ended.isoformat(),
            exit_code=watch.exit_code,
            done=watch.done,
            failed=len(watch.failed),
            warnings=watch.warnings,
            retries=watch.retries,
            told=context.catalog.newest_change(cluster),
        )
    )
    return RunOutcome(
        run_id=run_id,
        cluster=cluster,
        began=began,
        ended=ended,
        since=None if last is None else datetime.fromisoformat(last.started_at),
        jobs=tuple(_job_outcome(job, found, watch) for job, found in due),
        done=watch.done,
        warnings=watch.warnings,
        retries=watch.retries,
        failed=tuple(watch.failed),
        changes=follow(changes, watch.ended),
        exit_code=watch.exit_code,
    )


def _last(context: Context, now: datetime) -> Run | None:
    """Return the newest backup run before this one; one of the future is none: the clock was wrong then."""
    runs = [one for one in context.catalog.runs(context.policy.cluster) if one.verb == _VERB]
    return next((one for one in reversed(runs) if datetime.fromisoformat(one.started_at) <= now), None)


def _changes_since(context: Context, last: Run) -> tuple[Change, ...]:
    """Return what a run could not tell of yet."""
    if last.told is not None:
        return context.catalog.changes_after(context.policy.cluster, last.told)
    since = datetime.fromisoformat(last.finished_at)  # of a version that kept no numbers, or found again by its archives
    return tuple(one for one in context.catalog.history(context.policy.cluster) if datetime.fromisoformat(one.at) >= since)


def _job_outcome(job: Job, due: Due, watch: Watch) -> JobOutcome:
    count = watch.jobs.get(job.name, JobCount())
    return JobOutcome(
        name=job.name,
        due=due,
        done=count.done,
        failed=count.failed,
        read=count.read,
        stored=count.stored,
        looked=job.kind is JobKind.DISCOVERY,
    )
