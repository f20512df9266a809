"""What must always hold. Each breach is told once, whoever caused it: a command, a test, or somebody at the files."""

from borg_cluster.simulator.chains import find_chain
from borg_cluster.simulator.machines import OFF_STATES
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.startable import unstartable
from borg_cluster.simulator.world import World


class Violation(Exception):
    """Something happened that must never happen on a cluster."""


def audit(world: World) -> list[str]:
    """Return everything that is wrong now."""
    found = [text for machine in world.state.machines for text in _of_machine(world, machine)]
    active = [machine for machine in world.state.machines if machine.state not in OFF_STATES]
    for machine in active:
        others = sorted(one.node for one in active if one.id == machine.id and one.node != machine.node)
        if others:
            found.append(f"{machine.id} runs on two nodes: {', '.join(sorted([machine.node, *others]))}")
    return found + _shared_leaves(active) + unstartable(world)


def _of_machine(world: World, machine: Machine) -> list[str]:
    found = []
    for key, held in machine.held.items():
        if not (held.running or world.switches.configuration_locked):
            continue
        path = world.folder / key
        if not path.exists():
            found.append(f"{machine.id} on {machine.node}: {key} is gone, though the VM holds it open")
            continue
        status = path.stat()
        if (status.st_ino, status.st_size, status.st_mtime_ns) != (held.inode, held.size, held.modified_ns):
            found.append(f"{machine.id} on {machine.node}: {key} was replaced or changed behind the VM that holds it open")
    if machine.state not in OFF_STATES:
        for leaf in machine.definition.disk_paths():
            error = find_chain(world, leaf, machine.node).error
            if error is not None:
                found.append(f"{machine.id} on {machine.node} runs, but {leaf} can't be opened: {error}")
    return found


def _shared_leaves(active: list[Machine]) -> list[str]:
    users: dict[str, set[str]] = {}
    for machine in active:
        for slot in machine.definition.disks:
            if slot.path is not None and not slot.shared:
                users.setdefault(slot.path.lower(), set()).add(machine.id)
    return [f"{path} is written by {', '.join(sorted(ids))}" for path, ids in users.items() if len(ids) > 1]
