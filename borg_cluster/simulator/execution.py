"""Executing a command on a node: binding, faults, the command itself, and its answer as text."""

import base64
import gzip
import json
from collections.abc import Callable, Mapping

from borg_cluster.simulator import (
    access,
    change_commands,
    claim_commands,
    copy_commands,
    file_commands,
    role_commands,
    snapshot_commands,
    vm_commands,
)
from borg_cluster.simulator.activity import settle
from borg_cluster.simulator.commands import Arguments, bind, find_command
from borg_cluster.simulator.failure import CommandError, ours
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.model import Node
from borg_cluster.simulator.nodes import crash
from borg_cluster.simulator.reports import Json
from borg_cluster.simulator.roles import progress_flags, reappear
from borg_cluster.simulator.snapshots import progress_merges
from borg_cluster.simulator.world import World

LONGEST_PLAIN_ANSWER = 100_000

HANDLERS: Mapping[str, Callable[[World, Node, Arguments], Json]] = {
    "Get-BorgClusterReport": role_commands.get_report,
    "Get-BorgClusterNodeReport": role_commands.get_node_report,
    "Get-BorgClusterWriterReport": role_commands.get_writer_report,
    "Get-BorgClusterVMState": role_commands.get_vm_state,
    "Get-BorgClusterRoleSetting": role_commands.get_role_setting,
    "Get-BorgClusterClaim": claim_commands.get_claim,
    "New-BorgClusterClaim": claim_commands.new_claim,
    "Remove-BorgClusterClaim": claim_commands.remove_claim,
    "Get-BorgClusterAccess": access.get_access,
    "Get-BorgClusterSnapshot": snapshot_commands.get_snapshot,
    "Get-BorgClusterReferencePoint": snapshot_commands.get_reference_point,
    "New-BorgClusterSnapshot": snapshot_commands.new_snapshot,
    "Remove-BorgClusterSnapshot": snapshot_commands.remove_snapshot,
    "ConvertTo-BorgClusterReferencePoint": snapshot_commands.convert_snapshot,
    "Remove-BorgClusterReferencePoint": snapshot_commands.remove_point,
    "Get-BorgClusterDiskChange": change_commands.get_disk_change,
    "Wait-BorgClusterMerge": snapshot_commands.wait_for_merge,
    "Set-BorgClusterOfflineAction": role_commands.set_offline_action,
    "Stop-BorgClusterRole": role_commands.stop_role_command,
    "Start-BorgClusterRole": role_commands.start_role_command,
    "Stop-BorgClusterVM": vm_commands.stop_vm_command,
    "Start-BorgClusterVM": vm_commands.start_vm_command,
    "Remove-BorgClusterRole": role_commands.remove_role_command,
    "Add-BorgClusterRole": role_commands.add_role_command,
    "Set-BorgClusterRoleSetting": role_commands.set_role_setting,
    "Copy-BorgClusterConfiguration": file_commands.copy_configuration,
    "Unregister-BorgClusterVM": vm_commands.unregister,
    "Register-BorgClusterVM": vm_commands.register,
    "Move-BorgClusterFile": file_commands.move_files,
    "Grant-BorgClusterVMAccess": vm_commands.grant_access,
    "Remove-BorgClusterSavedState": vm_commands.remove_saved_state,
    "Compare-BorgClusterVM": copy_commands.compare_vm,
    "Register-BorgClusterVMCopy": copy_commands.register_copy,
    "Clear-BorgClusterChangeTracking": change_commands.clear_tracking,
    "Test-BorgClusterBoot": vm_commands.test_boot,
    "Remove-BorgClusterRestoreFolder": file_commands.remove_restore_folder,
}


def execute(world: World, node: Node, command_name: str, given: Mapping[str, object], cluster: object) -> str:
    """Execute a command and return its answer; ``cluster`` is what a fault's change is called with.

    Raises CommandError for an error record, and for a node that is down (which the wire notices before).
    """
    command = find_command(command_name)
    arguments = bind(command, given)
    with world.change(command.name, kind="command", node=node.name, parameters=dict(arguments.values)):
        due = world.faults.entering(node.name, command.name)
        for fault in due:
            _apply_before(world, node, fault, cluster)
        if not node.answers:
            raise ours("NodeDown", f"'{node.name}' is down.", category="ConnectionError", code="1722", target=node.name)
        settle(world)
        reappear(world)
        progress_flags(world)
        progress_merges(world)
        try:
            access.refuse_without_right(node, command.name)
            answer = HANDLERS[command.name](world, node, arguments)
        except CommandError as problem:
            world.note("error", problem.message, command=command.name, error_id=problem.error_id, code=problem.code)
            raise
        for fault in world.faults.leaving(node.name, command.name):
            if fault.change is not None:
                fault.change(cluster)
    return as_text(_falsified(answer, due))


def _apply_before(world: World, node: Node, fault: Fault, cluster: object) -> None:
    if fault.kind == "node_down":
        crash(world, world.node(fault.node) if fault.node else node)
    elif fault.change is not None:
        fault.change(cluster)
    elif fault.error is not None:
        raise fault.error


def _falsified(answer: Json, faults: list[Fault]) -> Json:
    for fault in faults:
        if fault.kind == "old_schema":
            answer = {**answer, "schema": fault.schema}
        elif fault.kind == "old_module" and "module_version" in answer:
            answer = {**answer, "module_version": fault.module_version}
    return answer


def as_text(answer: Json) -> str:
    """Return an answer as the module writes it: JSON, or gzip in base64 of it when it is long."""
    text = json.dumps(answer, ensure_ascii=False)
    if len(text) <= LONGEST_PLAIN_ANSWER:
        return text
    return base64.b64encode(gzip.compress(text.encode())).decode("ascii")
