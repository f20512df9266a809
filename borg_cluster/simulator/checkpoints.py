"""Checkpoints of every type: each disk gets a new leaf, and what was written there is merged back when the checkpoint goes."""

import shutil
import uuid
from collections.abc import Iterable
from itertools import pairwise

from borg_cluster.simulator.chains import Chain, Link, exists, find_chain
from borg_cluster.simulator.definition import CheckpointEntry, DiskSlot, write_definition, write_no_saved_state
from borg_cluster.simulator.machines import beside, refit_saved_state, save_definition, snapshot_folder
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.vhdx import NewDisk, ParentLink, create, read_info, reparent
from borg_cluster.simulator.vhdx_content import growth_by_merge, merge
from borg_cluster.simulator.world import World

ENDS = (".vmcx", ".vmrs", ".vmgs")
"""The files of a checkpoint's own configuration."""


def take_checkpoint(world: World, machine: Machine, name: str, kind: str = "Standard", consistency: str | None = None) -> str:
    """Take a checkpoint: each disk gets a new leaf; returns the checkpoint's id."""
    checkpoint = CheckpointEntry(id=world.new_id(), name=name, type=kind, created=world.now_text(), consistency=consistency)
    previous = machine.definition.user_checkpoints()
    checkpoint.parent_id = previous[-1].id if previous else None
    _write_configuration(world, machine, checkpoint)
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
    refit_saved_state(world, machine)
    save_definition(world, machine)
    return checkpoint.id


def configuration_files(machine: Machine, checkpoint: CheckpointEntry) -> list[str]:
    """Return the paths of a checkpoint's own configuration files, whether they are there or not."""
    folder = snapshot_folder(machine.definition, machine.configuration_path)
    return [f"{folder}\\{checkpoint.id.upper()}{end}" for end in ENDS]


def _write_configuration(world: World, machine: Machine, checkpoint: CheckpointEntry) -> None:
    configuration, runtime, guest = (world.real(one, machine.node) for one in configuration_files(machine, checkpoint))
    configuration.parent.mkdir(parents=True, exist_ok=True)
    write_definition(configuration, machine.definition)
    write_no_saved_state(runtime)
    own = beside(machine.configuration_path, ".vmgs")
    if machine.definition.generation > 1 and exists(world, own, machine.node):
        shutil.copyfile(world.real(own, machine.node), guest)


def _new_leaf(world: World, machine: Machine, parent: str) -> str:
    folder, name = parent.rsplit("\\", 1)
    stem = name.rsplit(".", 1)[0]
    stem = stem.rsplit("_", 1)[0] if name.lower().endswith(".avhdx") else stem
    leaf = f"{folder}\\{stem}_{world.new_id().upper()}.avhdx"
    info = read_info(world.real(parent, machine.node))
    data_write = uuid.UUID(world.new_id())
    create(
        world.real(leaf, machine.node),
        NewDisk(
            size=info.size,
            block_size=info.block_size,
            sector_size=info.logical_sector_size,
            identifier=info.identifier,
            data_write=data_write,
            parent=_link(world, machine, parent),
        ),
    )
    world.grant(leaf, machine.node, machine.id)
    return leaf


def _link(world: World, machine: Machine, parent: str) -> ParentLink:
    linkage = read_info(world.real(parent, machine.node)).data_write
    return ParentLink(linkage=linkage, relative_path=f".\\{parent.rsplit(chr(92), 1)[1]}", absolute_path=parent)


def merge_checkpoints(world: World, machine: Machine) -> None:
    """Merge each disk's whole chain of .avhdx files into its base; a chain that isn't all there stays as it is."""
    for slot in machine.definition.disks:
        if slot.path is None:
            continue
        chain = find_chain(world, slot.path, machine.node)
        while chain.error is None and chain.links[0].path.lower().endswith(".avhdx"):
            leaf = chain.links[0].path
            merge(chain.reals[0], chain.reals[1:], data_write=uuid.UUID(world.new_id()))
            _delete(world, machine, leaf)
            slot.path = chain.links[1].path
            chain = find_chain(world, slot.path, machine.node)


def _delete(world: World, machine: Machine, path: str) -> None:
    world.state.access.pop(world.places.key(path, machine.node), None)
    world.real(path, machine.node).unlink()


def remove_checkpoints(world: World, machine: Machine) -> None:
    """Delete all checkpoints that people took, merging their disks; recovery snapshots stay."""
    for one in machine.definition.user_checkpoints():
        delete_configuration_of(world, machine, one)
        merge_away(world, machine, one)


def delete_configuration_of(world: World, machine: Machine, checkpoint: CheckpointEntry) -> None:
    """Delete a checkpoint's own configuration files."""
    for path in configuration_files(machine, checkpoint):
        if exists(world, path, machine.node):
            world.real(path, machine.node).unlink()


def merge_away(world: World, machine: Machine, checkpoint: CheckpointEntry) -> None:
    """Merge what was written since a checkpoint into the files that it froze, and forget it."""
    machine.held = {}
    machine.definition.checkpoints.remove(checkpoint)
    for slot in checkpoint.disks:
        if slot.path is not None:
            _merge_into(world, machine, slot.path)
    refit_saved_state(world, machine)
    save_definition(world, machine)


def growth_of_merge(world: World, machine: Machine, checkpoint: CheckpointEntry) -> list[tuple[str, int]]:
    """Return the files that a checkpoint froze, each with the bytes by which it would grow if it were merged away."""
    needed: list[tuple[str, int]] = []
    chains = [find_chain(world, slot.path, machine.node) for slot in _slots(machine) if slot.path is not None]
    for frozen in (slot.path for slot in checkpoint.disks if slot.path is not None):
        for child, chain in _children(chains, frozen)[:1]:
            if chain.error is None:
                at = chain.links.index(child)
                needed.append((frozen, growth_by_merge(chain.reals[at], chain.reals[at + 1 :])))
    return needed


def _merge_into(world: World, machine: Machine, frozen: str) -> None:
    """Merge the child of a frozen file into it; whatever used the child uses the file from then on."""
    slots = _slots(machine)
    chains = [find_chain(world, slot.path, machine.node) for slot in slots if slot.path is not None]
    found = next(iter(_children(chains, frozen)), None)
    if found is None or found[1].error is not None:
        return  # there is nothing on it, or the chain isn't all there
    child, chain = found
    at = chain.links.index(child)
    merge(chain.reals[at], chain.reals[at + 1 :], data_write=uuid.UUID(world.new_id()))
    for above, _ in _children(chains, child.path):
        if above.real is not None:
            reparent(above.real, _link(world, machine, frozen))
    _delete(world, machine, child.path)
    for slot in slots:
        slot.path = frozen if slot.path == child.path else slot.path


def _slots(machine: Machine) -> list[DiskSlot]:
    definition = machine.definition
    return [*definition.disks, *(slot for one in definition.checkpoints for slot in one.disks)]


def _children(chains: Iterable[Chain], parent: str) -> list[tuple[Link, Chain]]:
    """Return each file whose parent is that one, with the (first) chain that it is part of."""
    found: dict[str, tuple[Link, Chain]] = {}
    for chain in chains:
        for above, below in pairwise(chain.links):
            if below.path.lower() == parent.lower():
                found.setdefault(above.path.lower(), (above, chain))
    return list(found.values())
