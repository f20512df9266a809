"""Hyper-V, spoken in our terms: one method for each command of the PowerShell module.

Every method asks one node one question over a session of its own, so that methods may be called from many threads at once. It
returns the decoded answer, or :class:`Lost` if the node can't give one: the verb then discovers again and asks the new owner.
After a lost connection a change has an unknown outcome, and that is ``Lost`` too: look again, never send it again blindly. A node
that carried the command out and reported an error record raises :class:`~borg_cluster.errors.CommandFailed`. The bridge never
chooses a node and never retries.

VM ids are lower-case GUIDs without braces; paths are Windows' own text; timeouts are seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from borg_cluster import remoting
from borg_cluster.core.policy import RemotingSettings
from borg_cluster.core.report import SCHEMA, ClusterReport, NodeReport, WriterReport
from borg_cluster.core.vm_state import (
    ClaimState,
    FileResult,
    OfflineActionResult,
    RegisterResult,
    RoleSetting,
    RoleSettingResult,
    VMState,
)
from borg_cluster.errors import CommandFailed
from borg_cluster.remoting import Kind, Parameter, RemotingError

Answer = TypeVar("Answer")

ANSWERS: Mapping[str, type] = {
    "Get-BorgClusterReport": ClusterReport,
    "Get-BorgClusterNodeReport": NodeReport,
    "Get-BorgClusterWriterReport": WriterReport,
    "Get-BorgClusterVMState": VMState,
    "Get-BorgClusterRoleSetting": RoleSetting,
    "Get-BorgClusterClaim": ClaimState,
    "New-BorgClusterClaim": ClaimState,
    "Remove-BorgClusterClaim": ClaimState,
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
    "Remove-BorgClusterRestoreFolder": FileResult,
}
"""The command table: each command of the PowerShell module and the class of its answer."""

_REASONS = {Kind.UNREACHABLE: "unreachable", Kind.TIMEOUT: "timed_out", Kind.AUTH: "refused"}

_WITHOUT_PASSWORD = ("kerberos", "certificate")
"""Ways to log in that do without a password: the user's ticket, and a key that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A node that gave no answer: gone, refusing us, or answering what we can't read.

    ``reason`` is 'refused' (the login), 'timed_out', 'unreachable' or 'failed'; the message names the node and the cause.
    """

    node: str
    reason: str
    message: str
    hint: str | None


class Bridge:
    """Asks the nodes of one cluster.

    Args:
        settings: how nodes are reached.
        domain: appended to a node's short name; None leaves names as they are.
        secret: resolves a reference such as '{credential file PATH}', or '{terminal USER}' for a user without one; called when
            the first session needs the password.
    """

    def __init__(self, settings: RemotingSettings, *, domain: str | None, secret: Callable[[str], str]) -> None:
        self._settings = settings
        self._domain = domain
        self._secret = secret
        self._secret_lock = Lock()
        self._known_password: str | None = None

    def get_report(self, node: str) -> ClusterReport | Lost:
        """Return the cluster subsystem's view, the same from every live node."""
        return self._ask(ClusterReport, node, "Get-BorgClusterReport", {})

    def get_node_report(self, node: str) -> NodeReport | Lost:
        """Return what is registered on this node."""
        return self._ask(NodeReport, node, "Get-BorgClusterNodeReport", {})

    def get_writer_report(self, node: str) -> WriterReport | Lost:
        """Return this node's VSS writer metadata."""
        return self._ask(WriterReport, node, "Get-BorgClusterWriterReport", {})

    def get_vm_state(self, node: str, *, vm_id: str, path: tuple[str, ...] = ()) -> VMState | Lost:
        """Return one VM as this node tells it, with the state of each ``path`` in that order."""
        parameters: dict[str, Parameter] = {"VMId": vm_id}
        if path:
            parameters["Path"] = list(path)
        return self._ask(VMState, node, "Get-BorgClusterVMState", parameters)

    def get_role_setting(self, node: str, *, vm_id: str) -> RoleSetting | Lost:
        """Return everything of the role that its removal would lose."""
        return self._ask(RoleSetting, node, "Get-BorgClusterRoleSetting", {"VMId": vm_id})

    def get_claim(self, node: str, *, vm_id: str, folder: str) -> ClaimState | Lost:
        """Return who holds the VM. ``folder`` is the ``.borg-cluster`` folder of its storage."""
        return self._ask(ClaimState, node, "Get-BorgClusterClaim", {"VMId": vm_id, "Folder": folder})

    def new_claim(self, node: str, *, vm_id: str, folder: str, claim_id: str, holder: str, purpose: str) -> ClaimState | Lost:
        """Claim the VM by exclusive creation of a file; ``acquired`` tells whether the claim there is this one."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Folder": folder, "ClaimId": claim_id, "Holder": holder}
        return self._ask(ClaimState, node, "New-BorgClusterClaim", parameters | {"Purpose": purpose})

    def remove_claim(self, node: str, *, vm_id: str, folder: str, claim_id: str) -> ClaimState | Lost:
        """Let the VM go, if the claim there has this id; otherwise answer whose it is."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Folder": folder, "ClaimId": claim_id}
        return self._ask(ClaimState, node, "Remove-BorgClusterClaim", parameters)

    def set_offline_action(self, node: str, *, vm_id: str, action: int) -> OfflineActionResult | Lost:
        """Set what the role does with its VM when it stops: 0 TurnOff, 1 Save, 2 Shutdown, 3 ForcedShutdown."""
        return self._ask(OfflineActionResult, node, "Set-BorgClusterOfflineAction", {"VMId": vm_id, "Action": action})

    def stop_role(self, node: str, *, vm_id: str, timeout_second: int) -> VMState | Lost:
        """Take the role offline."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Stop-BorgClusterRole", parameters, longer=timeout_second)

    def start_role(self, node: str, *, vm_id: str, timeout_second: int) -> VMState | Lost:
        """Bring the role online."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Start-BorgClusterRole", parameters, longer=timeout_second)

    def stop_vm(self, node: str, *, vm_id: str, action: str, timeout_second: int) -> VMState | Lost:
        """Stop a VM without a role; ``action`` is TurnOff, Save or Shutdown."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Action": action, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Stop-BorgClusterVM", parameters, longer=timeout_second)

    def start_vm(self, node: str, *, vm_id: str, timeout_second: int) -> VMState | Lost:
        """Start a VM without a role."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Start-BorgClusterVM", parameters, longer=timeout_second)

    def remove_role(self, node: str, *, vm_id: str) -> VMState | Lost:
        """Remove the role and its resources; the VM stays registered and no longer fails over."""
        return self._ask(VMState, node, "Remove-BorgClusterRole", {"VMId": vm_id})

    def add_role(self, node: str, *, vm_id: str, name: str) -> VMState | Lost:
        """Make the VM highly available; ``name`` is the role's."""
        return self._ask(VMState, node, "Add-BorgClusterRole", {"VMId": vm_id, "Name": name})

    def set_role_setting(self, node: str, *, vm_id: str, setting: RoleSetting) -> RoleSettingResult | Lost:
        """Put back the role's settings, as far as they go; the answer lists what failed."""
        text = _adapter(RoleSetting).dump_json(setting).decode()
        return self._ask(RoleSettingResult, node, "Set-BorgClusterRoleSetting", {"VMId": vm_id, "Setting": text})

    def copy_configuration(
        self, node: str, *, vm_id: str, restore_id: str, source: tuple[str, ...], destination: tuple[str, ...]
    ) -> FileResult | Lost:
        """Copy the VM's configuration files or folders aside; the answer holds the destinations' states."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "RestoreId": restore_id}
        parameters |= {"Source": list(source), "Destination": list(destination)}
        return self._ask(FileResult, node, "Copy-BorgClusterConfiguration", parameters)

    def unregister_vm(self, node: str, *, vm_id: str) -> VMState | Lost:
        """Take the VM out of Hyper-V on this node; its disks stay."""
        return self._ask(VMState, node, "Unregister-BorgClusterVM", {"VMId": vm_id})

    def register_vm(self, node: str, *, vm_id: str, path: str) -> RegisterResult | Lost:
        """Register the VM in place from its .vmcx at ``path``."""
        return self._ask(RegisterResult, node, "Register-BorgClusterVM", {"VMId": vm_id, "Path": path})

    def move_file(
        self, node: str, *, restore_id: str, source: tuple[str, ...], destination: tuple[str, ...]
    ) -> FileResult | Lost:
        """Rename each source to its destination on the same volume; answers with all sources, then all destinations."""
        parameters: dict[str, Parameter] = {"RestoreId": restore_id, "Source": list(source), "Destination": list(destination)}
        return self._ask(FileResult, node, "Move-BorgClusterFile", parameters)

    def grant_vm_access(self, node: str, *, vm_id: str, path: tuple[str, ...]) -> FileResult | Lost:
        """Give the VM's own account access to its disks."""
        return self._ask(FileResult, node, "Grant-BorgClusterVMAccess", {"VMId": vm_id, "Path": list(path)})

    def remove_saved_state(self, node: str, *, vm_id: str) -> VMState | Lost:
        """Drop the VM's saved memory, so that it boots cold."""
        return self._ask(VMState, node, "Remove-BorgClusterSavedState", {"VMId": vm_id})

    def remove_restore_folder(self, node: str, *, restore_id: str, folder: tuple[str, ...]) -> FileResult | Lost:
        """Delete folders of a restore, and with them the parked old VM."""
        parameters: dict[str, Parameter] = {"RestoreId": restore_id, "Folder": list(folder)}
        return self._ask(FileResult, node, "Remove-BorgClusterRestoreFolder", parameters)

    def _password(self) -> str | None:
        reference, user = self._settings.password, self._settings.username
        if reference is None and (user is None or self._settings.auth in _WITHOUT_PASSWORD):
            return None
        with self._secret_lock:
            if self._known_password is None:
                self._known_password = self._secret(reference or f"{{terminal {user}}}")
            return self._known_password

    def _name_of(self, node: str) -> str:
        return node if self._domain is None or "." in node else f"{node}.{self._domain}"

    def _ask(
        self, answer: type[Answer], node: str, command: str, parameters: Mapping[str, Parameter], *, longer: int = 0
    ) -> Answer | Lost:
        settings, name = self._settings, self._name_of(node)
        address, password, deadline = remoting.address_of(settings, name), self._password(), settings.deadline + longer
        try:
            with remoting.open_session(settings, node=name, address=address, password=password, deadline=deadline) as session:
                text = session.invoke(command, parameters)
        except RemotingError as error:
            if error.kind is Kind.COMMAND:
                raise CommandFailed(error.message, hint=error.hint, node=node, command=command, **error.fields) from error
            return Lost(node=node, reason=_REASONS.get(error.kind, "failed"), message=error.message, hint=error.hint)
        return _decode(answer, text, node=node)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbered:
    schema: int


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - functools.cache is blind to type variables
    return TypeAdapter(answer)


def _decode(answer: type[Answer], text: str, *, node: str) -> Answer | Lost:
    again = f"run Install-BorgCluster.ps1 on {node} again"
    try:
        number = _adapter(_Numbered).validate_json(text, strict=True).schema
        if number == SCHEMA:
            # mypy takes a class for unhashable
            decoded: Answer = _adapter(answer).validate_json(text, strict=True)  # type: ignore[arg-type]
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
    return {command: _closed(_adapter(answer).json_schema()) for command, answer in ANSWERS.items()}


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    for part in (schema, *schema.get("$defs", {}).values()):
        part["additionalProperties"] = False
        for name, property_ in part["properties"].items():
            property_.pop("title", None)
            if name == "schema":
                property_["const"] = SCHEMA
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
