"""What the steps of a restore are made from: the VM now and then, its files, and how it is to end. Pure."""

from dataclasses import dataclass

from borg_cluster.core.archive import Manifest
from borg_cluster.core.inventory import VirtualMachine
from borg_cluster.core.observed import STOPPED_RESOURCE_STATES, STOPPED_STATES
from borg_cluster.core.policy import Policy
from borg_cluster.core.restore_files import DISK_KINDS, RestoreFiles
from borg_cluster.core.restore_target import VM_RESOURCE, manifest_state
from borg_cluster.core.step import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step and why it's there."""

    step: Step
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutStep:
    """A kind of step that this restore doesn't have, and why."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the steps are made from. ``saved_role``: the role's settings, if this restore has noted them already."""

    manifest: Manifest
    policy: Policy
    vm: VirtualMachine | None
    files: RestoreFiles
    restore_id: str
    claim_folder: str
    node: str
    saved_role: dict[str, object] | None
    highly_available: bool
    highly_available_reason: str
    running: bool
    """How it is to end."""
    copy_name: str | None = None
    """Not None: ``vm`` is None, and whatever there is of the original is not touched."""
    is_swap: bool = False
    """Only disks are restored."""
    in_place: bool = False
    """There is no room for the old and the new: the old disks go first."""

    @property
    def old_node(self) -> str | None:
        """The node that has the old VM registered."""
        return self.vm.nodes[0] if self.vm is not None and self.vm.nodes else None

    @property
    def store(self) -> str | None:
        """Where the cluster looks for the old VM's configuration; None: it has no role, or that isn't known."""
        if self.vm is None:
            return None
        root = next((one.vm_store_root_path for one in self.vm.resources if one.vm_store_root_path is not None), None)
        return None if root is None else f"{root}\\Virtual Machines\\{self.vm.id.upper()}.vmcx"

    @property
    def registered(self) -> bool:
        """Whether a node has it."""
        return self.vm is not None and bool(self.vm.nodes)

    @property
    def keeps_saved_state(self) -> bool:
        """Whether the archived disks come back under the archived configuration, so that its saved state fits them."""
        return self.copy_name is None and any(file.kind in DISK_KINDS for file in self.files.staged)

    @property
    def is_whole(self) -> bool:
        """Whether no file of the old VM is known to be gone."""
        return self.vm is None or not any(link.exists is False for disk in self.vm.disks for link in disk.chain)

    @property
    def has_role(self) -> bool:
        """Whether it is highly available now."""
        return self.vm is not None and self.vm.role is not None

    @property
    def runs_now(self) -> bool:
        """Whether it must be stopped."""
        return runs(self.vm)


def runs(vm: VirtualMachine | None) -> bool:
    """Return whether a VM must be stopped: its files are held, or its role is on (and would start it again)."""
    if vm is None:
        return False
    role_is_on = any(
        resource.resource_type == VM_RESOURCE and resource.state not in STOPPED_RESOURCE_STATES for resource in vm.resources
    )
    return role_is_on or (vm.state is not None and vm.state not in STOPPED_STATES)


def ran(manifest: Manifest) -> bool:
    """Return whether the VM ran when it was backed up."""
    return manifest_state(manifest) not in {None, *STOPPED_STATES}


def offline_action_of(vm: VirtualMachine | None) -> int | None:
    """Return what the role does with its VM when it stops, None if it has none."""
    resources = vm.resources if vm is not None else ()
    return next((resource.offline_action for resource in resources if resource.resource_type == VM_RESOURCE), None)
