"""The role of a clustered VM: made, removed, and its state derived from its members."""

from collections.abc import Sequence

from borg_cluster.simulator.failure import ours
from borg_cluster.simulator.machines import load_if_possible
from borg_cluster.simulator.model import (
    CONFIGURATION_RESOURCE,
    VM_RESOURCE,
    ClusterRole,
    Machine,
    Reappearing,
    Resource,
)
from borg_cluster.simulator.world import World

HOUR = 3600
PENDING = ("OnlinePending", "OfflinePending")


def default_properties() -> dict[str, int | str | None]:
    """Return a new role's group properties."""
    return {
        "Priority": 2000,
        "AutoFailbackType": 0,
        "FailbackWindowStart": 0xFFFFFFFF,
        "FailbackWindowEnd": 0xFFFFFFFF,
        "FailoverThreshold": 0xFFFFFFFF,
        "FailoverPeriod": 6,
        "ColdStartSetting": 0,
        "PersistentState": 1,
        "LockedFromMoving": 0,
        "ResiliencyPeriod": -1,
        "PreferredSite": "",
        "FaultDomain": "",
        "PlacementOptions": 0,
    }


def default_parameters() -> dict[str, int | str | None]:
    """Return the private parameters of a new 'Virtual Machine' resource."""
    return {
        "OfflineAction": 1,
        "ShutdownAction": 0,
        "DefaultMoveType": 4294967295,
        "CheckHeartbeat": 1,
        "CheckApplicationHealth": 1,
        "MigrationState": 0,
    }


def default_resource_properties() -> dict[str, int | None]:
    """Return the common properties of a new resource."""
    return {
        "PendingTimeout": 600_000,
        "DeadlockTimeout": 300_000,
        "RestartAction": 2,
        "RestartDelay": 500,
        "RestartPeriod": 900_000,
        "RestartThreshold": 1,
        "RetryPeriodOnFailure": HOUR * 1000,
        "EmbeddedFailureAction": 2,
        "SeparateMonitor": 0,
        "LooksAlivePollInterval": 0xFFFFFFFF,
        "IsAlivePollInterval": 0xFFFFFFFF,
    }


def role_state(world: World, role: ClusterRole) -> str:
    """Derive a role's state from those of its members, as the cluster does."""
    members = [one.state for one in world.state.resources if one.role_id == role.id]
    members += [disk.state for disk in world.state.disks if disk.role_id == role.id]
    if not members:
        return role.empty_state
    if "Failed" in members:
        return "Failed"
    if any(state in PENDING for state in members):
        return "Pending"
    online = members.count("Online")
    return "Online" if online == len(members) else "PartialOnline" if online else "Offline"


def volumes_of(world: World, machine: Machine) -> list[str]:
    """Return the ids of the Cluster Shared Volumes that the VM's disks and configuration lie on."""
    paths = [machine.configuration_path, *machine.definition.disk_paths()]
    return [one.id for one in world.state.volumes if any(path.lower().startswith(one.path.lower() + "\\") for path in paths)]


def add_role(world: World, machine: Machine, name: str) -> ClusterRole:
    """Make a VM highly available with the defaults of a new role; the VM goes on as it is."""
    if any(role.name.lower() == name.lower() for role in world.state.roles):
        message = f"The virtual machine {machine.id} could not be made highly available. The object '{name}' already exists."
        raise ours("RoleNotAdded", message, category="InvalidResult", code="5010", target=machine.id)
    role = ClusterRole(
        id=world.new_id(), name=name, group_type="VirtualMachine", owner_node=machine.node, properties=default_properties()
    )
    world.state.roles.append(role)
    online = machine.state not in {"Off", "Saved"}
    for kind in (VM_RESOURCE, CONFIGURATION_RESOURCE):
        world.state.resources.append(_new_resource(world, machine, role, kind))
    for resource in world.state.resources:
        if resource.role_id == role.id:
            resource.state = "Online" if online else "Offline"
    _flag(world, machine, is_clustered=True)
    return role


def _flag(world: World, machine: Machine, *, is_clustered: bool) -> None:
    machine.flag_left = world.switches.clustered_flag_after
    if not machine.flag_left:
        machine.is_clustered = is_clustered


def progress_flags(world: World) -> None:
    """Let VMs hear of roles that were made or removed, once enough further commands have passed."""
    for machine in world.state.machines:
        if machine.flag_left:
            machine.flag_left -= 1
            if not machine.flag_left:
                machine.is_clustered = world.vm_resource(machine.id) is not None


def _new_resource(world: World, machine: Machine, role: ClusterRole, kind: str) -> Resource:
    of_vm = kind == VM_RESOURCE
    return Resource(
        id=world.new_id(),
        name=f"{kind} {role.name}",
        resource_type=kind,
        role_id=role.id,
        vm_id=machine.id,
        vm_store_root_path=None if of_vm else machine.home,
        shared_volumes=[] if of_vm else volumes_of(world, machine),
        parameters=default_parameters() if of_vm else {},
        properties=default_resource_properties(),
        possible_owners=[node.name for node in world.state.nodes],
    )


def remove_role(world: World, role: ClusterRole) -> None:
    """Remove a role with its resources. Its VMs stay; one that was offline is listed by its node again, a little later."""
    for vm_id in dict.fromkeys(one.vm_id for one in world.state.resources if one.role_id == role.id):
        configuration = world.configuration_resource(vm_id)
        for machine in world.registrations(vm_id):
            _flag(world, machine, is_clustered=False)
        if not world.registrations(vm_id) and configuration is not None:
            _reappear_later(world, vm_id, role.owner_node, configuration)
    world.state.resources[:] = [one for one in world.state.resources if one.role_id != role.id]
    world.state.roles.remove(role)
    world.state.operations[:] = [one for one in world.state.operations if world.vm_resource(one.vm_id) or one.node is not None]
    for disk in world.state.disks:
        if disk.role_id == role.id:
            disk.role_id = available_storage(world).id


def _reappear_later(world: World, vm_id: str, node: str, configuration: Resource) -> None:
    path = f"{configuration.vm_store_root_path}\\Virtual Machines\\{vm_id.upper()}.vmcx"
    later = Reappearing(vm_id=vm_id, node=node, configuration_path=path, commands_left=world.switches.reregister_after)
    world.state.reappearing.append(later)
    reappear(world, commands=0)


def reappear(world: World, *, commands: int = 1) -> None:
    """Let VMs that lost their roles be listed again, once enough further commands have passed."""
    for one in list(world.state.reappearing):
        one.commands_left -= commands
        if one.commands_left <= 0:
            world.state.reappearing.remove(one)
            if not world.registrations(one.vm_id):
                load_if_possible(world, one.node, one.configuration_path)


def available_storage(world: World) -> ClusterRole:
    """Return the group of clustered disks that no role uses."""
    return next(role for role in world.state.roles if role.group_type == "AvailableStorage")


def set_states(world: World, vm_id: str, *, vm: str | None = None, configuration: str | None = None) -> None:
    """Set the states of a VM's resources, as far as it has any."""
    for resource, state in ((world.vm_resource(vm_id), vm), (world.configuration_resource(vm_id), configuration)):
        if resource is not None and state is not None:
            resource.state = state


def refresh_configuration(world: World, machine: Machine) -> None:
    """Note where a clustered VM lives now, as VMMS does when its storage moved."""
    configuration = world.configuration_resource(machine.id)
    if configuration is not None:
        configuration.vm_store_root_path = machine.home
        configuration.shared_volumes = volumes_of(world, machine)


def best_node(world: World, *, preferred: Sequence[str] = (), but: str = "") -> str | None:
    """Return the node that a role goes to: up, not paused, a preferred one first."""
    up = [node.name for node in world.state.nodes if node.state == "Up" and node.answers and node.name != but]
    return next((name for name in preferred if name in up), up[0] if up else None)
