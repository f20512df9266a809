"""Nodes that fail, come back, are drained, and what the cluster does about it."""

from borg_cluster.simulator.activity import start_role
from borg_cluster.simulator.failure import CommandError
from borg_cluster.simulator.machines import OFF_STATES, StartRefused, hold, start, unload
from borg_cluster.simulator.migration import move
from borg_cluster.simulator.model import Machine, Node
from borg_cluster.simulator.roles import best_node, role_state
from borg_cluster.simulator.world import World

_STARTS = {True: frozenset({"Start", "StartIfRunning"}), False: frozenset({"Start"})}
"""The automatic start actions by which a node that is up again starts a VM, by whether that ran; a clustered one has Nothing."""


def crash(world: World, node: Node) -> None:
    """Cut a node's power: nothing answers, its VMs are off, and the cluster has not reacted yet."""
    node.answers, node.clussvc, node.state = False, False, "Down"
    for machine in [one for one in world.state.machines if one.node == node.name]:
        machine.migration = None
        machine.starts_with_node = machine.definition.automatic_start_action in _STARTS[machine.state not in OFF_STATES]
        if machine.state not in OFF_STATES:
            machine.state, machine.started_at, machine.heartbeat, machine.operational_status = "Off", None, None, [2]
        hold(world, machine)
    for role in world.state.roles:
        if role.owner_node == node.name and role.group_type == "VirtualMachine":
            role.status_information = ["Unmonitored"]


def fail_over(world: World, node: Node) -> None:
    """Let the cluster react to a crashed node: volumes, the core group and roles move, VMs that ran start again elsewhere."""
    for volume in world.state.volumes:
        if volume.owner_node == node.name:
            volume.owner_node = best_node(world, but=node.name) or volume.owner_node
    for role in world.state.roles:
        target = best_node(world, preferred=role.preferred_owners, but=node.name)
        if role.owner_node != node.name or target is None:
            continue
        was_online = role_state(world, role) == "Online"
        role.owner_node, role.status_information = target, []
        for vm_id in dict.fromkeys(one.vm_id for one in world.state.resources if one.role_id == role.id):
            _take_over(world, vm_id, node.name, start=was_online)


def _take_over(world: World, vm_id: str, lost: str, *, start: bool) -> None:
    for machine in world.registrations(vm_id):
        if machine.node == lost:
            unload(world, machine)
    for resource in world.state.resources:
        if resource.vm_id == vm_id:
            resource.state = "Offline"
    if start:
        try:
            start_role(world, vm_id, 0 if not world.pace else 3600)
        except CommandError as problem:
            world.note("change", "failed over, but could not start", vm_id=vm_id, error=problem.message)


def come_back(world: World, node: Node) -> None:
    """Start a node again, and what starts with it; VMs that have moved meanwhile are no longer there."""
    node.answers, node.clussvc, node.vmms, node.state, node.status_information = True, True, True, "Up", []
    for machine in [one for one in world.state.machines if one.node == node.name]:
        role = world.find_role(machine.id)
        if role is not None and role.owner_node != node.name:
            unload(world, machine)
        elif machine.starts_with_node:
            _start_with_node(world, machine)
        machine.starts_with_node = False


def _start_with_node(world: World, machine: Machine) -> None:
    try:
        start(world, machine)
    except StartRefused as problem:
        world.note("change", "started with its node, but in vain", vm_id=machine.id, error=str(problem))


def drain(world: World, node: Node) -> None:
    """Pause a node and migrate what runs there away."""
    node.state, node.drain_status, node.status_information = "Paused", "Completed", ["DrainCompleted"]
    target = best_node(world, but=node.name)
    for machine in list(world.state.machines):
        if target is not None and machine.node == node.name and world.find_role(machine.id) is not None:
            move(world, machine, target)


def second_registration(world: World, machine: Machine, node: Node) -> Machine:
    """Register the same VM on a second node too, as somebody might do by hand; it is Off there."""
    twin = Machine(id=machine.id, node=node.name, configuration_path=machine.configuration_path, definition=machine.definition)
    world.state.machines.append(twin)
    hold(world, twin)
    return twin
