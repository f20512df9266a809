"""Verb: prune, compact, check. Repositories fail alone; what each did is an event."""

from collections.abc import Mapping

from borg_cluster.boot import boot_random
from borg_cluster.borg_upkeep import UpkeepBorg
from borg_cluster.catalog import Attempt, AttemptState
from borg_cluster.context import Context
from borg_cluster.core.event import Checked, Compacted, Pruned, Warned
from borg_cluster.core.policy import Check, CheckKind
from borg_cluster.core.retention import Candidate, Retained, retain
from borg_cluster.core.schedule import Due, DueCheck, due_checks, is_due
from borg_cluster.errors import BorgClusterError, BorgFailed
from borg_cluster.upkeep.around import choose, each_repository, fail, open_upkeep
from borg_cluster.upkeep.ours import look
from borg_cluster.verify import verify_random

__all__ = ["check", "choose", "compact", "open_upkeep", "prune"]

COMPACT = "compact"
"""Its name in the catalog, beside those of the checks."""


def prune(
    context: Context, *, repositories: tuple[str, ...] = (), dry_run: bool = False, held: Mapping[str, str] | None = None
) -> tuple[Retained, ...]:
    """Remove what the keep rules of each job no longer keep; return what was decided, a repository each.

    ``repositories`` are labels (none: all); ``held`` subjects of which nothing may go, with the reason, beside those whose newest
    run failed, was refused, never ended or is not known.
    """
    decided: list[Retained] = []

    def act(context: Context, borg: UpkeepBorg) -> None:
        found = look(context, borg)
        if found.awaiting:
            message = f"nothing is pruned in {borg.repository.label}: {found.awaiting[0]} still awaits its comparison"
            hint = f"if nobody writes it any more: borg delete {borg.repository.path}::{found.awaiting[0]}"
            context.emit(Warned(subject=borg.repository.label, message=message, hint=hint))
            return
        decided.append(_prune(context, borg, found.ours, held=held or {}, dry_run=dry_run))

    each_repository(context, "prune", repositories, act, hooks=not dry_run)
    return tuple(decided)


def _prune(
    context: Context, borg: UpkeepBorg, ours: tuple[Candidate, ...], *, held: Mapping[str, str], dry_run: bool
) -> Retained:
    began = context.clock()
    rules = {job.name: job.retention for job in context.policy.jobs}
    everything = _held(context, ours) | dict(held)
    retained = retain(ours, rules, began, held=everything)
    would = {decision.archive.archive for decision in retain(ours, rules, began).remove}
    remove = tuple(decision.archive.archive for decision in retained.remove)
    if remove and not dry_run:
        _remove(context, borg, remove)
    event = Pruned(
        repository=borg.repository.label,
        removed=remove,
        kept=len(retained.keep),
        held=len(would) - len(remove),
        seconds=(context.clock() - began).total_seconds(),
        dry_run=dry_run,
    )
    context.emit(event)
    return retained


def _remove(context: Context, borg: UpkeepBorg, archives: tuple[str, ...]) -> None:
    """Delete archives by name and look at what is there then: only what is gone leaves the catalog."""
    try:
        borg.delete_all(archives)
    finally:
        there = {archive.name for archive in borg.list_archives()}
        for archive in archives:
            if archive not in there:
                context.catalog.forget_archive(borg.repository.label, archive)
    left = there.intersection(archives)
    if left:
        raise BorgFailed(f"borg did not remove {min(left)}", return_code=0, msgid=None)


def _held(context: Context, ours: tuple[Candidate, ...]) -> dict[str, str]:
    """Return the subjects of which nothing may go, with the reason."""
    jobs = {job.name for job in context.policy.jobs}
    attempts: dict[str, list[Attempt]] = {}
    for attempt in context.catalog.attempts(context.policy.cluster):
        if attempt.job in jobs:
            attempts.setdefault(attempt.subject, []).append(attempt)
    reasons = {subject: _doubt(attempts.get(subject, [])) for subject in {archive.subject for archive in ours}}
    return {subject: reason for subject, reason in reasons.items() if reason is not None}


def _doubt(attempts: list[Attempt]) -> str | None:
    """Return why nothing of a subject may go: the newest attempt of each job must have ended well. None: it may."""
    if not attempts:
        return "no run of it is known; the next good archive lets go"
    bad = next((attempt for attempt in attempts if attempt.state is not AttemptState.DONE), None)
    if bad is None:
        return None
    ended = "has not ended" if bad.state is AttemptState.STARTED else f"{bad.state}: {bad.reason}"
    return f"its newest run by job {bad.job} {'' if bad.state is AttemptState.STARTED else 'was '}{ended}"


def compact(context: Context, *, repositories: tuple[str, ...] = (), force: bool = False) -> tuple[tuple[str, Due], ...]:
    """Free the space of removed archives where it's due (``force``: everywhere); return what was due, by label."""
    due: list[tuple[str, Due]] = []
    wanted = context.policy.compaction

    def act(context: Context, borg: UpkeepBorg) -> None:
        label, began = borg.repository.label, context.clock()
        found = is_due(wanted.frequency, context.catalog.upkeep(context.policy.cluster, label).get(COMPACT), began)
        found = Due(due=True, reason="it was asked for") if force else found
        due.append((label, found))
        if found.due:
            message = borg.compact(wanted.threshold)
            context.catalog.record_upkeep(context.policy.cluster, label, COMPACT, began)
            context.emit(Compacted(repository=label, message=message, seconds=(context.clock() - began).total_seconds()))

    each_repository(context, "compact", repositories, act)
    return tuple(due)


def check(
    context: Context,
    *,
    seed: int,
    repositories: tuple[str, ...] = (),
    only: tuple[CheckKind, ...] = (),
    force: bool = False,
) -> tuple[tuple[str, DueCheck], ...]:
    """Make the checks that are due in each repository; return all that were looked at, by label.

    ``seed`` chooses the VM of the checks 'extract' and 'boot'; ``only`` these kinds, configured or not; ``force``: whether due
    or not.
    """
    looked: list[tuple[str, DueCheck]] = []
    wanted = tuple(_configured(context, kind) for kind in only) or context.policy.checks

    def act(context: Context, borg: UpkeepBorg) -> None:
        label = borg.repository.label
        last = {} if force else context.catalog.upkeep(context.policy.cluster, label)
        for one in due_checks(wanted, last, context.clock()):
            looked.append((label, one))
            if one.due.due:
                _check(context, borg, one, seed=seed)

    each_repository(context, "check", repositories, act)
    return tuple(looked)


def _configured(context: Context, kind: CheckKind) -> Check:
    found = next((check for check in context.policy.checks if check.kind is kind), None)
    return found or Check(kind=kind, frequency=None)


def _check(context: Context, borg: UpkeepBorg, one: DueCheck, *, seed: int) -> None:
    """Make one check; a check that fails stops no other one, and stays due."""
    label, began = borg.repository.label, context.clock()
    try:
        if one.kind is CheckKind.EXTRACT:
            verify_random(context, label, seed=seed)
        elif one.kind is CheckKind.BOOT:
            boot_random(context, label, seed=seed)
        else:
            borg.check(one.kind)
    except (BorgClusterError, OSError) as error:
        fail(context, f"check {one.kind}", label, error)
        return
    for kind in (one.kind, *one.covers):
        context.catalog.record_upkeep(context.policy.cluster, label, kind, began)
    context.emit(Checked(repository=label, check=one.kind.value, seconds=(context.clock() - began).total_seconds()))
