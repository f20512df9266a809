"""A restored VM beside the original, under a new id and name; and what would hinder one from being registered."""

import shutil

from borg_cluster.simulator.chains import exists
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.definition import Definition, write_definition, write_no_saved_state
from borg_cluster.simulator.failure import ours
from borg_cluster.simulator.machines import beside, configuration_path, load
from borg_cluster.simulator.making import grant_all
from borg_cluster.simulator.model import Machine, Node
from borg_cluster.simulator.places import normalised
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.role_commands import need_hyper_v
from borg_cluster.simulator.vm_answers import vm_state
from borg_cluster.simulator.vm_commands import compare, read_configuration
from borg_cluster.simulator.world import World


def register_copy(world: World, node: Node, arguments: Arguments) -> Json:
    """Register-BorgClusterVMCopy; a copy that the same restore registered before is found."""
    need_hyper_v(node)
    mark = f"borg-cluster restore {arguments.text('RestoreId')}"
    machine = next(
        (one for one in world.state.machines if one.node == node.name and mark in one.definition.notes.splitlines()), None
    )
    findings: list[Json] = []
    new_id = arguments.text("VMId") if machine is None else machine.id
    if machine is None:
        path = normalised(arguments.text("Path"))
        definition = read_configuration(world, node, arguments.text("VMId"), path)
        home = path.rsplit("\\", 2)[0]
        _find_disks(world, node, definition, home)
        findings = compare(world, node, definition)
        for adapter in definition.adapters:
            adapter.switch_name = None
        if all(one["mended_by"] for one in findings):
            definition.name, definition.notes = arguments.text("Name"), f"{definition.notes}\n{mark}".strip()
            new_id = _import(world, node, definition, path).id
    return {
        "schema": SCHEMA,
        "vm_id": new_id,
        "registered": world.find_machine(new_id, node.name) is not None and new_id != arguments.text("VMId"),
        "incompatibilities": findings,
        "state": vm_state(world, node, new_id),
    }


def compare_vm(world: World, node: Node, arguments: Arguments) -> Json:
    """Compare-BorgClusterVM: what would hinder a registration, its disks and media left out; nothing is registered."""
    need_hyper_v(node)
    vm_id = arguments.text("VMId")
    definition = read_configuration(world, node, vm_id, normalised(arguments.text("Path")))
    left_out = {"HardDiskDrive", "DvdDrive"}
    findings = [one for one in compare(world, node, definition) if one["source_type"] not in left_out]
    state = vm_state(world, node, vm_id)
    return {"schema": SCHEMA, "vm_id": vm_id, "registered": False, "incompatibilities": findings, "state": state}


def _find_disks(world: World, node: Node, definition: Definition, home: str) -> None:
    """Let each disk be the one file of its name below the copy's folder, never one of the original's."""
    definition.checkpoints.clear()
    definition.reference_points.clear()
    definition.snapshot_location = definition.smart_paging_path = home
    root = world.real(home, node.name)
    for slot in definition.disks:
        name = "" if slot.path is None else slot.path.rsplit("\\", 1)[1].lower()
        found = [path for path in root.rglob("*") if path.name.lower() == name]
        if len(found) != 1:
            message = f"'{home}' has {len(found)} files that could be the disk '{slot.path}' of the copy; it needs exactly one."
            raise ours("DiskNotFound", message, category="ObjectNotFound", target=str(slot.path))
        slot.path = "\\".join((home, *found[0].relative_to(root).parts))


def _import(world: World, node: Node, definition: Definition, path: str) -> Machine:
    source = path
    definition.id = world.new_id()
    for adapter in definition.adapters:
        adapter.id = world.new_id()
    target = configuration_path(path.rsplit("\\", 2)[0], definition.id)
    world.real(target, node.name).parent.mkdir(parents=True, exist_ok=True)
    write_definition(world.real(target, node.name), definition)
    write_no_saved_state(world.real(beside(target, ".vmrs"), node.name))
    if exists(world, beside(source, ".vmgs"), node.name):
        shutil.copyfile(world.real(beside(source, ".vmgs"), node.name), world.real(beside(target, ".vmgs"), node.name))
    grant_all(world, definition, target, node.name)
    return load(world, node.name, target)
