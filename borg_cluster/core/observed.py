"""What a look at the cluster shows of one VM: the answers of all nodes that are up, merged. Pure.

A node that is up and gave no answer may hold the VM, so that nothing absent is certain without it: ``why_not_whole``.
"""

from dataclasses import dataclass

from borg_cluster.core.inventory import path_key
from borg_cluster.core.vm_state import ClaimState, FileState, Registration, RoleState, VMState

STOPPED_STATES = frozenset({"Off", "Saved"})
"""States of a VM in which no process holds its files."""
SETTLED_STATES = STOPPED_STATES | {"Running", "Paused"}
STOPPED_RESOURCE_STATES = frozenset({"Offline", "Failed"})
_CHECKPOINT_LEAVES = (".avhdx", ".avhd")
PENDING_STATES = frozenset({"Pending", "OnlinePending", "OfflinePending"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registration and the node that holds it."""

    node: str
    registration: Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The VM now. ``lost`` names nodes that the cluster calls Up and that gave no answer; ``claim`` None: not looked at."""

    role: RoleState | None
    registrations: tuple[Registered, ...]
    files: dict[str, FileState]
    """By ``path_key``."""
    lost: tuple[str, ...]
    claim: ClaimState | None

    def file(self, path: str) -> FileState | None:
        """Return the state of a path, or None if the look didn't include it."""
        return self.files.get(path_key(path))

    def exists(self, path: str) -> bool:
        """Return whether a path exists. Raises KeyError if the look didn't include it: absence is never assumed."""
        return self.files[path_key(path)].exists

    def is_registered_at(self, configuration_path: str) -> bool:
        """Return whether a registration uses this configuration file."""
        key = path_key(configuration_path)
        return any(path_key(found.registration.configuration_path) == key for found in self.registrations)

    @property
    def is_stopped(self) -> bool:
        """Nothing of the VM runs. Without a role that is certain only when every node answered."""
        if any(found.registration.state not in STOPPED_STATES for found in self.registrations):
            return False
        if self.role is None:
            return not self.lost
        return self.role.vm_resource_state is None or self.role.vm_resource_state in STOPPED_RESOURCE_STATES

    @property
    def is_running(self) -> bool:
        """The VM runs, and its role (if it has one) is online."""
        runs = any(found.registration.state == "Running" for found in self.registrations)
        return runs and (self.role is None or (self.role.state == "Online" and self.role.vm_resource_state == "Online"))

    @property
    def is_settled(self) -> bool:
        """Nothing is starting or stopping."""
        if self.role is not None and (self.role.state in PENDING_STATES or self.role.vm_resource_state in PENDING_STATES):
            return False
        return all(found.registration.state in SETTLED_STATES for found in self.registrations)

    @property
    def has_checkpoints(self) -> bool:
        """Unregistering would merge disks if it found them."""
        return any(
            found.registration.checkpoint_ids
            or any(path.lower().endswith(_CHECKPOINT_LEAVES) for path in found.registration.disk_paths)
            for found in self.registrations
        )

    @property
    def why_not_whole(self) -> str | None:
        """Why what is absent here may be somewhere: a node that is up and didn't answer. None: the look is whole."""
        return f"{', '.join(self.lost)} is up and does not answer" if self.lost else None

    @property
    def why_not_stopped(self) -> str | None:
        """Why it counts as running, or None."""
        return None if self.is_stopped else "it runs"

    @property
    def why_not_registered(self) -> str | None:
        """Why there isn't exactly one registration, or None."""
        if len(self.registrations) > 1:
            return f"it is registered on {' and '.join(found.node for found in self.registrations)}"
        return None if self.registrations else "no node that answers has it registered"


def merge_states(states: tuple[VMState, ...], *, lost: tuple[str, ...] = (), claim: ClaimState | None = None) -> Observed:
    """Merge the answers of all nodes. The role is the same from every node; a path is as the first node that was asked saw it."""
    files: dict[str, FileState] = {}
    for state in states:
        for file in state.files:
            files.setdefault(path_key(file.path), file)
    return Observed(
        role=next((state.role for state in states if state.role is not None), None),
        registrations=tuple(
            Registered(node=state.node, registration=state.registration) for state in states if state.registration is not None
        ),
        files=files,
        lost=lost,
        claim=claim,
    )
