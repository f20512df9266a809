"""Register-BorgClusterVMCopy: a restored VM beside the original, under a new id and name, on files that lie where they lie."""

import shutil

from borg_cluster.simulator.chains import exists, why_unusable
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.definition import Definition, write_definition, write_no_saved_state
from borg_cluster.simulator.machines import beside, configuration_path, load
from borg_cluster.simulator.making import grant_all
from borg_cluster.simulator.model import Machine, Node
from borg_cluster.simulator.places import normalised
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.role_commands import need_hyper_v
from borg_cluster.simulator.vm_answers import vm_state
from borg_cluster.simulator.vm_commands import DISK_UNUSABLE, finding, read_configuration
from borg_cluster.simulator.world import World


def register_copy(world: World, node: Node, arguments: Arguments) -> Json:
    """Register-BorgClusterVMCopy; a copy that the same restore registered before is found."""
    need_hyper_v(node)
    mark = f"borg-cluster restore {arguments.text('RestoreId')}"
    machine = next((one for one in world.state.machines if one.node == node.name and mark in one.definition.notes), None)
    findings: list[Json] = []
    new_id = arguments.text("VMId") if machine is None else machine.id
    if machine is None:
        path = normalised(arguments.text("Path"))
        definition = read_configuration(world, node, arguments.text("VMId"), path)
        home = path.rsplit("\\", 2)[0]
        _find_disks(world, node, definition, home)
        findings = _compare(world, node, definition)
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


def _find_disks(world: World, node: Node, definition: Definition, home: str) -> None:
    """Let each disk be the file of that name in the folder of the configuration, if there is one."""
    definition.checkpoints.clear()
    definition.reference_points.clear()
    definition.snapshot_location = definition.smart_paging_path = home
    for slot in definition.disks:
        name = "" if slot.path is None else slot.path.rsplit("\\", 1)[1]
        if name and exists(world, f"{home}\\{name}", node.name):
            slot.path = f"{home}\\{name}"


def _compare(world: World, node: Node, definition: Definition) -> list[Json]:
    findings = []
    for adapter in definition.adapters:
        if adapter.switch_name is not None:
            text = f"The adapter '{adapter.name}' of a copy is not connected."
            findings.append(finding(0, "VMNetworkAdapter", adapter.name, text, mended_by="disconnected"))
            adapter.switch_name = None
    owners = {path.lower() for one in world.state.machines for path in one.definition.disk_paths()}
    for leaf in definition.disk_paths():
        problem = why_unusable(world, leaf, node.name)
        if problem is not None:
            findings.append(finding(DISK_UNUSABLE, "HardDiskDrive", leaf, f"'{problem[1]}' can't be opened ({problem[0]})."))
        elif leaf.lower() in owners:
            findings.append(finding(DISK_UNUSABLE, "HardDiskDrive", leaf, f"'{leaf}' belongs to another virtual machine."))
    return findings


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
