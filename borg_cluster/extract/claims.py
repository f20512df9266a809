"""Looking at the claims on the cluster, and breaking one."""

from dataclasses import dataclass

from borg_cluster.bridge import Lost
from borg_cluster.claim_holder import is_alive, is_dead
from borg_cluster.context import Context
from borg_cluster.core.inventory import VirtualMachine
from borg_cluster.core.policy import work_folder
from borg_cluster.core.vm_state import ClaimState
from borg_cluster.discover import ask_any, current_inventory, find_vm


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
    chosen = inventory.virtual_machines if vm is None else (find_vm(inventory, vm),)
    with context.bridge.kept_sessions():
        found = (_claim(context, one) for one in chosen)
        return tuple(claim for claim in found if claim is not None)


def break_claim(context: Context, claim: Claim) -> None:
    """Remove a claim, if it is still that one."""

    def ask(node: str) -> ClaimState | Lost:
        return context.bridge.remove_claim(node, vm_id=claim.vm_id, folder=claim.folder, claim_id=claim.state.claim_id or "")

    ask_any(context, ask)


def _claim(context: Context, vm: VirtualMachine) -> Claim | None:
    place = vm.configuration_path or vm.path or (vm.files[0].path if vm.files else "")
    folder = work_folder(place, context.policy.mounts, node=vm.node)
    if folder is None:
        return None

    def ask(node: str) -> ClaimState | Lost:
        return context.bridge.get_claim(node, vm_id=vm.id, folder=folder)

    state = ask_any(context, ask)
    if state.claim_id is None:
        return None
    holder = state.holder or ""
    return Claim(vm_id=vm.id, name=vm.name, folder=folder, state=state, dead=is_dead(holder), alive=is_alive(holder))
