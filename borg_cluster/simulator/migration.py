"""Live migration, step by step: setup, transfer, blackout, done; and moves of everything else between nodes."""

from borg_cluster.simulator.failure import invalid_vm_state, ours
from borg_cluster.simulator.machines import OFF_STATES, hold
from borg_cluster.simulator.model import Machine, Migration
from borg_cluster.simulator.world import World

_NEXT = {"setup": "transfer", "transfer": "blackout", "blackout": "done"}
_STATES = {"setup": 1, "transfer": 2, "blackout": 3, "done": 0, "cancelled": 4}
_IN_SERVICE, _MIGRATING = 11, 32774


def begin(world: World, machine: Machine, destination: str) -> None:
    """Begin to migrate a VM; raises CommandError when it can't move there."""
    node = world.node(destination)
    if machine.migration is not None or node.name == machine.node:
        raise invalid_vm_state(machine.definition.name, "MoveVM", target=machine.id)
    if not node.answers or node.state != "Up" or world.find_machine(machine.id, node.name) is not None:
        raise ours("NodeUnavailable", f"'{node.name}' can't take the virtual machine.", code="5016", target=node.name)
    if machine.definition.snapshots() and not world.switches.migrates_with_snapshot:
        raise invalid_vm_state(machine.definition.name, "MoveVM", target=machine.id)
    machine.migration = Migration(destination=node.name)
    _show(world, machine, "setup")


def advance(world: World, machine: Machine) -> str:
    """Go on to the migration's next phase and return it; 'done' after the blackout."""
    if machine.migration is None:
        raise invalid_vm_state(machine.definition.name, "MoveVM", target=machine.id)
    phase = _NEXT[machine.migration.phase]
    if phase == "done":
        move(world, machine, machine.migration.destination)
    else:
        machine.migration.phase = phase
    _show(world, machine, phase)
    return phase


def cancel(world: World, machine: Machine) -> None:
    """Cancel a migration; the VM stays where it is."""
    machine.migration = None
    _show(world, machine, "cancelled")


def move(world: World, machine: Machine, destination: str) -> None:
    """Put a VM (and its role) on another node at once."""
    machine.migration = None
    machine.node = world.node(destination).name
    role = world.find_role(machine.id)
    if role is not None:
        role.owner_node = machine.node
    hold(world, machine)


def _show(world: World, machine: Machine, phase: str) -> None:
    running = machine.migration is not None and machine.state not in OFF_STATES
    machine.operational_status = [_IN_SERVICE, _MIGRATING] if running else [2]
    resource = world.vm_resource(machine.id)
    if resource is not None:
        resource.parameters["MigrationState"] = _STATES[phase]
