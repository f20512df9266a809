"""Starting and stopping roles and VMs: preconditions, what a stop does by its action, and operations that take their time."""

from datetime import datetime, timedelta

from borg_cluster.simulator.definition import DefinitionDamaged
from borg_cluster.simulator.failure import (
    FILE_NOT_FOUND,
    CommandError,
    invalid_group_state,
    invalid_vm_state,
    ours,
    role_start_failed,
    vm_start_failed,
)
from borg_cluster.simulator.machines import OFF_STATES, StartRefused, load, start, stop, unload
from borg_cluster.simulator.model import ClusterRole, Machine, Operation, Resource
from borg_cluster.simulator.roles import best_node, role_state, set_states
from borg_cluster.simulator.world import World

OFFLINE_ACTIONS = ("TurnOff", "Save", "Shutdown", "Shutdown")
"""By the number of OfflineAction; 3 is a forced shutdown, which differs for the guest only."""
_SECONDS = {"TurnOff": 2.0, "Save": 6.0, "Shutdown": 20.0, "": 1.0, "Start": 5.0}


def stop_role(world: World, vm_id: str, timeout: float) -> None:
    """Take a role offline by its OfflineAction; still Pending when it takes longer than ``timeout`` seconds."""
    role = world.role(vm_id)
    if role_state(world, role) == "Offline":
        return
    _refuse_while_migrating(world, vm_id, role, "StopClusterGroupCommand")
    resource = world.vm_resource(vm_id)
    number = resource.parameters.get("OfflineAction") if resource is not None else 1
    machine = next(iter(world.registrations(vm_id)), None)
    running = machine is not None and machine.state not in OFF_STATES
    action = OFFLINE_ACTIONS[number if isinstance(number, int) else 1] if running else ""
    _run(world, Operation(vm_id=vm_id, kind="stop", ends_at=None, action=action), timeout)


def start_role(world: World, vm_id: str, timeout: float) -> None:
    """Bring a role online: its configuration is loaded, then the VM started.

    Raises CommandError, and the role is Failed, when it can't.
    """
    role = world.role(vm_id)
    if role_state(world, role) == "Online":
        return
    _refuse_while_migrating(world, vm_id, role, "StartClusterGroupCommand")
    _run(world, Operation(vm_id=vm_id, kind="start", ends_at=None, action="Start"), timeout)


def stop_vm(world: World, machine: Machine, action: str, timeout: float) -> None:
    """Stop a VM through Hyper-V; a clustered one's VM resource goes offline, its configuration stays online."""
    if machine.state in OFF_STATES:
        return
    if machine.migration is not None:
        raise invalid_vm_state(machine.definition.name, "StopVM", target=machine.id)
    hanging = next((one for one in world.state.operations if one.vm_id == machine.id and one.ends_at is None), None)
    if hanging is not None and action == "TurnOff":
        hanging.action = action  # the power is cut: what waited for the guest goes on
        _finish(world, hanging)
        return
    _run(world, Operation(vm_id=machine.id, kind="stop", ends_at=None, action=action, node=machine.node), timeout)


def start_vm(world: World, machine: Machine, timeout: float) -> None:
    """Start a VM through Hyper-V; raises CommandError (E18)."""
    if machine.state not in OFF_STATES:
        return
    _run(world, Operation(vm_id=machine.id, kind="start", ends_at=None, action="Start", node=machine.node), timeout)


def settle(world: World) -> None:
    """Finish the operations whose time has come."""
    for operation in list(world.state.operations):
        if operation.ends_at is not None and datetime.fromisoformat(operation.ends_at) <= world.now():
            try:
                _finish(world, operation)
            except CommandError as problem:
                world.note("change", "start failed", vm_id=operation.vm_id, error=problem.message, code=problem.code)


def _refuse_while_migrating(world: World, vm_id: str, role: ClusterRole, cmdlet: str) -> None:
    if any(machine.migration is not None for machine in world.registrations(vm_id)):
        raise invalid_group_state(role.name, cmdlet, target=vm_id)


def _run(world: World, operation: Operation, timeout: float) -> None:
    if any(one.vm_id == operation.vm_id for one in world.state.operations):
        return  # the one under way goes on; the answer shows it
    seconds = _SECONDS[operation.action]
    if operation.action == "Shutdown" and operation.vm_id in world.switches.guest_ignores_shutdown:
        _begin(world, operation, None)
        world.pause(timeout)
        return
    _begin(world, operation, world.now() + timedelta(seconds=seconds * world.pace))
    world.pause(min(seconds, timeout / world.pace if world.pace else seconds))
    if operation in world.state.operations and (not world.pace or seconds * world.pace <= timeout):
        _finish(world, operation)


def _begin(world: World, operation: Operation, ends_at: datetime | None) -> None:
    operation.ends_at = ends_at.isoformat() if ends_at is not None else None
    world.state.operations.append(operation)
    stopping = operation.kind == "stop"
    set_states(world, operation.vm_id, vm="OfflinePending" if stopping else "OnlinePending")
    for machine in _machines(world, operation):
        if stopping and machine.state not in OFF_STATES:
            machine.state = "Saving" if operation.action == "Save" else "Stopping"


def _finish(world: World, operation: Operation) -> None:
    world.state.operations.remove(operation)
    if operation.kind == "stop":
        _finish_stop(world, operation)
    elif operation.node is None:
        _finish_role_start(world, operation.vm_id)
    else:
        _finish_vm_start(world, world.machine(operation.vm_id, operation.node))


def _machines(world: World, operation: Operation) -> list[Machine]:
    return [one for one in world.registrations(operation.vm_id) if operation.node in {None, one.node}]


def _finish_stop(world: World, operation: Operation) -> None:
    of_role = operation.node is None
    for machine in _machines(world, operation):
        stop(world, machine, operation.action)
        if of_role and world.switches.offline_vm_listed == "absent":
            unload(world, machine)
    set_states(world, operation.vm_id, vm="Offline", configuration="Offline" if of_role else None)
    role = world.find_role(operation.vm_id)
    if of_role and role is not None:
        role.properties["PersistentState"] = 0


def _finish_vm_start(world: World, machine: Machine) -> None:
    try:
        start(world, machine)
    except StartRefused as refused:
        set_states(world, machine.id, vm="Offline")
        raise vm_start_failed(machine.definition.name, refused.reason, code=refused.code, target=refused.path) from refused
    set_states(world, machine.id, vm="Online", configuration="Online")


def _finish_role_start(world: World, vm_id: str) -> None:
    role = world.role(vm_id)
    try:
        _bring_online(world, vm_id, role)
    except StartRefused as refused:
        if world.switches.failed_start == "error":
            raise role_start_failed(role.name, refused.reason, code=refused.code, target=refused.path) from refused


def _bring_online(world: World, vm_id: str, role: ClusterRole) -> None:
    configuration = world.configuration_resource(vm_id)
    if configuration is None:
        raise ours("ConfigurationResourceMissing", "The role has no configuration resource.", target=vm_id)
    owner = world.node(role.owner_node)
    if not owner.answers or owner.state == "Down":
        role.owner_node = best_node(world, preferred=role.preferred_owners) or role.owner_node
    try:
        machine = _registered(world, vm_id, role, configuration)
        configuration.state = "Online"
        start(world, machine)
    except StartRefused:
        resource = configuration if configuration.state != "Online" else world.vm_resource(vm_id)
        set_states(world, vm_id, vm="Offline")
        if resource is not None:
            resource.state = "Failed"
        raise
    set_states(world, vm_id, vm="Online")
    role.properties["PersistentState"] = 1


def _registered(world: World, vm_id: str, role: ClusterRole, configuration: Resource) -> Machine:
    """Return the VM on its role's owner, loaded from where the configuration resource says it lives."""
    for machine in world.registrations(vm_id):
        role.owner_node = machine.node  # a VM that was registered by hand elsewhere takes its role along
        return machine
    path = f"{configuration.vm_store_root_path}\\Virtual Machines\\{vm_id.upper()}.vmcx"
    configuration.state = "Offline"
    try:
        return load(world, role.owner_node, path)
    except (CommandError, DefinitionDamaged, OSError) as problem:
        raise StartRefused(f"The configuration can't be loaded: {problem}", FILE_NOT_FOUND, path) from problem
