"""What dead runs left on a cluster, and its end: at the next start of a command that works on it (see ``leftovers``).

A run's record on this machine tells what it holds; the record's lock ends with its process, so a record that can be locked is a
dead run's. A snapshot with our mark but without a record (another machine's, or of a lost state directory) is ended only by
whoever gets the claim on its VM: a run that is alive, here or elsewhere, holds the claim as long as it holds the snapshot.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from uuid import uuid4

from borg_cluster.context import Context
from borg_cluster.core.event import Noted, Warned
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import RECOVERY, Inventory, VirtualMachine, run_of_mark
from borg_cluster.discover import discover
from borg_cluster.errors import BorgClusterError, Claimed, CommandMissing
from borg_cluster.run_record import RunRecord
from borg_cluster.snapshot import Freezer
from borg_cluster.whereabouts import claimed, release

_MOST_NAMED = 5
_PURPOSE = "sweep of what a dead run left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something that a dead run may have left. ``subject`` a VM's id or a repository's label; ``ended_by`` who ends it."""

    subject: str
    message: str
    ended_by: str


def sweep(context: Context, inventory: Inventory) -> Inventory:
    """End what dead runs left and return the inventory that holds now: a new one if anything was ended.

    Whatever can't be ended is left to the next time, with a warning. Raises ClusterUnreachable.
    """

    def warn(subject: str, message: str) -> None:
        context.emit(Warned(subject=subject, message=message, hint=None))

    with ExitStack() as stack:
        dead = RunRecord.adopt(context.state, cluster=context.policy.cluster)
        for record in dead:
            stack.callback(record.close)
        own = RunRecord.begin(context.state, cluster=context.policy.cluster, run_id=f"sweep {uuid4()}")
        stack.callback(own.close)
        freezer = Freezer(context, record=own, inventory=lambda: inventory, warn=warn)
        ended = sweep_at_start(context, own, dead, freezer=freezer, inventory=lambda: inventory, planned=frozenset())
    return discover(context, because="what a dead run left was ended") if ended else inventory


def sweep_own(context: Context) -> None:
    """End what dead runs of this machine left, if any did; else nothing is asked of the cluster. Raises ClusterUnreachable."""
    dead = RunRecord.adopt(context.state, cluster=context.policy.cluster)
    died = any(record.snapshots or record.claims for record in dead)
    for record in dead:
        record.close()
    if died:
        sweep(context, discover(context, because="a run died and left something on the cluster"))


def sweep_at_start(
    context: Context,
    record: RunRecord,
    dead: tuple[RunRecord, ...],
    *,
    freezer: Freezer,
    inventory: Callable[[], Inventory],
    planned: frozenset[str],
) -> bool:
    """End what dead runs left, for a run that has its ``record`` already; return whether there was any snapshot.

    ``dead`` are the records that it took over; ``freezer`` takes up leaves that should be gone and are still there; ``planned``
    are VMs of which it sees to marks itself, once it has their claims. What this login may not end is told in one line.
    """
    stays = _Stays()
    ended = [_sweep_record(context, one, freezer, inventory, stays) for one in dead]
    living = RunRecord.living(context.state, cluster=context.policy.cluster, but=(record, *dead))
    without = planned | living | stays.vms.keys()
    ended.append(_sweep_marks(context, record, freezer, inventory(), stays, without=without))
    if stays.error is not None:
        context.emit(Warned(subject=context.policy.cluster, message=stays.message, hint=_NOT_BY_THIS_LOGIN))
    return any(ended)


_NOT_BY_THIS_LOGIN = "let a login with the role Backup run discover (README: Least privilege), or install the module again"


@dataclass(slots=True)
class _Stays:
    """What can't be ended since the endpoint has no command for it: VMs by id, with their names."""

    vms: dict[str, str] = field(default_factory=dict)
    error: CommandMissing | None = None

    def add(self, vm_id: str, name: str, error: CommandMissing) -> None:
        self.vms[vm_id] = name
        self.error = self.error or error

    @property
    def message(self) -> str:
        names = tuple(self.vms.values())
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        why = "" if self.error is None else self.error.message
        return one_line(f"recovery snapshots that dead runs left stay ({', '.join(names[:_MOST_NAMED])}{more}): {why}")


def _sweep_record(context: Context, dead: RunRecord, freezer: Freezer, inventory: Callable[[], Inventory], stays: _Stays) -> bool:
    """End the snapshots and release the claims of one dead run."""
    ended = False
    for held in tuple(dead.snapshots):
        if _is_gone(held.vm_id, inventory()):
            dead.drop_snapshot(held)
            message = f"{held.name} is gone from the cluster, and with it the snapshot that a dead run left on it"
            context.emit(Warned(subject=held.vm_id, message=message, hint=None))
            continue
        try:
            freezer.for_record(dead).sweep(held)
        except CommandMissing as error:
            stays.add(held.vm_id, held.name, error)
        else:
            ended = True
    for claim in (one for one in tuple(dead.claims) if one.vm_id not in stays.vms):
        release(context, dead, claim, inventory=inventory())
    return ended


def _sweep_marks(
    context: Context, record: RunRecord, freezer: Freezer, inventory: Inventory, stays: _Stays, *, without: frozenset[str]
) -> bool:
    """End snapshots with our mark that no record tells of, each under the claim on its VM.

    One whose VM is claimed by a run that may be alive stays; the VMs ``without`` are not looked at.
    """
    ended = False
    for vm, run_id in marked(inventory, without=without):
        try:
            with claimed(context, record, vm, inventory=inventory, purpose=_PURPOSE):
                ended |= freezer.clear(vm)
        except CommandMissing as error:
            stays.add(vm.id, vm.name, error)
        except Claimed as error:
            message = f"the recovery snapshot of run {run_id} on {vm.name} stays: {error.message}"
            context.emit(Noted(subject=vm.id, message=message))
        except BorgClusterError as error:
            message = f"the recovery snapshot that run {run_id} left on {vm.name} could not be ended: {error.message}"
            context.emit(Warned(subject=vm.id, message=message, hint=error.hint))
    return ended


def marked(inventory: Inventory, *, without: frozenset[str] = frozenset()) -> tuple[tuple[VirtualMachine, str], ...]:
    """Return the VMs with a recovery snapshot of ours and the run that made it, but for those of the VMs ``without``."""
    found = ((vm, run_of_mark(one.name)) for vm in inventory.virtual_machines for one in vm.checkpoints if one.type == RECOVERY)
    return tuple((vm, run_id) for vm, run_id in found if run_id is not None and vm.id not in without)


def leftovers(context: Context, inventory: Inventory | None) -> tuple[Leftover, ...]:
    """Return what runs that are dead, or not of this machine, hold. Asks no node, and changes nothing."""
    found: list[Leftover] = []
    told: set[str] = set()
    names = {vm.id: vm.name for vm in inventory.virtual_machines} if inventory else {}
    dead = RunRecord.adopt(context.state, cluster=context.policy.cluster)
    alive = RunRecord.living(context.state, cluster=context.policy.cluster, but=dead)
    for record in dead:
        found += _of_record(record, names)
        told |= {held.vm_id for held in record.snapshots}
        record.close()
    for vm, run_id in () if inventory is None else marked(inventory):
        if vm.id not in told and vm.id not in alive:
            message = f"{vm.name} has a recovery snapshot of run {run_id}, which is no run of this machine that is alive"
            found.append(Leftover(subject=vm.id, message=message, ended_by=NEXT))
    return tuple(found)


NEXT = "the next discover, create or run ends it"


def _of_record(record: RunRecord, names: dict[str, str]) -> Iterator[Leftover]:
    for held in record.snapshots:
        message = f"the recovery snapshot of {held.name}, of run {held.run_id}, which died"
        yield Leftover(subject=held.vm_id, message=message, ended_by=NEXT)
    for claim in record.claims:
        message = f"the claim on {names.get(claim.vm_id, claim.vm_id)}, of a run that died"
        yield Leftover(subject=claim.vm_id, message=message, ended_by=NEXT)
    for one in record.unfinished:
        message = f"{one.archive} in {one.repository}, which was never finished"
        yield Leftover(subject=one.repository, message=message, ended_by="the next good archive of it removes it")


def _is_gone(vm_id: str, inventory: Inventory) -> bool:
    """Return whether a VM is certainly no more: every node was asked, and none has it."""
    return not inventory.unanswered and all(vm.id != vm_id for vm in inventory.virtual_machines)
