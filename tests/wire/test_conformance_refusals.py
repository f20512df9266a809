"""What every command answers about a VM that isn't there, and to text that a shell would read as more than text.

Nothing here changes anything, so all of it runs against a real cluster, too (``--cluster=FILE``).
"""

import pytest

from borg_cluster.bridge import ANSWERS
from borg_cluster.remoting import Kind, Parameter, RemotingError
from tests.wire.target import Target

NOBODY = "00000000-0000-4000-8000-000000000000"
"""The id of no VM, claim, snapshot or restore."""
NOWHERE = "C:\\No such folder\\one"
CONFIGURATION = f"{NOWHERE}\\Virtual Machines\\{NOBODY}.vmcx"
ELSEWHERE = "C:\\ClusterStorage\\No such volume\\one"
NOT_NORMAL = "C:\\ClusterStorage\\..\\Windows"
VM: dict[str, Parameter] = {"VMId": NOBODY}
MOVE: dict[str, Parameter] = {"RestoreId": NOBODY, "Source": [NOWHERE], "Destination": [ELSEWHERE]}
CLAIM: dict[str, Parameter] = {**VM, "Folder": NOWHERE, "ClaimId": NOBODY}
FINE = ""
NOT_REGISTERED, NO_ROLE, NOT_ALLOWED = "BorgClusterVMNotRegistered", "BorgClusterRoleMissing", "BorgClusterPathNotAllowed"

OF_NOBODY: dict[str, tuple[dict[str, Parameter], str]] = {
    "Get-BorgClusterReport": ({}, FINE),
    "Get-BorgClusterNodeReport": ({}, FINE),
    "Get-BorgClusterWriterReport": ({}, FINE),
    "Get-BorgClusterAccess": ({}, FINE),
    "Get-BorgClusterVMState": ({**VM, "Path": [NOWHERE]}, FINE),
    "Get-BorgClusterRoleSetting": (VM, NO_ROLE),
    "Get-BorgClusterClaim": ({**VM, "Folder": NOWHERE}, NOT_ALLOWED),
    "Get-BorgClusterSnapshot": (VM, NOT_REGISTERED),
    "Get-BorgClusterReferencePoint": (VM, NOT_REGISTERED),
    "New-BorgClusterClaim": ({**CLAIM, "Holder": "nobody", "Purpose": "none"}, NOT_ALLOWED),
    "Remove-BorgClusterClaim": (CLAIM, NOT_ALLOWED),
    "New-BorgClusterSnapshot": ({**VM, "RunId": NOBODY, "Consistency": "Crash", "TimeoutSecond": 1}, NOT_REGISTERED),
    "Remove-BorgClusterSnapshot": ({**VM, "SnapshotId": NOBODY}, NOT_REGISTERED),
    "ConvertTo-BorgClusterReferencePoint": ({**VM, "SnapshotId": NOBODY}, NOT_REGISTERED),
    "Remove-BorgClusterReferencePoint": ({**VM, "ReferencePointId": NOBODY}, NOT_REGISTERED),
    "Get-BorgClusterDiskChange": ({**VM, "Path": NOWHERE, "Since": "none"}, NOT_REGISTERED),
    "Wait-BorgClusterMerge": ({**VM, "TimeoutSecond": 1}, NOT_REGISTERED),
    "Set-BorgClusterOfflineAction": ({**VM, "Action": 0}, NO_ROLE),
    "Stop-BorgClusterRole": ({**VM, "TimeoutSecond": 1}, FINE),
    "Start-BorgClusterRole": ({**VM, "TimeoutSecond": 1}, NO_ROLE),
    "Stop-BorgClusterVM": ({**VM, "Action": "TurnOff", "TimeoutSecond": 1}, FINE),
    "Start-BorgClusterVM": ({**VM, "TimeoutSecond": 1}, NOT_REGISTERED),
    "Remove-BorgClusterRole": (VM, FINE),
    "Add-BorgClusterRole": ({**VM, "Name": "nobody"}, NOT_REGISTERED),
    "Set-BorgClusterRoleSetting": ({**VM, "Setting": "{}"}, "BorgClusterSettingOfAnother"),
    "Copy-BorgClusterConfiguration": ({**VM, **MOVE}, NOT_ALLOWED),
    "Unregister-BorgClusterVM": (VM, FINE),
    "Register-BorgClusterVM": ({**VM, "Path": f"{NOT_NORMAL}\\one.vmcx"}, NOT_ALLOWED),
    "Move-BorgClusterFile": (MOVE, NOT_ALLOWED),
    "Grant-BorgClusterVMAccess": ({**VM, "Path": [NOT_NORMAL]}, NOT_ALLOWED),
    "Remove-BorgClusterSavedState": (VM, FINE),
    "Compare-BorgClusterVM": ({**VM, "Path": f"{NOT_NORMAL}\\one.vmcx"}, NOT_ALLOWED),
    "Register-BorgClusterVMCopy": (
        {"Path": f"{NOT_NORMAL}\\one.vmcx", **VM, "Name": "nobody", "RestoreId": NOBODY},
        NOT_ALLOWED,
    ),
    "Clear-BorgClusterChangeTracking": ({"RestoreId": NOBODY, "Path": [NOT_NORMAL]}, NOT_ALLOWED),
    "Test-BorgClusterBoot": ({**VM, "TimeoutSecond": 0}, NOT_REGISTERED),
    "Remove-BorgClusterRestoreFolder": ({"RestoreId": NOBODY, "Folder": [NOWHERE]}, NOT_ALLOWED),
}
"""Each command about nobody and nothing, and the error id of its answer."""

HOSTILE = ("web[1]* ?", "'; throw 'run'; '", '"$(throw 1)" `$x', "<x>&amp;\r\n\U0001f600", "_x000A_", "x" * 300)
PATHS = {"Folder", "Path", "Source", "Destination"}
TEXTS = {*PATHS, "Holder", "Purpose", "Since", "Name"}
"""Parameters that take any text."""
MORE = {"Clear-BorgClusterChangeTracking": (FINE,)}
"""What a command may also answer: beside a disk that isn't there, there is nothing to clear."""


def outcome(target: Target, command: str, parameters: dict[str, Parameter]) -> str:
    """Return the error id of an answer, '' for one without an error; it must be an answer of the command itself."""
    try:
        target.raw(target.entry, command, parameters)
    except RemotingError as error:
        if error.kind is not Kind.COMMAND:
            raise
        return str(error.fields["error_id"])
    return FINE


def test_every_command_is_here() -> None:
    assert set(OF_NOBODY) == set(ANSWERS)


@pytest.mark.parametrize("command", OF_NOBODY)
def test_nobody_and_nothing(target: Target, command: str) -> None:
    parameters, expected = OF_NOBODY[command]
    assert [outcome(target, command, parameters) for _ in range(2)] == [expected] * 2


@pytest.mark.parametrize("command", [command for command, (given, _) in OF_NOBODY.items() if TEXTS & given.keys()])
def test_text_is_only_text(target: Target, command: str) -> None:
    """It is refused by the command's own errors, or about nobody: nothing in it is ever run, cut or replaced."""
    given, expected = OF_NOBODY[command]
    allowed = {expected, NOT_ALLOWED, "PathNotFound", "BorgClusterPathMissing", *MORE.get(command, ())}
    for text in HOSTILE:
        path = f"C:\\No such folder\\{text}" + (".vmcx" if command.startswith(("Register", "Compare")) else "")
        hostile: dict[str, Parameter] = {}
        for name, value in given.items():
            if name in PATHS:
                hostile[name] = [path] if isinstance(value, list) else path
            else:
                hostile[name] = text if name in TEXTS else value
        assert outcome(target, command, hostile) in allowed


@pytest.mark.parametrize("command", [command for command, (given, _) in OF_NOBODY.items() if given])
def test_a_missing_or_unknown_parameter_is_an_error(target: Target, command: str) -> None:
    given, _ = OF_NOBODY[command]
    fewer = {name: value for name, value in given.items() if name != next(iter(given))}
    for wrong in (fewer, {**given, "Force": True}):
        assert outcome(target, command, wrong) not in {FINE, NOT_REGISTERED, NO_ROLE, NOT_ALLOWED}
