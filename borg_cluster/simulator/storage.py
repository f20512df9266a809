"""What happens to disks: a guest writes, storage moves, a VM's files are deleted."""

import shutil
import uuid

from borg_cluster.simulator import room, tracking
from borg_cluster.simulator.chains import Chain, exists, find_chain
from borg_cluster.simulator.failure import invalid_vm_state
from borg_cluster.simulator.machines import OFF_STATES, beside, hold, save_definition, snapshot_folder
from borg_cluster.simulator.making import grant_all, volume_path
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.roles import refresh_configuration
from borg_cluster.simulator.vhdx_content import growth, read, trim, write
from borg_cluster.simulator.world import World


def guest_write(world: World, machine: Machine, *, disk: int, offset: int, data: bytes) -> None:
    """Write into a running VM's disk, by its number in the definition, at a virtual offset.

    Where its volume has no room for that, nothing is written and the VM is paused.
    """
    if machine.state != "Running":
        raise invalid_vm_state(machine.definition.name, "GuestWrite", target=machine.id)
    chain = disk_chain(world, machine, disk)
    if not room.has_room(world, [(chain.links[0].path, growth(chain.reals, offset, len(data)))]):
        room.pause(world, machine)
        return
    write(chain.reals, offset, data, data_write=uuid.UUID(world.new_id()))
    tracking.note_write(world, machine, machine.definition.disks[disk], offset, len(data))
    hold(world, machine)


def guest_trim(world: World, machine: Machine, *, disk: int, offset: int, length: int) -> None:
    """Let a running VM's guest give back what it needs no more; that changes the content, so it is tracked as a write is."""
    if machine.state != "Running":
        raise invalid_vm_state(machine.definition.name, "GuestTrim", target=machine.id)
    chain = disk_chain(world, machine, disk)
    trim(chain.reals, offset, length, data_write=uuid.UUID(world.new_id()))
    tracking.note_write(world, machine, machine.definition.disks[disk], offset, length)
    hold(world, machine)


def offline_write(world: World, machine: Machine, *, disk: int, offset: int, data: bytes) -> None:
    """Write into a disk behind Hyper-V's back, as by mounting it while the VM is off: its change tracking is worth nothing."""
    if machine.state not in OFF_STATES:
        raise invalid_vm_state(machine.definition.name, "MountVHD", target=machine.id)
    write(disk_chain(world, machine, disk).reals, offset, data, data_write=uuid.UUID(world.new_id()))
    tracking.lose(world, machine, machine.definition.disks[disk])
    hold(world, machine)


def guest_read(world: World, machine: Machine, *, disk: int, offset: int, length: int) -> bytes:
    """Return virtual content of a VM's disk, whatever its state."""
    return read(disk_chain(world, machine, disk).reals, offset, length)


def disk_chain(world: World, machine: Machine, disk: int) -> Chain:
    """Return the chain of one of the VM's disks; raises ValueError when it is no file or broken."""
    leaf = machine.definition.disks[disk].path
    if leaf is None:
        raise ValueError("a pass-through disk has no file")
    chain = find_chain(world, leaf, machine.node)
    if chain.error is not None:
        raise ValueError(f"{chain.links[-1].path}: {chain.error}")
    return chain


def move_storage(world: World, machine: Machine, volume: str) -> None:
    """Move a VM with everything that it has to another volume, running or not: Move-VMStorage. Raises ValueError: it's there."""
    old_home = machine.home
    base = old_home.rsplit("\\", 1)[1]
    new_home = f"{volume_path(world, volume)}\\{base}"
    if new_home.lower() == old_home.lower():
        raise ValueError(f"{machine.definition.name} lies on {volume} already")
    moved = _move_files(world, machine, old_home, new_home)
    definition = machine.definition
    slots = [*definition.disks, *(slot for one in definition.checkpoints for slot in one.disks)]
    for slot in slots:
        slot.path = moved.get(slot.path, slot.path) if slot.path is not None else None
    for tracked in (disk for point in definition.reference_points for disk in point.disks):
        tracked.path = moved.get(tracked.path, tracked.path)
    definition.snapshot_location = definition.smart_paging_path = new_home
    machine.configuration_path = moved[machine.configuration_path]
    grant_all(world, definition, machine.configuration_path, machine.node)
    for path in moved.values():
        world.grant(path, machine.node, machine.id)
    save_definition(world, machine)
    refresh_configuration(world, machine)
    tracking.move_storage(world, machine)


def _move_files(world: World, machine: Machine, old_home: str, new_home: str) -> dict[str, str]:
    """Move the home folder and the disks that lie elsewhere; returns old path -> new path, for Windows' paths."""
    moved: dict[str, str] = {}
    old_real = world.real(old_home, machine.node)
    elsewhere = [
        path
        for leaf in machine.definition.disk_paths()
        for path in find_chain(world, leaf, machine.node).paths
        if not path.lower().startswith(old_home.lower() + "\\")
    ]
    files = [path for path in old_real.rglob("*") if path.is_file()]
    for file in files:
        inside = str(file.relative_to(old_real))
        moved[f"{old_home}\\{inside.replace('/', chr(92))}"] = f"{new_home}\\{inside.replace('/', chr(92))}"
    moved |= {path: f"{new_home}\\{path.rsplit(chr(92), 1)[1]}" for path in elsewhere}
    for source, destination in moved.items():
        target = world.real(destination, machine.node)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(world.real(source, machine.node), target)
    shutil.rmtree(old_real)
    return moved


def delete_configuration(world: World, machine: Machine) -> None:
    """Delete the files that define a VM and its checkpoints, and their folders when nothing else is in them."""
    snapshots = snapshot_folder(machine.definition, machine.configuration_path)
    ends = (".vmcx", ".vmrs", ".vmgs", ".slp")
    tracking.forget(world, machine.id)
    paths = [beside(machine.configuration_path, end) for end in ends]
    paths += [f"{snapshots}\\{one.id.upper()}{end}" for one in machine.definition.checkpoints for end in ends]
    for path in paths:
        if exists(world, path, machine.node):
            world.state.access.pop(world.places.key(path, machine.node), None)
            world.real(path, machine.node).unlink()
    for folder in (machine.configuration_path.rsplit("\\", 1)[0], snapshots):
        remove_if_empty(world, folder, machine.node)


def remove_if_empty(world: World, folder: str, node: str) -> None:
    """Remove a folder with nothing in it."""
    if exists(world, folder, node) and not any(world.real(folder, node).iterdir()):
        world.real(folder, node).rmdir()


def delete_files(world: World, machine: Machine) -> None:
    """Unregister a VM and delete every file that is its own: not its ISO, and no parent disk that another VM uses."""
    world.state.machines[:] = [one for one in world.state.machines if one is not machine]
    others = {key for one in world.state.machines for leaf in one.definition.disk_paths() for key in _keys(world, one, leaf)}
    for leaf in machine.definition.disk_paths():
        for key in _keys(world, machine, leaf) - others:
            for end in ("", ".rct", ".mrt"):
                (world.folder / f"{key}{end}").unlink(missing_ok=True)
            world.state.access.pop(key, None)
    delete_configuration(world, machine)
    for folder in {machine.home, *(leaf.rsplit("\\", 1)[0] for leaf in machine.definition.disk_paths())}:
        remove_if_empty(world, folder, machine.node)


def _keys(world: World, machine: Machine, leaf: str) -> set[str]:
    return {world.places.key(path, machine.node) for path in find_chain(world, leaf, machine.node).paths}
