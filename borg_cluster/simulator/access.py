"""What the endpoint's identity may do on a node: told, and held against each command."""

from collections.abc import Mapping

from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.failure import access_refused
from borg_cluster.simulator.model import Node
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.world import World

RIGHTS = (
    "cluster_read",
    "cluster_full",
    "hyper_v",
    "wmi_virtualization",
    "wmi_cluster",
    "vss",
    "volume_write",
    "administrator",
)
"""The rights that are asked about."""

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "cluster_read": ("Get-BorgClusterReport", "Get-BorgClusterVMState", "Get-BorgClusterRoleSetting"),
    "cluster_full": (
        "Set-BorgClusterOfflineAction",
        "Stop-BorgClusterRole",
        "Start-BorgClusterRole",
        "Remove-BorgClusterRole",
        "Add-BorgClusterRole",
        "Set-BorgClusterRoleSetting",
    ),
    "hyper_v": (
        "Get-BorgClusterNodeReport",
        "Get-BorgClusterVMState",
        "Stop-BorgClusterVM",
        "Start-BorgClusterVM",
        "Unregister-BorgClusterVM",
        "Register-BorgClusterVM",
        "Compare-BorgClusterVM",
        "Register-BorgClusterVMCopy",
        "Remove-BorgClusterSavedState",
        "Test-BorgClusterBoot",
    ),
    "wmi_virtualization": (
        "Get-BorgClusterSnapshot",
        "Get-BorgClusterReferencePoint",
        "New-BorgClusterSnapshot",
        "Remove-BorgClusterSnapshot",
        "ConvertTo-BorgClusterReferencePoint",
        "Remove-BorgClusterReferencePoint",
        "Get-BorgClusterDiskChange",
        "Wait-BorgClusterMerge",
    ),
    "vss": ("Get-BorgClusterWriterReport",),
    "volume_write": (
        "New-BorgClusterClaim",
        "Remove-BorgClusterClaim",
        "Copy-BorgClusterConfiguration",
        "Move-BorgClusterFile",
        "Grant-BorgClusterVMAccess",
        "Clear-BorgClusterChangeTracking",
        "Remove-BorgClusterRestoreFolder",
    ),
}


def refuse_without_right(node: Node, command: str) -> None:
    """Raise CommandError for a command that needs a right which the node's endpoint lacks."""
    for right in node.denied:
        if command in _NEEDED.get(right, ()):
            raise access_refused(right, node.name)


def get_access(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterAccess."""
    del world, arguments
    return {
        "schema": SCHEMA,
        "node": node.name,
        "identity": node.identity,
        "checks": [_check(node, right) for right in RIGHTS],
    }


def _check(node: Node, right: str) -> Json:
    if right in node.unknown_rights:
        return {"right": right, "granted": None, "detail": "It could not be found out."}
    denied = right in node.denied
    return {"right": right, "granted": not denied, "detail": "Access is denied." if denied else None}
