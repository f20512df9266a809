"""The answer that describes the cluster, derived from the state and the files at each question."""

from borg_cluster.simulator.model import CONFIGURATION_RESOURCE, VM_RESOURCE, Node, Resource, Volume
from borg_cluster.simulator.roles import role_state
from borg_cluster.simulator.room import used
from borg_cluster.simulator.world import World

SCHEMA = 1
Json = dict[str, object]


def cluster_report(world: World, node: Node) -> Json:
    """Return Get-BorgClusterReport's answer."""
    state = world.state
    return {
        "schema": SCHEMA,
        "answered_by": node.name,
        "module_version": node.module_version,
        "taken_at": world.now_text(),
        "cluster": state.name,
        "cluster_id": state.id,
        "functional_level": state.functional_level,
        "core_owner": world.core_owner,
        "nodes": [_node(world, one) for one in state.nodes],
        "roles": [
            {
                "id": role.id,
                "name": role.name,
                "group_type": role.group_type,
                "state": role_state(world, role),
                "status_information": role.status_information,
                "owner_node": role.owner_node,
                "priority": role.properties.get("Priority"),
            }
            for role in state.roles
        ],
        "resources": [_resource(world, one) for one in state.resources],
        "volumes": [_volume(world, one) for one in state.volumes],
        "disks": [
            {
                "id": disk.id,
                "name": disk.name,
                "state": disk.state,
                "role_id": disk.role_id,
                "owner_node": _owner(world, disk.role_id),
                "paths": disk.paths,
            }
            for disk in state.disks
        ],
    }


def _node(world: World, node: Node) -> Json:
    return {
        "name": node.name,
        "fqdn": f"{node.name}.{world.state.domain}",
        "state": node.state,
        "status_information": node.status_information,
        "drain_status": node.drain_status,
        "build": node.build,
    }


def _owner(world: World, role_id: str) -> str | None:
    return next((role.owner_node for role in world.state.roles if role.id == role_id), None)


def _resource(world: World, resource: Resource) -> Json:
    of_vm = resource.resource_type == VM_RESOURCE
    offline_action, migration_state = (resource.parameters.get(one) for one in ("OfflineAction", "MigrationState"))
    return {
        "id": resource.id,
        "name": resource.name,
        "resource_type": resource.resource_type,
        "state": resource.state,
        "role_id": resource.role_id,
        "owner_node": _owner(world, resource.role_id),
        "vm_id": resource.vm_id,
        "vm_store_root_path": resource.vm_store_root_path,
        "depends_on": _dependencies(world, resource),
        "depends_on_shared_volumes": resource.shared_volumes,
        "offline_action": offline_action if of_vm else None,
        "migration_state": migration_state if of_vm else None,
    }


def _dependencies(world: World, resource: Resource) -> list[str]:
    pair = [
        one.id
        for one in world.state.resources
        if resource.resource_type == VM_RESOURCE
        and (one.resource_type, one.vm_id, one.role_id) == (CONFIGURATION_RESOURCE, resource.vm_id, resource.role_id)
    ]
    names = {name.lower() for name in resource.extra_dependencies}
    others = [(one.id, one.name) for one in world.state.resources] + [(one.id, one.name) for one in world.state.disks]
    return pair + [one_id for one_id, name in others if name.lower() in names]


def _volume(world: World, volume: Volume) -> Json:
    return {
        "id": volume.id,
        "name": volume.name,
        "state": volume.state,
        "owner_node": volume.owner_node,
        "path": volume.path,
        "partition": volume.partition,
        "file_system": volume.file_system,
        "size": volume.size,
        "free": volume.size - used(world.folder / "volumes" / volume.folder),
        "access": [
            {
                "node": access.node,
                "state": access.state,
                "file_system_reason": access.file_system_reason,
                "block_reason": access.block_reason,
            }
            for access in volume.access
        ],
    }
