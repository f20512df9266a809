"""What died and left something on the cluster, and its end: at the next start of any command that works on the cluster.

A run that died leaves recovery snapshots and claims (``sweep``), a boot proof its copy (``boot``). A restore that stopped in the
middle is told of, and never ended by itself.

================================================  ===========================================================================
command                                           what it does about leftovers
================================================  ===========================================================================
run, create, discover, snapshot open              ends them, waits for the merges and says so, then goes on with a fresh look
extract, resume, undo, release, verify --boot     the same, before anything of a VM is touched
check                                             ends what boot proofs left, since it may begin one
plan, doctor, status                              only tell of them: they never change anything
list, info, diff, verify, prune, compact,         nothing: they ask no node
mount, export-tar, extract --to, history ...
================================================  ===========================================================================
"""

from collections.abc import Iterator
from contextlib import suppress

from borg_cluster import boot, journal, sweep
from borg_cluster.context import Context
from borg_cluster.core.event import Warned
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.progress import Progress
from borg_cluster.discover import discover
from borg_cluster.errors import BorgClusterError
from borg_cluster.sweep import Leftover


def end(context: Context, inventory: Inventory) -> Inventory:
    """End all that was left and return the inventory that holds now: a new one if anything was ended.

    Whatever can't be ended is left to the next time, with a warning. Raises ClusterUnreachable.
    """
    if boot.sweep(context):
        inventory = discover(context, because="the copy of a dead boot proof was removed")
    return sweep.sweep(context, inventory)


def end_own(context: Context, *, but: str | None = None) -> None:
    """End what died on this machine; if nothing did, no node is asked. Raises ClusterUnreachable.

    ``but``: the id of a restore that is taken up or back by hand now.
    """
    boot.sweep(context, but=but)
    sweep.sweep_own(context)


def told(context: Context, inventory: Inventory | None) -> tuple[Leftover, ...]:
    """Return what is left, for people. Asks no node, and changes nothing."""
    return (*sweep.leftovers(context, inventory), *restores(context), *_proofs(context))


def restores(context: Context) -> tuple[Leftover, ...]:
    """Return the restores that stopped in the middle: none but a person can say how each shall end."""
    try:
        return tuple(_unfinished(one) for one in _open(context) if not _is_held(context, one))
    except BorgClusterError as error:  # a damaged journal
        message = f"whether a restore or a boot proof stopped in the middle can't be told: {error.message}"
        hint = error.hint or "borg-cluster restores"
        return (Leftover(subject=context.policy.cluster, message=message, ended_by=hint),)


def tell_unlisted(context: Context, inventory: Inventory) -> None:
    """Warn of VMs that a backup does not see, since a restore has them in hand and no node lists them: they have no archive."""
    listed = {vm.id for vm in inventory.virtual_machines}
    with suppress(BorgClusterError):  # a damaged journal, of which `restores` tells
        for one in _open(context):
            if one.plan.request.is_copy or one.plan.vm_id in listed:
                continue
            held = _is_held(context, one)
            state = "is being restored" if held else "was left in the middle of a restore"
            message = one_line(f"{one.plan.name} is not backed up: it {state}, and no node lists it")
            hint = "the next backup finds it again" if held else _unfinished(one).ended_by
            context.emit(Warned(subject=one.plan.vm_id, message=message, hint=hint))


def _open(context: Context) -> Iterator[Progress]:
    """Yield this cluster's restores that are not over, but for boot proofs."""
    proofs = {one.plan.source.restore_id for one in boot.leftovers(context)}
    for one in journal.restores(context.state):
        here = (one.plan.cluster or one.plan.manifest.cluster) == context.policy.cluster
        if here and one.outcome is None and one.plan.source.restore_id not in proofs:
            yield one


def _is_held(context: Context, progress: Progress) -> bool:
    return journal.is_held(context.state, progress.plan.source.restore_id)


def _unfinished(progress: Progress) -> Leftover:
    restore_id = progress.plan.source.restore_id
    again = f"borg-cluster {'undo' if progress.purpose == 'undo' else 'resume'} {restore_id}"
    back = f", or borg-cluster undo {restore_id}" if progress.purpose == "restore" and progress.can_undo else ""
    where = f" before {progress.next_step.kind}" if progress.next_step is not None else ""
    return Leftover(
        subject=progress.plan.vm_id,
        message=one_line(f"the {progress.purpose} of {progress.plan.name} stopped{where}"),
        ended_by=again + back,
    )


def _proofs(context: Context) -> tuple[Leftover, ...]:
    try:
        found = boot.dead(context)
    except BorgClusterError:
        return ()  # which is told already
    return tuple(
        Leftover(
            subject=one.plan.vm_id,
            message=one_line(f"the copy {one.plan.name} of a boot proof that died"),
            ended_by=sweep.NEXT,
        )
        for one in found
    )
