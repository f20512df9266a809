"""The command table: what the PowerShell module answers, and so what the simulated nodes answer."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from borg_cluster.simulator.failure import CommandError, command_not_found

TYPES = ("guid", "string", "string[]", "int", "bool")
"""The type words of parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a command; ``type`` is one of ``TYPES``."""

    type: str
    mandatory: bool = True
    allowed: tuple[str, ...] = ()
    """The only values that a string may have; empty: any."""
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    """What a string must end like, as a regular expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: who may call it (Reader, Backup or Restore; each includes the ones before it) and its parameters in order."""

    name: str
    role: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


_VM = Parameter(type="guid")
_TEXT = Parameter(type="string")
_LIST = Parameter(type="string[]")
_FEW = Parameter(type="string[]", mandatory=False)
_TIMEOUT = Parameter(type="int", minimum=0, maximum=86400)
_STOP_ACTION = Parameter(type="string", allowed=("TurnOff", "Save", "Shutdown"))
_MOVE = {"Source": _LIST, "Destination": _LIST}
_RESTORE = Parameter(type="guid")
_CONSISTENCY = Parameter(type="string", allowed=("Application", "Crash"))
_CONFIGURATION = Parameter(type="string", pattern=r"\.vmcx$")
_CLAIM = {"VMId": _VM, "Folder": _TEXT, "ClaimId": Parameter(type="guid")}

_READER: dict[str, Mapping[str, Parameter]] = {
    "Get-BorgClusterReport": {},
    "Get-BorgClusterNodeReport": {},
    "Get-BorgClusterWriterReport": {},
    "Get-BorgClusterVMState": {"VMId": _VM, "Path": Parameter(type="string[]", mandatory=False)},
    "Get-BorgClusterRoleSetting": {"VMId": _VM},
    "Get-BorgClusterClaim": {"VMId": _VM, "Folder": _TEXT},
    "Get-BorgClusterAccess": {},
    "Get-BorgClusterSnapshot": {"VMId": _VM},
    "Get-BorgClusterReferencePoint": {"VMId": _VM},
}
_BACKUP: dict[str, Mapping[str, Parameter]] = {
    "New-BorgClusterClaim": {**_CLAIM, "Holder": _TEXT, "Purpose": _TEXT},
    "Remove-BorgClusterClaim": _CLAIM,
    "New-BorgClusterSnapshot": {
        "VMId": _VM,
        "RunId": Parameter(type="guid"),
        "Consistency": _CONSISTENCY,
        "TimeoutSecond": _TIMEOUT,
    },
    "Remove-BorgClusterSnapshot": {"VMId": _VM, "SnapshotId": Parameter(type="guid")},
    "ConvertTo-BorgClusterReferencePoint": {"VMId": _VM, "SnapshotId": Parameter(type="guid")},
    "Remove-BorgClusterReferencePoint": {"VMId": _VM, "ReferencePointId": Parameter(type="guid")},
    "Get-BorgClusterDiskChange": {"VMId": _VM, "Path": _TEXT, "Since": _TEXT},
    "Wait-BorgClusterMerge": {"VMId": _VM, "TimeoutSecond": _TIMEOUT},
}
_RESTORE_COMMANDS: dict[str, Mapping[str, Parameter]] = {
    "Set-BorgClusterOfflineAction": {"VMId": _VM, "Action": Parameter(type="int", minimum=0, maximum=3)},
    "Stop-BorgClusterRole": {"VMId": _VM, "TimeoutSecond": _TIMEOUT},
    "Start-BorgClusterRole": {"VMId": _VM, "TimeoutSecond": _TIMEOUT},
    "Stop-BorgClusterVM": {"VMId": _VM, "Action": _STOP_ACTION, "TimeoutSecond": _TIMEOUT},
    "Start-BorgClusterVM": {"VMId": _VM, "TimeoutSecond": _TIMEOUT},
    "Remove-BorgClusterRole": {"VMId": _VM},
    "Add-BorgClusterRole": {"VMId": _VM, "Name": _TEXT},
    "Set-BorgClusterRoleSetting": {"VMId": _VM, "Setting": _TEXT},
    "Copy-BorgClusterConfiguration": {"VMId": _VM, "RestoreId": Parameter(type="guid"), **_MOVE},
    "Unregister-BorgClusterVM": {"VMId": _VM},
    "Register-BorgClusterVM": {"VMId": _VM, "Path": _CONFIGURATION, "Source": _FEW, "Destination": _FEW},
    "Move-BorgClusterFile": {"RestoreId": Parameter(type="guid"), **_MOVE},
    "Grant-BorgClusterVMAccess": {"VMId": _VM, "Path": _LIST},
    "Remove-BorgClusterSavedState": {"VMId": _VM},
    "Compare-BorgClusterVM": {"VMId": _VM, "Path": _CONFIGURATION},
    "Register-BorgClusterVMCopy": {"Path": _CONFIGURATION, "VMId": _VM, "Name": _TEXT, "RestoreId": _RESTORE},
    "Clear-BorgClusterChangeTracking": {"RestoreId": _RESTORE, "Path": _LIST},
    "Test-BorgClusterBoot": {"VMId": _VM, "TimeoutSecond": _TIMEOUT},
    "Remove-BorgClusterRestoreFolder": {"RestoreId": Parameter(type="guid"), "Folder": _LIST},
}


def _table() -> dict[str, Command]:
    roles = {"Reader": _READER, "Backup": _BACKUP, "Restore": _RESTORE_COMMANDS}
    return {
        name: Command(name=name, role=role, parameters=parameters)
        for role, commands in roles.items()
        for name, parameters in commands.items()
    }


COMMANDS: Mapping[str, Command] = _table()
"""Command name -> command, in the order of the table."""

_BY_LOWER_NAME = {name.lower(): command for name, command in COMMANDS.items()}


def find_command(name: str) -> Command:
    """Return the command called ``name`` (PowerShell ignores case); raises CommandError when there is none."""
    try:
        return _BY_LOWER_NAME[name.lower()]
    except KeyError:
        raise command_not_found(name) from None


@dataclass(frozen=True, slots=True)
class Arguments:
    """The bound parameters of a call: their names as in the table, their values of the table's types."""

    values: Mapping[str, object]

    def text(self, name: str) -> str:
        """Return a string or a GUID (lower case, without braces)."""
        return str(self.values[name])

    def texts(self, name: str) -> list[str]:
        """Return an array; empty when it wasn't given."""
        value = self.values.get(name, [])
        return [str(one) for one in value] if isinstance(value, list) else [str(value)]

    def number(self, name: str) -> int:
        """Return a number."""
        return int(str(self.values[name]))


def bind(command: Command, given: Mapping[str, object]) -> Arguments:
    """Bind parameters as PowerShell does.

    Raises CommandError for an unknown or missing parameter and for a value that its type or validation refuses.
    """
    spelling = {name.lower(): name for name in command.parameters}
    bound: dict[str, object] = {}
    for word, value in given.items():
        name = spelling.get(word.lower())
        if name is None:
            raise _refused(command, "NamedParameterNotFound", f"No parameter matches parameter name '{word}'.")
        if value is not None:
            bound[name] = _converted(command, name, value)
    missing = [name for name, parameter in command.parameters.items() if parameter.mandatory and name not in bound]
    if missing:
        raise _refused(command, "MissingMandatoryParameter", f"Missing mandatory parameters: {' '.join(missing)}.")
    return Arguments(bound)


def _refused(command: Command, error: str, message: str) -> CommandError:
    return CommandError(message, f"{error},{command.name}", "InvalidArgument", target=command.name)


def _converted(command: Command, name: str, value: object) -> object:
    parameter = command.parameters[name]
    try:
        converted = _CONVERT[parameter.type](value)
    except (TypeError, ValueError) as problem:
        message = f"Cannot process argument transformation on parameter '{name}'. {problem}"
        raise _refused(command, "ParameterArgumentTransformationError", message) from problem
    _validate(command, name, converted)
    return converted


def _validate(command: Command, name: str, value: object) -> None:
    parameter = command.parameters[name]
    wrong = bool(parameter.allowed) and value not in parameter.allowed
    if isinstance(value, str):
        wrong = wrong or re.search(parameter.pattern, value, re.IGNORECASE) is None
    if isinstance(value, int):
        wrong = wrong or (parameter.minimum is not None and value < parameter.minimum)
        wrong = wrong or (parameter.maximum is not None and value > parameter.maximum)
    if wrong or value == "" or (value == [] and parameter.mandatory) or (isinstance(value, list) and "" in value):
        message = f"Cannot validate argument on parameter '{name}': {value!r}."
        raise _refused(command, "ParameterArgumentValidationError", message)


def _guid(value: object) -> str:
    text = str(value)
    if not re.fullmatch(r"\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?", text):
        raise ValueError(f"Cannot convert value {text!r} to type System.Guid.")
    return str(uuid.UUID(text))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"Cannot convert value {value!r} to type System.String.")
    return str(value)


def _texts(value: object) -> list[str]:
    # PowerShell turns a single value into an array of one
    return [_text(one) for one in value] if isinstance(value, (list, tuple)) else [_text(value)]


def _number(value: object) -> int:
    if isinstance(value, (bool, float)) or not isinstance(value, (int, str)):
        raise TypeError(f"Cannot convert value {value!r} to type System.Int32.")
    return int(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"Cannot convert value {value!r} to type System.Boolean.")
    return value


_CONVERT = {"guid": _guid, "string": _text, "string[]": _texts, "int": _number, "bool": _truth}
