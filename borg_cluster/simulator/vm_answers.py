"""The answer about one VM, which every command that changes a role or a registration gives too."""

from collections.abc import Sequence

from borg_cluster.simulator.chains import exists
from borg_cluster.simulator.machines import in_use
from borg_cluster.simulator.model import Machine, Node
from borg_cluster.simulator.node_reports import listed, modified
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.roles import role_state
from borg_cluster.simulator.world import World


def vm_state(world: World, node: Node, vm_id: str, paths: Sequence[str] = ()) -> Json:
    """Return the answer of Get-BorgClusterVMState."""
    machine = next((one for one in listed(world, node.name) if one.id == vm_id), None)
    return {
        "schema": SCHEMA,
        "node": node.name,
        "vm_id": vm_id,
        "taken_at": world.now_text(),
        "role": _role(world, vm_id),
        "registration": None if machine is None else _registration(machine),
        "files": [file_state(world, node.name, path) for path in paths],
    }


def _role(world: World, vm_id: str) -> Json | None:
    role = world.find_role(vm_id)
    if role is None:
        return None
    vm, configuration = world.vm_resource(vm_id), world.configuration_resource(vm_id)
    parameters = {} if vm is None else vm.parameters
    return {
        "id": role.id,
        "name": role.name,
        "state": role_state(world, role),
        "owner_node": role.owner_node,
        "vm_resource_state": None if vm is None else vm.state,
        "configuration_resource_state": None if configuration is None else configuration.state,
        "offline_action": parameters.get("OfflineAction"),
        "migration_state": parameters.get("MigrationState"),
        "depends_on_disks": [disk.name for disk in world.state.disks if disk.role_id == role.id],
    }


def _registration(machine: Machine) -> Json:
    return {
        "name": machine.definition.name,
        "state": machine.state,
        "operational_status": machine.shown_status(),
        "is_clustered": machine.is_clustered,
        "configuration_path": machine.configuration_path,
        "disk_paths": machine.definition.disk_paths(),
        "checkpoint_ids": [one.id for one in machine.definition.present()],
        "has_saved_state": machine.state == "Saved",
        "heartbeat": machine.heartbeat,
    }


def file_state(world: World, node: str, path: str) -> Json:
    """Return how a path looks from a node."""
    if not exists(world, path, node):
        return {"path": path, "exists": False, "is_folder": False, "length": None, "modified": None, "in_use": None}
    real = world.real(path, node)
    folder = real.is_dir()
    return {
        "path": path,
        "exists": True,
        "is_folder": folder,
        "length": None if folder else real.stat().st_size,
        "modified": modified(real),
        "in_use": None if folder else in_use(world, path, node) is not None,
    }


def file_result(world: World, node: str, restore_id: str | None, paths: Sequence[str]) -> Json:
    """Return the answer of the commands that copy, rename, remove or grant."""
    files = [file_state(world, node, path) for path in paths]
    return {"schema": SCHEMA, "node": node, "restore_id": restore_id, "files": files}
