"""The commands that look at and change roles; any live node can execute them."""

from borg_cluster.simulator.activity import start_role, stop_role
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.failure import cluster_service_down, ours, role_missing, vmms_down
from borg_cluster.simulator.model import Node
from borg_cluster.simulator.node_reports import node_report, writer_report
from borg_cluster.simulator.reports import SCHEMA, Json, cluster_report
from borg_cluster.simulator.role_settings import apply_role_setting, role_setting
from borg_cluster.simulator.roles import add_role, remove_role
from borg_cluster.simulator.vm_answers import vm_state
from borg_cluster.simulator.world import World


def need_cluster(node: Node) -> None:
    """Raise E1 when the cluster service doesn't run on the node."""
    if not node.clussvc:
        raise cluster_service_down(node.name)


def need_hyper_v(node: Node) -> None:
    """Raise E6b when the virtual machine management service doesn't run on the node."""
    if not node.vmms:
        raise vmms_down(node.name)


def get_report(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterReport."""
    del arguments
    need_cluster(node)
    return cluster_report(world, node)


def get_node_report(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterNodeReport."""
    del arguments
    need_hyper_v(node)
    return node_report(world, node)


def get_writer_report(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterWriterReport."""
    del arguments
    return writer_report(world, node)


def get_vm_state(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterVMState."""
    need_cluster(node)
    need_hyper_v(node)
    return vm_state(world, node, arguments.text("VMId"), arguments.texts("Path"))


def get_role_setting(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterRoleSetting."""
    need_cluster(node)
    return role_setting(world, arguments.text("VMId"))


def set_offline_action(world: World, node: Node, arguments: Arguments) -> Json:
    """Set-BorgClusterOfflineAction."""
    need_cluster(node)
    vm_id = arguments.text("VMId")
    resource = world.vm_resource(vm_id)
    if resource is None:
        raise role_missing(vm_id)
    previous = resource.parameters.get("OfflineAction")
    resource.parameters["OfflineAction"] = arguments.number("Action")
    return {"schema": SCHEMA, "vm_id": vm_id, "previous": previous, "current": resource.parameters["OfflineAction"]}


def stop_role_command(world: World, node: Node, arguments: Arguments) -> Json:
    """Stop-BorgClusterRole; a VM without a role is fine."""
    need_cluster(node)
    if world.find_role(arguments.text("VMId")) is not None:
        stop_role(world, arguments.text("VMId"), arguments.number("TimeoutSecond"))
    return vm_state(world, node, arguments.text("VMId"))


def start_role_command(world: World, node: Node, arguments: Arguments) -> Json:
    """Start-BorgClusterRole."""
    need_cluster(node)
    start_role(world, arguments.text("VMId"), arguments.number("TimeoutSecond"))
    return vm_state(world, node, arguments.text("VMId"))


def remove_role_command(world: World, node: Node, arguments: Arguments) -> Json:
    """Remove-BorgClusterRole; a VM without a role is fine."""
    need_cluster(node)
    vm_id = arguments.text("VMId")
    role = world.find_role(vm_id)
    if role is not None:
        others = [one.name for one in world.state.resources if one.role_id == role.id and one.vm_id != vm_id]
        others += [disk.name for disk in world.state.disks if disk.role_id == role.id]
        if others:
            message = f"The role '{role.name}' holds more than this virtual machine: {', '.join(others)}."
            raise ours("RoleShared", message, category="ResourceBusy", target=vm_id)
        remove_role(world, role)
    return vm_state(world, node, vm_id)


def add_role_command(world: World, node: Node, arguments: Arguments) -> Json:
    """Add-BorgClusterRole, on the node that has the VM; one that has a role keeps it as it is."""
    need_cluster(node)
    vm_id = arguments.text("VMId")
    if world.find_role(vm_id) is None:
        add_role(world, world.machine(vm_id, node.name), arguments.text("Name"))
    return vm_state(world, node, vm_id)


def set_role_setting(world: World, node: Node, arguments: Arguments) -> Json:
    """Set-BorgClusterRoleSetting."""
    need_cluster(node)
    return apply_role_setting(world, arguments.text("VMId"), arguments.text("Setting"))
