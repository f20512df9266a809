"""The world as it matters, for a comparison of before and after: no generated ids of the cluster, no times."""

from dataclasses import asdict
from pathlib import Path

from borg_cluster.simulator.chains import find_chain
from borg_cluster.simulator.definition import Definition, read_definition
from borg_cluster.simulator.machines import configuration_path
from borg_cluster.simulator.places import files_below
from borg_cluster.simulator.reports import Json
from borg_cluster.simulator.role_settings import role_setting
from borg_cluster.simulator.roles import role_state
from borg_cluster.simulator.vhdx_content import content_hash
from borg_cluster.simulator.world import World

OWN_FOLDER = ".borg-cluster"
"""The folder on each volume that holds claims and restores; it is left out."""


def fingerprint(world: World) -> Json:
    """Return every VM (by id) with its registration, definition, disks, their content and its role, and the volumes' files."""
    with world.lock:
        ids = {machine.id for machine in world.state.machines} | {one.vm_id for one in world.state.resources}
        return {"vms": {vm_id: vm_fingerprint(world, vm_id) for vm_id in sorted(ids)}, "files": file_list(world)}


def vm_fingerprint(world: World, vm_id: str) -> Json:
    """Return one VM with its registrations, definition, the hashes of its disks' virtual content, and its role."""
    with world.lock:
        registered = sorted(world.registrations(vm_id), key=lambda machine: machine.node)
        definition, node, configuration = _definition(world, vm_id)
        return {
            "registrations": [
                {"node": one.node, "state": one.state, "is_clustered": one.is_clustered, "configuration": one.configuration_path}
                for one in registered
            ],
            "configuration": configuration,
            "definition": None if definition is None else asdict(definition),
            "disks": {} if definition is None else _disks(world, definition, node),
            "role": _role(world, vm_id),
        }


def _definition(world: World, vm_id: str) -> tuple[Definition | None, str, str | None]:
    """Return the definition as its .vmcx has it, also of a VM that no node lists because its role is offline."""
    for machine in world.registrations(vm_id):
        return read_definition(world.real(machine.configuration_path, machine.node)), machine.node, machine.configuration_path
    resource, role = world.configuration_resource(vm_id), world.find_role(vm_id)
    if resource is None or role is None or resource.vm_store_root_path is None:
        return None, "", None
    path = configuration_path(resource.vm_store_root_path, vm_id)
    real = world.real(path, role.owner_node)
    return (read_definition(real) if real.exists() else None), role.owner_node, path


def _disks(world: World, definition: Definition, node: str) -> dict[str, Json]:
    disks: dict[str, Json] = {}
    for slot in definition.disks:
        if slot.path is not None:
            chain = find_chain(world, slot.path, node)
            position = " ".join(str(part) for part in slot.position)
            content = content_hash(chain.reals) if chain.error is None else None
            disks[position] = {"chain": [link.path for link in chain.links], "error": chain.error, "content": content}
    return disks


def _role(world: World, vm_id: str) -> Json | None:
    role = world.find_role(vm_id)
    if role is None:
        return None
    setting = {name: value for name, value in role_setting(world, vm_id).items() if name != "schema"}
    vm, configuration = world.vm_resource(vm_id), world.configuration_resource(vm_id)
    return {
        "state": role_state(world, role),
        "owner": role.owner_node,
        "vm_resource": None if vm is None else vm.state,
        "configuration_resource": None if configuration is None else configuration.state,
        "setting": setting,
    }


def file_list(world: World) -> list[str]:
    """Return the paths of all files on all volumes, below the world's folder, without the product's own."""
    roots = [world.folder / name for name in ("volumes", "disks", "local", "shares")]
    files = (path.relative_to(world.folder) for root in roots for path in files_below(root))
    return sorted(str(path) for path in files if not _is_own(path))


def _is_own(path: Path) -> bool:
    return OWN_FOLDER in path.parts
