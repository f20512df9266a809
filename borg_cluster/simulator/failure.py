"""How a simulated command fails: the error catalogue of Windows, as far as the commands can meet it.

Identifier, category and code are what a client may decide by; the text is only for people. Codes are text: a Win32 number
("5023") or an HRESULT ("0x80070020").
"""

ACCESS_DENIED = "0x80070005"
SHARING_VIOLATION = "0x80070020"
OUT_OF_MEMORY = "0x8007000E"
FILE_NOT_FOUND = "0x80070002"
PARENT_NOT_FOUND = "0xC03A000D"
PARENT_MISMATCH = "0xC03A000E"
FILE_IS_SPARSE = "0xC03A001A"
FILE_CORRUPT = "0xC03A0005"

_HYPER_V = "Microsoft.HyperV.PowerShell.Commands"
_CLUSTER = "Microsoft.FailoverClusters.PowerShell"
NOT_SUPPORTED, INVALID_STATE = 32770, 32775
_METHOD_NUMBERS = {
    NOT_SUPPORTED: ("not supported", "0x80070032", "NotImplemented"),
    INVALID_STATE: ("invalid state", "0x8007139F", "InvalidOperation"),
}


class CommandError(Exception):
    """An error record of a command.

    Args:
        message: what Windows says, for people.
        error_id: the FullyQualifiedErrorId.
        category: the error category's name, such as InvalidOperation.
        code: a Win32 number or an HRESULT as text, if there is one.
        target: what the record is about, such as a path or a VM id.
    """

    def __init__(
        self, message: str, error_id: str, category: str = "NotSpecified", *, code: str | None = None, target: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_id = error_id
        self.category = category
        self.code = code
        self.target = target


def ours(
    error_id: str, message: str, *, category: str = "InvalidOperation", code: str | None = None, target: str = ""
) -> CommandError:
    """Return an error of the module itself; ``error_id`` is prefixed with BorgCluster."""
    return CommandError(message, f"BorgCluster{error_id}", category, code=code, target=target)


def cluster_service_down(node: str) -> CommandError:
    """E1: the cluster service doesn't run on this node."""
    return CommandError(
        "The cluster service is not running.  Make sure that the service is running on all nodes in the cluster.",
        f"ClusterEndpointNotRegistered,{_CLUSTER}.GetClusterCommand",
        "ConnectionError",
        code="1753",
        target=node,
    )


def role_missing(vm_id: str) -> CommandError:
    """No cluster group has a resource for this VM."""
    message = f"No resource of the cluster names the virtual machine {vm_id}."
    return ours("RoleMissing", message, category="ObjectNotFound", target=vm_id)


def vm_not_registered(vm_id: str, node: str) -> CommandError:
    """The VM isn't registered on the node that was asked."""
    message = f"The virtual machine {vm_id} is not registered on {node}."
    return ours("VMNotRegistered", message, category="ObjectNotFound", target=vm_id)


def vm_not_found(vm_id: str) -> CommandError:
    """E5 as Hyper-V itself says it."""
    return CommandError(
        f'Hyper-V was unable to find a virtual machine with id "{vm_id}".',
        f"InvalidParameter,{_HYPER_V}.GetVM",
        "InvalidArgument",
        target=vm_id,
    )


def vmms_down(node: str) -> CommandError:
    """E6b: the virtual machine management service doesn't run."""
    return CommandError(
        f"The Hyper-V Management Tools could not access an expected WMI class on computer '{node}'.",
        f"ObjectNotFound,{_HYPER_V}.GetVM",
        "ObjectNotFound",
        code="0x8004100E",
        target=node,
    )


def invalid_vm_state(name: str, cmdlet: str, *, target: str) -> CommandError:
    """E7: a Hyper-V cmdlet was refused because of the VM's state."""
    return CommandError(
        f"'{name}': The operation cannot be performed while the virtual machine is in its current state.",
        f"InvalidState,{_HYPER_V}.{cmdlet}",
        "InvalidOperation",
        code="32775",
        target=target,
    )


def method_failed(method: str, number: int, *, target: str) -> CommandError:
    """E12: a WMI method of Hyper-V returned a number instead of beginning a job."""
    meaning, code, category = _METHOD_NUMBERS[number]
    message = f"{method} returned {number}: {meaning}."
    return ours("MethodFailed", message, category=category, code=code, target=target)


def job_failed(method: str, reason: str, *, code: str, target: str) -> CommandError:
    """E10, E11, E14: a WMI method's job failed; ``code`` is the job's error."""
    message = f"{method} failed with {code} (job state 10): {reason}"
    return ours("JobFailed", message, category="OperationStopped", code=code, target=target)


def disk_unreadable(path: str, *, code: str) -> CommandError:
    """E9: Get-VHD failed."""
    message = f"Getting the mounted storage instance for the path '{path}' failed. ({code})"
    return CommandError(
        message, "OperationFailed,Microsoft.Vhd.PowerShell.Cmdlets.GetVHD", "NotSpecified", code=code, target=path
    )


def access_refused(right: str, node: str) -> CommandError:
    """E3 and E6: the endpoint's identity lacks a right; ``right`` is one of the access report's words."""
    if right.startswith("cluster"):
        message = "You do not have administrative privileges on the cluster. Access is denied"
        return CommandError(message, f"ClusterAccessDenied,{_CLUSTER}.GetClusterCommand", "AuthenticationError", code="5")
    if right == "volume_write":
        return CommandError(
            "Access to the path is denied.", "System.UnauthorizedAccessException", "PermissionDenied", code=ACCESS_DENIED
        )
    message = f"You do not have the required permission to complete this task on computer '{node}'."
    return CommandError(message, f"AccessDenied,{_HYPER_V}.GetVM", "PermissionDenied", code=ACCESS_DENIED)


def invalid_group_state(name: str, cmdlet: str, *, target: str) -> CommandError:
    """E16: a cluster cmdlet was refused because of the role's state."""
    return CommandError(
        f"'{name}': The group or resource is not in the correct state to perform the requested operation.",
        f"ClusterInvalidState,{_CLUSTER}.{cmdlet}",
        "InvalidOperation",
        code="5023",
        target=target,
    )


def sharing_violation(path: str) -> CommandError:
    """A file can't be changed because a running (or registered) VM holds it open."""
    return CommandError(
        f"The process cannot access the file '{path}' because it is being used by another process.",
        "System.IO.IOException",
        "WriteError",
        code=SHARING_VIOLATION,
        target=path,
    )


def path_not_found(path: str) -> CommandError:
    """A path that doesn't exist on the node that was asked."""
    return CommandError(
        f"Cannot find path '{path}' because it does not exist.",
        "PathNotFound",
        "ObjectNotFound",
        code=FILE_NOT_FOUND,
        target=path,
    )


def vm_start_failed(name: str, reason: str, *, code: str, target: str) -> CommandError:
    """E18: Start-VM failed."""
    return CommandError(
        f"'{name}' failed to start. {reason} ({code})",
        f"OperationFailed,{_HYPER_V}.StartVM",
        "NotSpecified",
        code=code,
        target=target,
    )


def role_start_failed(name: str, reason: str, *, code: str, target: str) -> CommandError:
    """E18 as the cluster says it: a resource of the role failed."""
    return CommandError(
        f"The role '{name}' could not be brought online: {reason} ({code})",
        f"ClusterResourceFailed,{_CLUSTER}.StartClusterGroupCommand",
        "NotSpecified",
        code=code,
        target=target,
    )


def import_failed(path: str) -> CommandError:
    """E24: incompatibilities that nothing mended."""
    return CommandError(
        "Unable to import virtual machine due to configuration errors.  Please use Compare-VM to repair the virtual machine.",
        f"OperationFailed,{_HYPER_V}.ImportVM",
        "InvalidOperation",
        target=path,
    )


def remove_vm_failed(name: str, *, path: str) -> CommandError:
    """Remove-VM minded that a disk is absent (a doubt; see ``Switches.remove_vm_needs_disks``)."""
    return CommandError(
        f"'{name}' failed to remove. '{path}': The system cannot find the file specified.",
        f"OperationFailed,{_HYPER_V}.RemoveVM",
        "ObjectNotFound",
        code=FILE_NOT_FOUND,
        target=path,
    )


def command_not_found(command: str) -> CommandError:
    """E29: the endpoint has no such command."""
    return CommandError(
        f"The term '{command}' is not recognized as the name of a cmdlet, function, script file, or operable program.",
        "CommandNotFoundException",
        "ObjectNotFound",
        target=command,
    )
