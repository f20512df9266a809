"""A VM on its node: registering its configuration, starting and stopping it, and the files that it holds open meanwhile."""

import contextlib
import ntpath
import os
from pathlib import Path

from borg_cluster.simulator.chains import exists, find_chain, why_unusable
from borg_cluster.simulator.definition import (
    Definition,
    DefinitionDamaged,
    read_definition,
    read_saved_state,
    write_definition,
    write_no_saved_state,
    write_saved_state,
)
from borg_cluster.simulator.failure import ACCESS_DENIED, FILE_NOT_FOUND, OUT_OF_MEMORY, SHARING_VIOLATION, CommandError
from borg_cluster.simulator.model import Held, Machine, Node
from borg_cluster.simulator.world import World

OFF_STATES = ("Off", "Saved", "OffCritical", "SavedCritical")
HEARTBEAT, NO_HEARTBEAT = "OkApplicationsHealthy", "NoContact"


class StartRefused(Exception):
    """A VM can't start: ``code`` is the HRESULT, ``reason`` the device's text."""

    def __init__(self, reason: str, code: str, path: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.path = path


def configuration_path(home: str, vm_id: str) -> str:
    """Return the path of the .vmcx of a VM that lives in ``home``."""
    return f"{home}\\Virtual Machines\\{vm_id.upper()}.vmcx"


def beside(configuration: str, extension: str) -> str:
    """Return the path of a VM's .vmgs or .vmrs."""
    return ntpath.splitext(configuration)[0] + extension


def snapshot_folder(definition: Definition, configuration: str) -> str:
    """Return the folder with the configurations of the VM's checkpoints."""
    return f"{definition.snapshot_location or configuration.rsplit(chr(92), 2)[0]}\\Snapshots"


def load(world: World, node: str, configuration: str) -> Machine:
    """Register the VM that a .vmcx holds; raises DefinitionDamaged, CommandError or OSError when it can't be read.

    The VM is Saved if its .vmrs holds a saved state, else Off.
    """
    definition = read_definition(world.real(configuration, node))
    saved = read_saved_state(world.real(beside(configuration, ".vmrs"), node)) is not None
    machine = Machine(id=definition.id, node=node, configuration_path=configuration, definition=definition)
    machine.state = "Saved" if saved else "Off"
    machine.is_clustered = world.vm_resource(definition.id) is not None
    world.state.machines.append(machine)
    hold(world, machine)
    return machine


def load_if_possible(world: World, node: str, configuration: str) -> Machine | None:
    """Register the VM as ``load`` does; returns None when its configuration can't be read."""
    with contextlib.suppress(DefinitionDamaged, CommandError, OSError, KeyError, TypeError, ValueError):
        return load(world, node, configuration)
    return None


def unload(world: World, machine: Machine) -> None:
    """Take the VM from its node's list; its files stay."""
    world.state.machines[:] = [one for one in world.state.machines if one is not machine]


def save_definition(world: World, machine: Machine) -> None:
    """Write a changed definition into the .vmcx."""
    write_definition(world.real(machine.configuration_path, machine.node), machine.definition)
    hold(world, machine)


def files_to_run(world: World, machine: Machine) -> list[str]:
    """Return the paths of everything that a running VM holds open."""
    disks = [path for leaf in machine.definition.disk_paths() for path in find_chain(world, leaf, machine.node).paths]
    state = [beside(machine.configuration_path, extension) for extension in (".vmgs", ".vmrs")]
    return [*disks, *(path for path in state if exists(world, path, machine.node)), *machine.definition.iso_paths()]


def hold(world: World, machine: Machine) -> None:
    """Note the files that are open for this VM now, as they are now."""
    paths = {machine.configuration_path: False}
    if machine.state not in OFF_STATES:
        paths |= dict.fromkeys(files_to_run(world, machine), True)
    machine.held = {}
    for path, running in paths.items():
        if exists(world, path, machine.node):
            status = world.real(path, machine.node).stat()
            machine.held[world.places.key(path, machine.node)] = Held(
                inode=status.st_ino, size=status.st_size, modified_ns=status.st_mtime_ns, running=running
            )


def start(world: World, machine: Machine) -> None:
    """Start (or resume) the VM; raises StartRefused and changes nothing when something is missing."""
    if machine.state not in OFF_STATES:
        return
    _check_memory(world, machine)
    _check_disks(world, machine)
    _check_state_files(world, machine)
    _check_access(world, machine)
    runtime = beside(machine.configuration_path, ".vmrs")
    write_no_saved_state(world.real(runtime, machine.node))
    world.grant(runtime, machine.node, machine.id)
    machine.state, machine.started_at, machine.heartbeat = "Running", world.now_text(), _heartbeat(machine)
    hold(world, machine)


def _heartbeat(machine: Machine) -> str:
    return HEARTBEAT if machine.definition.gives_heartbeat else NO_HEARTBEAT


def free_memory(world: World, node: Node) -> int:
    """Return the bytes of a node's memory that no VM has."""
    taken = (
        one.definition.memory_startup for one in world.state.machines if one.node == node.name and one.state not in OFF_STATES
    )
    return max(0, node.memory - sum(taken))


def _check_memory(world: World, machine: Machine) -> None:
    if machine.definition.memory_startup > free_memory(world, world.node(machine.node)):
        message = f"Not enough memory in the system to start the virtual machine {machine.definition.name}."
        raise StartRefused(message, OUT_OF_MEMORY, machine.id)


def _check_disks(world: World, machine: Machine) -> None:
    for leaf in machine.definition.disk_paths():
        problem = why_unusable(world, leaf, machine.node)
        if problem is not None:
            raise StartRefused(f"Synthetic SCSI Controller: Failed to Power on; '{problem[1]}' can't be opened.", *problem)
        for path in find_chain(world, leaf, machine.node).paths:
            if not _shared(machine, leaf) and _opened_by_another(world, path, machine.node, exclusive=path == leaf):
                raise StartRefused(f"'{path}' is being used by another process.", SHARING_VIOLATION, path)
    for path in machine.definition.iso_paths():
        if not exists(world, path, machine.node):
            raise StartRefused(f"'{path}' can't be found.", FILE_NOT_FOUND, path)


def _shared(machine: Machine, leaf: str) -> bool:
    return any(slot.shared for slot in machine.definition.disks if slot.path == leaf)


def _opened_by_another(world: World, path: str, node: str, *, exclusive: bool) -> bool:
    """Whether a running VM writes to the file, or (``exclusive``) merely reads it."""
    key = world.places.key(path, node)
    holders = [machine for machine in world.state.machines if key in machine.held and machine.held[key].running]
    return any(exclusive or key in _leaves(world, machine) for machine in holders)


def _check_state_files(world: World, machine: Machine) -> None:
    guest_state = beside(machine.configuration_path, ".vmgs")
    if machine.definition.generation > 1 and not exists(world, guest_state, machine.node):
        raise StartRefused(f"'{guest_state}' can't be found.", FILE_NOT_FOUND, guest_state)
    if machine.state == "Saved":
        runtime = beside(machine.configuration_path, ".vmrs")
        if read_saved_state(world.real(runtime, machine.node)) != _leaf_writes(world, machine):
            raise StartRefused("The saved state doesn't belong to the disks as they are.", "0xC0370027", runtime)


def _check_access(world: World, machine: Machine) -> None:
    for path in [machine.configuration_path, *files_to_run(world, machine)]:
        if not world.granted(path, machine.node, machine.id):
            raise StartRefused(f"'{path}': General access denied error", ACCESS_DENIED, path)


def _leaf_writes(world: World, machine: Machine) -> list[str]:
    chains = [find_chain(world, leaf, machine.node) for leaf in machine.definition.disk_paths()]
    return [str(chain.links[0].info.data_write) for chain in chains if chain.links[0].info is not None]


def stop(world: World, machine: Machine, action: str) -> None:
    """Stop the VM by TurnOff, Shutdown or Save (which writes its saved state); a stopped VM stays as it is."""
    if machine.state in OFF_STATES:
        return
    if action == "Save":
        write_saved_state(world.real(beside(machine.configuration_path, ".vmrs"), machine.node), _leaf_writes(world, machine))
    machine.state = "Saved" if action == "Save" else "Off"
    machine.started_at = machine.heartbeat = None
    machine.operational_status = [2]
    hold(world, machine)


def refit_saved_state(world: World, machine: Machine) -> None:
    """Let the saved state of a Saved VM fit its disks, which have just got other leaves with the same content."""
    if machine.state == "Saved":
        write_saved_state(world.real(beside(machine.configuration_path, ".vmrs"), machine.node), _leaf_writes(world, machine))


def drop_saved_state(world: World, machine: Machine) -> None:
    """Remove the saved state of a Saved VM: it is Off then."""
    if machine.state == "Saved":
        write_no_saved_state(world.real(beside(machine.configuration_path, ".vmrs"), machine.node))
        machine.state = "Off"


def _leaves(world: World, machine: Machine) -> set[str]:
    return {world.places.key(path, machine.node) for path in machine.definition.disk_paths()}


def in_use(world: World, path: str, node: str) -> Machine | None:
    """Return the VM because of which a file can't be opened for writing or renamed now."""
    key, locked = world.places.key(path, node), world.switches.configuration_locked
    held = ((machine, machine.held[key]) for machine in world.state.machines if key in machine.held)
    return next((machine for machine, file in held if file.running or locked), None)


def users_below(world: World, folder: Path) -> list[Machine]:
    """Return the VMs that hold a file open in a real folder or below."""
    prefix = str(folder.relative_to(world.folder)) + os.sep
    locked = world.switches.configuration_locked
    return [
        machine
        for machine in world.state.machines
        if any(key.startswith(prefix) and (held.running or locked) for key, held in machine.held.items())
    ]
