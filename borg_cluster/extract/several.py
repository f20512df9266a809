"""Several VMs in one go: planned on one inventory, restored one after the other in the order of their roles' priority."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from borg_cluster import extract
from borg_cluster.context import Context
from borg_cluster.core import event
from borg_cluster.core.finding import one_line
from borg_cluster.core.progress import Progress
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.discover import current_inventory
from borg_cluster.errors import BorgClusterError, Refused, RestoreStopped
from borg_cluster.extract.signals import Ended


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """One of several: what was asked for, its plan, how far it got, and what was wrong; each None until it is known."""

    request: RestoreRequest
    plan: RestorePlan | None = None
    progress: Progress | None = None
    error: BorgClusterError | None = None
    left_out: bool = False
    """Not begun, since another failed and that was to end it all."""

    @property
    def name(self) -> str:
        """The VM's name, or the word that was to name it."""
        return self.plan.name if self.plan is not None else self.request.vm


def plan_several(context: Context, requests: tuple[RestoreRequest, ...]) -> tuple[One, ...]:
    """Return a plan for each, or why there is none, in the order in which they are to be restored; nothing is changed.

    A role of high priority comes first, a VM without one after those; what can't be planned comes last.
    Raises ClusterUnreachable.
    """
    inventory = current_inventory(context, refresh=True, because="restores are planned on what is there now")
    ones: list[One] = []
    for request in requests:
        try:
            plan = extract.plan(context, request, inventory=inventory)
            if any(one.plan is not None and one.plan.vm_id == plan.vm_id for one in ones):
                raise Refused(one_line(f"{plan.name} is asked for twice"), hint="name it once")
        except BorgClusterError as error:
            ones.append(One(request=request, error=error))
        else:
            ones.append(One(request=request, plan=plan))
    return tuple(sorted(ones, key=_rank))


def restore_several(
    context: Context, ones: tuple[One, ...], *, fail_fast: bool, rollback: extract.Rollback = extract.never
) -> Iterator[One]:
    """Restore one after the other, and yield how each ended; one that fails stops the others only with ``fail_fast``.

    Raises RestoreStopped if a signal ended one: then no other is begun.
    """
    failed = False
    for one in ones:
        if failed and fail_fast:
            yield replace(one, left_out=one.error is None)
            continue
        ended = _restore(context, one, rollback)
        failed = failed or ended.error is not None
        yield ended


def _restore(context: Context, one: One, rollback: extract.Rollback) -> One:
    ended = one
    if one.plan is not None and one.error is None:
        try:
            ended = replace(one, progress=extract.restore(context, one.plan, rollback=rollback))
        except BorgClusterError as error:
            if isinstance(error, RestoreStopped) and isinstance(error.__cause__, Ended):
                raise
            ended = replace(one, error=error)
    if ended.error is not None:
        reason, hint = ended.error.message, ended.error.hint
        context.emit(event.UpkeepFailed(action="extract", subject=one_line(ended.name), reason=reason, hint=hint))
    return ended


def _rank(one: One) -> tuple[bool, bool, int, str]:
    plan = one.plan
    priority = plan.priority if plan is not None else None
    return (plan is None, priority is None, -(priority or 0), one.name.casefold())
