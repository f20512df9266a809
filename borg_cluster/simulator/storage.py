"""What happens to disks: a guest writes, checkpoints are taken and merged, storage moves."""

import shutil
import uuid

from borg_cluster.simulator.chains import Chain, exists, find_chain
from borg_cluster.simulator.definition import CheckpointEntry, DiskSlot, write_definition, write_no_saved_state
from borg_cluster.simulator.failure import invalid_vm_state
from borg_cluster.simulator.machines import beside, hold, save_definition, snapshot_folder
from borg_cluster.simulator.making import grant_all, volume_path
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.roles import refresh_configuration
from borg_cluster.simulator.vhdx import NewDisk, ParentLink, create, read_info
from borg_cluster.simulator.vhdx_content import merge, read, write
from borg_cluster.simulator.world import World


def guest_write(world: World, machine: Machine, *, disk: int, offset: int, data: bytes) -> None:
    """Write into a running VM's disk, by its number in the definition, at a virtual offset."""
    if machine.state != "Running":
        raise invalid_vm_state(machine.definition.name, "GuestWrite", target=machine.id)
    chain = disk_chain(world, machine, disk)
    write(chain.reals, offset, data, data_write=uuid.UUID(world.new_id()))
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


def take_checkpoint(world: World, machine: Machine, name: str, kind: str = "Standard") -> str:
    """Take a checkpoint: each disk gets a new leaf; returns the checkpoint's id."""
    checkpoint = CheckpointEntry(id=world.new_id(), name=name, type=kind, created=world.now_text())
    previous = machine.definition.checkpoints
    checkpoint.parent_id = previous[-1].id if previous else None
    folder = world.real(snapshot_folder(machine.definition, machine.configuration_path), machine.node)
    folder.mkdir(parents=True, exist_ok=True)
    write_definition(folder / f"{checkpoint.id.upper()}.vmcx", machine.definition)
    write_no_saved_state(folder / f"{checkpoint.id.upper()}.vmrs")
    for slot in machine.definition.disks:
        if slot.path is not None and not slot.shared:
            checkpoint.disks.append(
                DiskSlot(
                    controller_type=slot.controller_type,
                    controller_number=slot.controller_number,
                    controller_location=slot.controller_location,
                    path=slot.path,
                )
            )
            slot.path = _new_leaf(world, machine, slot.path)
    machine.definition.checkpoints.append(checkpoint)
    save_definition(world, machine)
    return checkpoint.id


def _new_leaf(world: World, machine: Machine, parent: str) -> str:
    folder, name = parent.rsplit("\\", 1)
    stem = name.rsplit(".", 1)[0]
    stem = stem.rsplit("_", 1)[0] if name.lower().endswith(".avhdx") else stem
    leaf = f"{folder}\\{stem}_{world.new_id().upper()}.avhdx"
    info = read_info(world.real(parent, machine.node))
    link = ParentLink(linkage=info.data_write, relative_path=f".\\{name}", absolute_path=parent)
    data_write = uuid.UUID(world.new_id())
    create(
        world.real(leaf, machine.node),
        NewDisk(size=info.size, block_size=info.block_size, identifier=info.identifier, data_write=data_write, parent=link),
    )
    world.grant(leaf, machine.node, machine.id)
    return leaf


def merge_checkpoints(world: World, machine: Machine) -> None:
    """Merge each disk's whole chain of .avhdx files into its base; a chain that isn't all there stays as it is."""
    for slot in machine.definition.disks:
        if slot.path is None:
            continue
        chain = find_chain(world, slot.path, machine.node)
        while chain.error is None and chain.links[0].path.lower().endswith(".avhdx"):
            leaf = chain.links[0].path
            merge(chain.reals[0], chain.reals[1:], data_write=uuid.UUID(world.new_id()))
            chain.reals[0].unlink()
            world.state.access.pop(world.places.key(leaf, machine.node), None)
            slot.path = chain.links[1].path
            chain = find_chain(world, slot.path, machine.node)


def remove_checkpoints(world: World, machine: Machine) -> None:
    """Delete all checkpoints of a VM: its disks are merged back into their bases."""
    machine.held = {}
    merge_checkpoints(world, machine)
    folder = world.real(snapshot_folder(machine.definition, machine.configuration_path), machine.node)
    for one in machine.definition.checkpoints:
        for end in (".vmcx", ".vmrs", ".vmgs"):
            (folder / f"{one.id.upper()}{end}").unlink(missing_ok=True)
    machine.definition.checkpoints.clear()
    save_definition(world, machine)


def move_storage(world: World, machine: Machine, volume: str) -> None:
    """Move a VM with everything that it has to another volume, running or not: Move-VMStorage."""
    old_home = machine.home
    base = old_home.rsplit("\\", 1)[1]
    new_home = f"{volume_path(world, volume)}\\{base}"
    moved = _move_files(world, machine, old_home, new_home)
    definition = machine.definition
    slots = [*definition.disks, *(slot for one in definition.checkpoints for slot in one.disks)]
    for slot in slots:
        slot.path = moved.get(slot.path, slot.path) if slot.path is not None else None
    definition.snapshot_location = definition.smart_paging_path = new_home
    machine.configuration_path = moved[machine.configuration_path]
    grant_all(world, definition, machine.configuration_path, machine.node)
    for path in moved.values():
        world.grant(path, machine.node, machine.id)
    save_definition(world, machine)
    refresh_configuration(world, machine)


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
