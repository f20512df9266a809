"""What the commands answer with: their classes, their JSON decoded and checked, and the schemas made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from borg_cluster.core.report import SCHEMA, ClusterReport, NodeReport, WriterReport
from borg_cluster.core.snapshot import AccessReport, DiskChangeReport, ReferencePointReport, SnapshotReport
from borg_cluster.core.vm_state import (
    ClaimState,
    FileResult,
    OfflineActionResult,
    RegisterResult,
    RoleSetting,
    RoleSettingResult,
    VMState,
)

Answer = TypeVar("Answer")

ANSWERS: Mapping[str, type] = {
    "Get-BorgClusterReport": ClusterReport,
    "Get-BorgClusterNodeReport": NodeReport,
    "Get-BorgClusterWriterReport": WriterReport,
    "Get-BorgClusterVMState": VMState,
    "Get-BorgClusterRoleSetting": RoleSetting,
    "Get-BorgClusterClaim": ClaimState,
    "Get-BorgClusterAccess": AccessReport,
    "Get-BorgClusterSnapshot": SnapshotReport,
    "Get-BorgClusterReferencePoint": ReferencePointReport,
    "New-BorgClusterClaim": ClaimState,
    "Remove-BorgClusterClaim": ClaimState,
    "New-BorgClusterSnapshot": SnapshotReport,
    "Remove-BorgClusterSnapshot": SnapshotReport,
    "ConvertTo-BorgClusterReferencePoint": ReferencePointReport,
    "Remove-BorgClusterReferencePoint": ReferencePointReport,
    "Get-BorgClusterDiskChange": DiskChangeReport,
    "Wait-BorgClusterMerge": SnapshotReport,
    "Set-BorgClusterOfflineAction": OfflineActionResult,
    "Stop-BorgClusterRole": VMState,
    "Start-BorgClusterRole": VMState,
    "Stop-BorgClusterVM": VMState,
    "Start-BorgClusterVM": VMState,
    "Remove-BorgClusterRole": VMState,
    "Add-BorgClusterRole": VMState,
    "Set-BorgClusterRoleSetting": RoleSettingResult,
    "Copy-BorgClusterConfiguration": FileResult,
    "Unregister-BorgClusterVM": VMState,
    "Register-BorgClusterVM": RegisterResult,
    "Move-BorgClusterFile": FileResult,
    "Grant-BorgClusterVMAccess": FileResult,
    "Remove-BorgClusterSavedState": VMState,
    "Compare-BorgClusterVM": RegisterResult,
    "Register-BorgClusterVMCopy": RegisterResult,
    "Clear-BorgClusterChangeTracking": FileResult,
    "Test-BorgClusterBoot": VMState,
    "Remove-BorgClusterRestoreFolder": FileResult,
}
"""The command table: each command of the PowerShell module and the class of its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A node that gave no answer: gone, refusing us, or answering what we can't read.

    ``reason`` is 'refused' (the login), 'timed_out', 'unreachable' or 'failed'; the message names the node and the cause.
    """

    node: str
    reason: str
    message: str
    hint: str | None
    missing: bool = False
    """It answers, but its endpoint has no such command for this login: nothing was done there, and waiting won't help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbered:
    schema: int


@cache
def adapter_of(answer: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - functools.cache is blind to type variables
    """Return what reads and writes the JSON of a class of answers."""
    return TypeAdapter(answer)


def decode(answer: type[Answer], text: str, *, node: str) -> Answer | Lost:
    """Return the answer that a node's text holds, or Lost if it is not what this version reads."""
    again = f"run Install-BorgCluster.ps1 on {node} again"
    try:
        number = adapter_of(_Numbered).validate_json(text, strict=True).schema
        if number == SCHEMA:
            # mypy takes a class for unhashable
            decoded: Answer = adapter_of(answer).validate_json(text, strict=True)  # type: ignore[arg-type]
            return decoded
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "answer"
        return Lost(node=node, reason="failed", message=f"{node}: unreadable answer: {place}: {first['msg']}", hint=again)
    hint = "update borg-cluster on this machine" if number > SCHEMA else again
    message = f"{node}: its module answers with schema {number}, this borg-cluster reads schema {SCHEMA}"
    return Lost(node=node, reason="failed", message=message, hint=hint)


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each command's answer, by command; an object takes no properties but those named."""
    return {command: _closed(adapter_of(answer).json_schema()) for command, answer in ANSWERS.items()}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    for part in (schema, *schema.get("$defs", {}).values()):
        part["additionalProperties"] = False
        for name, property_ in part["properties"].items():
            property_.pop("title", None)
            if name == "schema":
                property_["const"] = SCHEMA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
