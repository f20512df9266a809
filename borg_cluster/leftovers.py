"""What died and left something on the cluster, and its end: at the next start of any command that works on the cluster.

A run that died leaves recovery snapshots and claims (``sweep``), a boot proof its copy (``boot``).

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

from borg_cluster import boot, sweep
from borg_cluster.context import Context
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory
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
    return (*sweep.leftovers(context, inventory), *_proofs(context))


def _proofs(context: Context) -> Iterator[Leftover]:
    try:
        for one in boot.dead(context):
            message = one_line(f"the copy {one.plan.name} of a boot proof that died")
            yield Leftover(subject=one.plan.vm_id, message=message, ended_by=sweep.NEXT)
    except BorgClusterError as error:  # a damaged journal
        message = f"whether a dead boot proof left a copy can't be told: {error.message}"
        yield Leftover(subject=context.policy.cluster, message=message, ended_by=error.hint or "borg-cluster restores")
