"""Looking at the claims on the cluster, and breaking one."""

from collections.abc import Iterator
from dataclasses import dataclass

from borg_cluster import journal
from borg_cluster.bridge import Lost
from borg_cluster.claim_holder import is_alive, is_dead
from borg_cluster.context import Context
from borg_cluster.core.inventory import Inventory, VirtualMachine
from borg_cluster.core.policy import work_folder
from borg_cluster.core.vm_state import ClaimState
from borg_cluster.discover import ask_any, current_inventory, find_vm
from borg_cluster.errors import UnknownVM
from borg_cluster.extract.beside import on_volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the claim on a VM lies, if there is one."""

    vm_id: str
    name: str
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A claim on a VM, in ``folder``. ``dead`` and ``alive``: what can be proven of its holder from here; neither may be."""

    vm_id: str
    name: str
    folder: str
    state: ClaimState
    dead: bool
    alive: bool


def find_claims(context: Context, vm: str | None = None) -> tuple[Claim, ...]:
    """Return the claim on a VM (its id, name, or the id's beginning), or those on all VMs.

    Raises UnknownVM; ClusterUnreachable.
    """
    inventory = current_inventory(context)
    places = tuple(place for one in inventory.virtual_machines if (place := _place(context, one)) is not None)
    known = {place.vm_id for place in places}
    places += tuple({place.vm_id: place for place in _restored(context) if place.vm_id not in known}.values())
    if vm is not None:
        places = _meant(inventory, places, vm)
    with context.bridge.kept_sessions():
        found = (_claim(context, place) for place in places)
        return tuple(claim for claim in found if claim is not None)


def _meant(inventory: Inventory, places: tuple[_Place, ...], vm: str) -> tuple[_Place, ...]:
    """Return the place of the VM that is meant, also of one that a restore has taken from its node's list."""
    try:
        vm_id = find_vm(inventory, vm).id
    except UnknownVM:
        listed = {one.id for one in inventory.virtual_machines}
        found = [one for one in places if one.vm_id not in listed and (one.name == vm or one.vm_id.startswith(vm.lower()))]
        if len(found) != 1:
            raise
        vm_id = found[0].vm_id
    return tuple(place for place in places if place.vm_id == vm_id)


def _restored(context: Context) -> Iterator[_Place]:
    """Yield where restores that are not over, here or of another backup host, have their claims.

    The VM may be on no list now; a copy, which touches no VM, is claimed by the restore's id.
    """
    for progress in (*journal.restores(context.state), *on_volumes(context)):
        plan = progress.plan
        if progress.outcome is None and (plan.cluster or plan.manifest.cluster) == context.policy.cluster:
            yield _Place(vm_id=progress.claimed_id, name=plan.name, folder=plan.claim_folder)


def break_claim(context: Context, claim: Claim) -> None:
    """Remove a claim, if it is still that one."""

    def ask(node: str) -> ClaimState | Lost:
        return context.bridge.remove_claim(node, vm_id=claim.vm_id, folder=claim.folder, claim_id=claim.state.claim_id or "")

    ask_any(context, ask)


def _place(context: Context, vm: VirtualMachine) -> _Place | None:
    path = vm.configuration_path or vm.path or (vm.files[0].path if vm.files else "")
    folder = work_folder(path, context.policy.mounts, node=vm.node)
    return None if folder is None else _Place(vm_id=vm.id, name=vm.name, folder=folder)


def _claim(context: Context, place: _Place) -> Claim | None:
    def ask(node: str) -> ClaimState | Lost:
        return context.bridge.get_claim(node, vm_id=place.vm_id, folder=place.folder)

    state = ask_any(context, ask)
    if state.claim_id is None:
        return None
    holder = state.holder or ""
    return Claim(
        vm_id=place.vm_id, name=place.name, folder=place.folder, state=state, dead=is_dead(holder), alive=is_alive(holder)
    )
