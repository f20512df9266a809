"""What can become of a restore that was begun: it goes on, is taken back, or its old VM is released; by hand, or by itself."""

from collections.abc import Callable
from dataclasses import replace

from borg_cluster import journal
from borg_cluster.context import Context
from borg_cluster.core import event
from borg_cluster.core.finding import one_line
from borg_cluster.core.progress import Noted, Progress, Turned, advance
from borg_cluster.core.restore_plan import RestorePlan, plan_release, plan_undo
from borg_cluster.discover import ask_any
from borg_cluster.errors import BorgClusterError, CommandFailed, Refused, RestoreStopped
from borg_cluster.extract.beside import bring_up_to_date
from borg_cluster.extract.claiming import HOLDERS, holders
from borg_cluster.extract.signals import keep_signals
from borg_cluster.extract.walk import Walk

Rollback = Callable[[RestoreStopped], bool]
"""Decides whether the old VM is put back when the new one does not come up."""

_LIST = "borg-cluster restores"
_FIRST_BOOT = frozenset({"Start", "Confirm"})


def never(_: RestoreStopped) -> bool:
    """Leave everything as it is, to be looked at."""
    return False


def resume(context: Context, restore_id: str, *, rollback: Rollback = never, take_over: bool = False) -> Progress:
    """Go on with whatever was interrupted: a restore, its undo, its release. Raises as ``restore``.

    ``take_over``: whoever holds it is dead, says the user; otherwise that must be certain.
    """
    bring_up_to_date(context, restore_id)
    with journal.hold(context.state, restore_id) as held:
        if held.progress.outcome is not None:
            raise Refused(f"the restore {restore_id} is over: {held.progress.outcome}", hint=_LIST)
        known = _declare_dead(context, held) if take_over else held
        return walk_to_end(context, known, rollback=rollback)


def undo(context: Context, restore_id: str, *, take_over: bool = False) -> Progress:
    """Put back what was there before a restore: the old VM, its configuration, disks, role and settings; go on with an undo.

    What the new VM has written since goes with it. ``take_over`` as in ``resume``. Raises as ``restore``.
    """
    bring_up_to_date(context, restore_id)
    with journal.hold(context.state, restore_id) as held:
        held = _declare_dead(context, held) if take_over else held  # noqa: PLW2901 - the same journal, knowing more
        progress = held.progress
        if progress.purpose == "undo" and progress.outcome is None:
            return walk_to_end(context, held)
        if not progress.can_undo or progress.purpose == "undo":
            over = f"it is {progress.outcome} already" if progress.outcome else "the old virtual machine is being deleted"
            raise Refused(f"the restore {restore_id} can't be undone: {over}", hint=_LIST)
        _refuse_older(context, progress)
        return walk_to_end(context, held, _turned(context, progress))


def release(context: Context, restore_id: str, *, now: bool = False) -> Progress:
    """Delete the old VM that a finished restore has parked; there is no way back from that. Raises as ``restore``.

    ``now``: though it was not kept for as long as the configuration says.
    """
    bring_up_to_date(context, restore_id)
    with journal.hold(context.state, restore_id) as held:
        progress = held.progress
        if progress.purpose == "release" and progress.outcome is None:
            return walk_to_end(context, held)
        until = progress.parked_until(context.policy.keep_parked)
        if progress.purpose != "restore" or until is None:
            state = progress.outcome or "not finished"
            raise Refused(f"the restore {restore_id} has nothing to release: it is {state}", hint=_LIST)
        if not now and context.clock() < until:
            kept = until.isoformat(sep=" ", timespec="minutes")
            raise Refused(
                one_line(f"the old {progress.plan.name} is kept until {kept}"),
                hint=f"borg-cluster release {restore_id} --now deletes it already; there is no undo after that",
                kept_until=until.isoformat(),
            )
        turned = Turned(purpose="release", steps=plan_release(progress.plan), at=context.clock().isoformat())
        return walk_to_end(context, held, turned)


def release_due(context: Context) -> None:
    """Release what was kept for long enough, if the configuration says so; what can't be is a warning, and tried again."""
    if not context.policy.release_when_due:
        return
    for progress in journal.restores(context.state):
        until = progress.parked_until(context.policy.keep_parked)
        if progress.plan.manifest.cluster != context.policy.cluster or until is None or context.clock() < until:
            continue
        restore_id = progress.plan.source.restore_id
        try:
            release(context, restore_id)
        except BorgClusterError as error:
            message = one_line(f"the parked old {progress.plan.name} could not be released: {error.message}")
            context.emit(event.Warned(subject=progress.plan.vm_id, message=message, hint=error.hint))


def walk_to_end(
    context: Context, held: journal.OpenJournal, turned: Turned | None = None, *, rollback: Rollback = never
) -> Progress:
    """Walk a restore to its end; if the new VM does not come up and ``rollback`` says so, put the old one back."""
    with keep_signals() as signals, context.bridge.kept_sessions():
        walked = Walk(context, held, signals)
        if turned is not None:
            walked.turn(turned)
        try:
            walked.run()
        except RestoreStopped as error:
            if not _does_not_come_up(walked.progress, error) or not rollback(error):
                raise
            _roll_back(context, walked, error)
    return walked.progress


def _does_not_come_up(progress: Progress, error: RestoreStopped) -> bool:
    """Whether the new VM was seen to fail at its first boot, and there is an old one to be put back."""
    seen = isinstance(error.__cause__, CommandFailed | RestoreStopped) and error.fields.get("step") in _FIRST_BOOT
    return seen and progress.purpose == "restore" and progress.can_undo and progress.plan.expected is not None


def _roll_back(context: Context, walked: Walk, error: RestoreStopped) -> None:
    name = walked.progress.plan.name
    message = one_line(f"the restored {name} does not come up, the old one is put back: {error.message}")
    context.emit(event.Warned(subject=walked.progress.plan.vm_id, message=message, hint=None))
    walked.turn(_turned(context, walked.progress))
    walked.run()
    fields = {**error.fields, "rolled_back": True}
    raise RestoreStopped(one_line(f"the old {name} is back: {error.message}"), hint=_LIST, **fields) from error


def _declare_dead(context: Context, held: journal.OpenJournal) -> journal.OpenJournal:
    """Note that whoever holds the claim of this restore is dead; return the journal with that."""
    progress = held.progress
    found = ask_any(
        context, lambda node: context.bridge.get_claim(node, vm_id=progress.claimed_id, folder=progress.plan.claim_folder)
    )
    if found.holder is None or found.claim_id != progress.plan.source.restore_id:
        return held
    noted = Noted(fact=HOLDERS, value=[*holders(progress.facts), found.holder], at=context.clock().isoformat())
    held.append(noted)
    return replace(held, progress=advance(progress, noted))


def _turned(context: Context, progress: Progress) -> Turned:
    return Turned(purpose="undo", steps=plan_undo(progress.plan, progress.begun), at=context.clock().isoformat())


def newer_restore(known: tuple[Progress, ...], progress: Progress) -> str | None:
    """Return the id of a later restore of the same VM that stands: an undo takes away the VM that is there now, its one first.

    ``known``: all restores, oldest first.
    """
    ids = [one.plan.source.restore_id for one in known]
    if progress.plan.source.restore_id not in ids:
        return None
    for newer in known[ids.index(progress.plan.source.restore_id) + 1 :]:
        same = newer.plan.vm_id == progress.plan.vm_id and not is_beside(newer.plan, progress.plan)
        if same and newer.outcome not in {"undone", "refused"}:
            return newer.plan.source.restore_id
    return None


def is_beside(one: RestorePlan, other: RestorePlan) -> bool:
    """Return whether two restores of one VM don't meet, since one of them makes a copy."""
    return one.request.is_copy or other.request.is_copy


def _refuse_older(context: Context, progress: Progress) -> None:
    restore_id = newer_restore(journal.restores(context.state), progress)
    if restore_id is not None:
        message = one_line(f"{progress.plan.name} was restored again since: {restore_id}")
        raise Refused(message, hint=f"borg-cluster undo {restore_id}")
