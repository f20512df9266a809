"""Error records as Windows sends them: identifier, category, and the code as the exception's HResult."""

from psrpcore.types import ErrorCategory, ErrorCategoryInfo, ErrorRecord, NETException

from borg_cluster.simulator.failure import CommandError

_NO_CODE = 0x80131501
"""COR_E_SYSTEM: what an exception without a code of its own carries."""


def scripts_not_allowed() -> CommandError:
    """E29: the endpoint's language mode is NoLanguage."""
    message = "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."
    return CommandError(message, "ScriptsNotAllowed", "ParserError")


def text_not_ours(text: str) -> CommandError:
    """No Windows says this: a simulated full session runs no text but the module's own files."""
    message = f"This simulated session takes no text but the files of the module; it was given {len(text)} characters of another."
    return CommandError(message, "SimulatorRefusesText", "SecurityError")


def hresult(code: str | None) -> int:
    """Return a code (a Win32 number or an HRESULT, as text) as the signed number that .NET has."""
    number = _NO_CODE if code is None else int(code, 0)
    if number <= 0xFFFF:  # noqa: PLR2004 - HRESULT_FROM_WIN32
        number |= 0x80070000
    return number - (1 << 32) if number >= 1 << 31 else number


def error_record(error: CommandError) -> ErrorRecord:
    """Return the record that PowerShell would write for this error."""
    reason = _exception_name(error)
    exception = NETException(Message=error.message, HResult=hresult(error.code))
    exception.PSObject.type_names = [reason, "System.SystemException", *exception.PSTypeNames]
    category = ErrorCategoryInfo(
        Category=getattr(ErrorCategory, error.category),
        Activity=error.error_id.partition(",")[2].rpartition(".")[2],
        Reason=reason.rpartition(".")[2],
        TargetName=error.target,
        TargetType="String" if error.target else "",
    )
    return ErrorRecord(
        Exception=exception, CategoryInfo=category, TargetObject=error.target or None, FullyQualifiedErrorId=error.error_id
    )


def _exception_name(error: CommandError) -> str:
    for part, name in _EXCEPTIONS.items():
        if part in error.error_id:
            return name
    return "System.Management.Automation.RuntimeException"


_EXCEPTIONS = {
    "CommandNotFoundException": "System.Management.Automation.CommandNotFoundException",
    "ScriptsNotAllowed": "System.Management.Automation.ParseException",
    "FailoverClusters": "Microsoft.FailoverClusters.PowerShell.ClusterCmdletException",
    "HyperV": "Microsoft.HyperV.PowerShell.VirtualizationException",
}
