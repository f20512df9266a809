"""Where a VM is now, and the claim on it: what a backup asks of the cluster before it reads a VM's files.

The inventory a plan was made of may be some minutes old. A VM that is not as it says is followed: discovery runs again, the VM is
planned anew from that, and the run goes on where it is now.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from threading import Lock
from typing import TypeVar
from uuid import uuid4

from borg_cluster import discover
from borg_cluster.bridge import Lost
from borg_cluster.claim_holder import is_dead, this_process
from borg_cluster.context import Context
from borg_cluster.core.backup_plan import consistency_of, plan_backup
from borg_cluster.core.event import Followed, Warned
from borg_cluster.core.inventory import Inventory, VirtualMachine, path_key
from borg_cluster.core.planned import BackupPlan, PlannedArchive
from borg_cluster.core.policy import locate, work_folder
from borg_cluster.core.retry import Fault
from borg_cluster.core.vm_state import ClaimState, RoleSetting, VMState
from borg_cluster.errors import BorgClusterError, Claimed, CommandFailed, CommandMissing, NotMapped, Refused
from borg_cluster.run_record import HeldClaim, RunRecord

T = TypeVar("T")
_ORPHANED = "checkpoint_orphaned"
"""How a VM looks whose disks are still being merged, too."""
_BACKUPS = ("backup", "sweep")
"""How the purposes of our claims begin that a dead process left for nothing. A restore's claim stays: it is to be resumed."""
_MOST_LOOKS = 3
"""So often a VM may move away between two looks before its backup gives up."""


class Whereabouts:
    """The VMs of one run: as the plan's inventory has them, or a newer one's after a contradiction. Several threads ask it."""

    def __init__(self, context: Context, plan: BackupPlan, inventory: Inventory) -> None:
        self.inventory = inventory
        self._context = context
        self._plan = plan
        self._planned_on = inventory
        self._lock = Lock()

    def find(self, planned: PlannedArchive) -> tuple[PlannedArchive, VirtualMachine]:
        """Return what to read of a VM and the VM, as it is now.

        Emits Followed if it is elsewhere. Raises Refused if it can't be saved as it is now, BorgClusterError if it is gone.
        """
        doubt = None
        for look in range(_MOST_LOOKS):
            known = self.inventory
            vm = next((vm for vm in known.virtual_machines if vm.id == planned.subject), None)
            if vm is None:
                raise BorgClusterError(f"{planned.name} is gone from the cluster", hint="borg-cluster history shows its past")
            now = self._plan_anew(planned)
            state = self._look(vm)
            doubt = _contradiction(vm, state, is_fresh=look > 0)
            if doubt is None and isinstance(state, VMState) and state.registration is not None:
                if vm.node != planned.node:
                    self._context.emit(Followed(subject=vm.id, name=vm.name, was=planned.node, now=vm.node))
                job = next(job for job in self._context.policy.jobs if job.name == planned.job)
                consistency, reason = consistency_of(state.registration.state, job.consistency)
                return replace(now, consistency=consistency, consistency_reason=reason), vm
            if look < _MOST_LOOKS - 1:
                self.look_again(str(doubt), known=known)
        raise BorgClusterError(f"{planned.name} can't be found: {doubt}", lost="unreachable")

    def look_again(self, because: str, *, known: Inventory | None = None) -> None:
        """Discover anew: what was known of the VMs is contradicted; unless ``known`` is no longer what holds."""
        with self._lock:
            if known is None or known is self.inventory:
                self.inventory = discover.current_inventory(self._context, refresh=True, because=because)

    def role_setting(self, vm: VirtualMachine) -> dict[str, object] | None:
        """Return the settings of a VM's role for its manifest, or None, with a warning, if no node tells them."""
        try:
            setting: RoleSetting = on_node(
                self._context, self.inventory, vm, lambda node: self._context.bridge.get_role_setting(node, vm_id=vm.id)
            )
        except BorgClusterError as error:
            message = f"the settings of the role of {vm.name} are not in its archive: {error.message}"
            self._context.emit(Warned(subject=vm.id, message=message, hint=error.hint))
            return None
        return dict(asdict(setting))

    def _plan_anew(self, planned: PlannedArchive) -> PlannedArchive:
        """Return the archive as it is planned on the inventory that holds now."""
        if self.inventory is self._planned_on:
            return planned
        at = datetime.fromisoformat(self._plan.at)
        policy = self._context.plugins.heed(self._context.policy, self.inventory)
        plan = plan_backup(self.inventory, policy, jobs=(planned.job,), good=(), at=at, run_id=self._plan.run_id)
        for archive in plan.archives:
            if archive.subject == planned.subject:
                return replace(archive, archive=planned.archive, repository=planned.repository)
        skipped = next((one for one in plan.skipped if one.subject == planned.subject), None)
        if skipped is None:
            raise Refused("the job no longer selects it")
        raise Refused(skipped.reason, fault=Fault.MERGING if skipped.code == _ORPHANED else None)

    def _look(self, vm: VirtualMachine) -> VMState | Lost:
        name = address(self.inventory, vm.node)
        if name is None:
            return Lost(node="", reason="failed", message=f"no node reports {vm.name}", hint=None)
        return self._context.bridge.get_vm_state(name, vm_id=vm.id)


def _contradiction(vm: VirtualMachine, state: VMState | Lost, *, is_fresh: bool) -> str | None:
    """Return in what a node's answer contradicts the inventory, or None; disks and role only if the inventory is an older one."""
    if isinstance(state, Lost):
        return f"{vm.node} does not answer: {state.message}"
    if state.registration is None:
        return f"{vm.name} is not on {vm.node}"
    if (state.role is not None) != vm.highly_available and not is_fresh:
        return f"{vm.name} is {'no longer' if vm.highly_available else 'now'} highly available"
    known = {path_key(disk.path) for disk in vm.disks if disk.path is not None and disk.disk_number is None}
    found = {path_key(path) for path in state.registration.disk_paths}
    if known != found and not is_fresh:
        return f"{vm.name} has other disks"
    return None


def on_node(context: Context, inventory: Inventory, vm: VirtualMachine, ask: Callable[[str], T | Lost]) -> T:
    """Return the answer of the VM's node, or of any other if that one is lost. Raises ClusterUnreachable or CommandFailed."""
    name = address(inventory, vm.node)
    answer = None if name is None else ask(name)
    return discover.ask_any(context, ask) if answer is None or isinstance(answer, Lost) else answer


def address(inventory: Inventory, node: str | None) -> str | None:
    """Return the name by which a node is reached; the node's own word if the inventory doesn't know it."""
    known = (one for one in inventory.nodes if node is not None and one.name.lower() == node.partition(".")[0].lower())
    return next((discover.address_of(one) for one in known), node)


@contextmanager
def claimed(context: Context, record: RunRecord, vm: VirtualMachine, *, inventory: Inventory, purpose: str) -> Iterator[None]:
    """Hold the claim on a VM, on the cluster. Raises as ``claim``."""
    held = claim(context, record, vm, inventory=inventory, purpose=purpose)
    try:
        yield
    finally:
        release(context, record, held, inventory=inventory)


def claim(
    context: Context, record: RunRecord, vm: VirtualMachine, *, inventory: Inventory, purpose: str, holder: str | None = None
) -> HeldClaim:
    """Take the claim on a VM, to be released; ``holder`` is this process unless it is for another one.

    Raises Claimed, which names the holder, or NotMapped if it has no place for one.
    """
    place = vm.configuration_path or vm.path or (vm.files[0].path if vm.files else "")
    folder = work_folder(place, context.policy.mounts, node=vm.node)
    located = locate(place, context.policy.mounts, node=vm.node)
    if folder is None or located is None:
        raise NotMapped(f"no mount of the configuration reaches {place}", hint="give it one under mounts:")
    held = HeldClaim(vm_id=vm.id, folder=folder, claim_id=str(uuid4()), node=vm.node or "")
    record.add_claim(held)

    def take() -> ClaimState:
        return on_node(context, inventory, vm, lambda node: _claim(context, node, held, purpose, holder or this_process()))

    try:
        state = take()
    except CommandMissing:  # then there is none to be released, now or later
        record.drop_claim(held)
        raise
    if _is_of_the_dead(state):
        abandoned = replace(held, claim_id=str(state.claim_id))
        on_node(context, inventory, vm, lambda node: _remove(context, node, abandoned))
        message = f"the claim on {vm.name} that a dead process left was dropped: {state.holder}, since {state.since}"
        context.emit(Warned(subject=vm.id, message=message, hint=None))
        state = take()
    if not state.acquired:
        record.drop_claim(held)
        raise Claimed(
            f"{vm.name} is claimed by {state.holder} for {state.purpose}, since {state.since}",
            hint=f"wait for it; if its holder is dead: borg-cluster claim break {vm.id}",
            holder=state.holder,
            since=state.since,
        )
    return held


def _claim(context: Context, node: str, held: HeldClaim, purpose: str, holder: str) -> ClaimState | Lost:
    return context.bridge.new_claim(
        node, vm_id=held.vm_id, folder=held.folder, claim_id=held.claim_id, holder=holder, purpose=purpose
    )


def _is_of_the_dead(state: ClaimState) -> bool:
    """Return whether a claim is a backup's of this machine whose process is no more."""
    return not state.acquired and (state.purpose or "").startswith(_BACKUPS) and is_dead(state.holder or "")


def _remove(context: Context, node: str, claim: HeldClaim) -> ClaimState | Lost:
    return context.bridge.remove_claim(node, vm_id=claim.vm_id, folder=claim.folder, claim_id=claim.claim_id)


def release(context: Context, record: RunRecord, claim: HeldClaim, *, inventory: Inventory) -> None:
    """Let go of a claim, if it is still that one. What can't be released now is left to the next run, with a warning."""
    try:
        name = address(inventory, claim.node or None)
        answer = None if name is None else _remove(context, name, claim)
        if answer is None or isinstance(answer, Lost):
            discover.ask_any(context, lambda node: _remove(context, node, claim))
    except (CommandFailed, Refused) as error:
        message = f"the claim on {claim.vm_id} in {claim.folder} could not be released: {error.message}"
        context.emit(Warned(subject=claim.vm_id, message=message, hint="the next run on this machine tries again"))
    else:
        record.drop_claim(claim)
