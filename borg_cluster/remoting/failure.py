"""Every way that a session or a command can fail, brought to one family."""

import importlib
import re
import ssl
from collections.abc import Iterator
from enum import StrEnum
from typing import Any
from xml.etree.ElementTree import ParseError

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WSManFaultError
from spnego.exceptions import SpnegoError
from urllib3.exceptions import NameResolutionError, ReadTimeoutError

from borg_cluster.core.policy import RemotingSettings
from borg_cluster.errors import BorgClusterError


def _optional(module: str, *names: str) -> tuple[type[Exception], ...]:
    """Return exceptions of a package that is there only with one of our extras."""
    try:
        found = importlib.import_module(module)
    except ImportError:
        return ()
    return tuple(getattr(found, name) for name in names)


_CREDSSP_ERRORS = _optional("requests_credssp.exceptions", "AuthenticationException", "NTStatusException")
_LOGIN_ERRORS: tuple[type[Exception], ...] = (
    *(SpnegoError, ValueError, ImportError),
    *_optional("krb5", "Krb5Error"),
    *_CREDSSP_ERRORS,
)

TRANSPORT_ERRORS: tuple[type[Exception], ...] = (requests.RequestException, WinRMError, ParseError, *_LOGIN_ERRORS)
"""What pypsrp lets through: of its own, of requests and spnego, and (a missing user name, or a missing Kerberos) of Python."""

_OPERATION_TIMED_OUT = 2150858793
_SHELL_GONE = (2150858843, 2150858816)
_NO_SUCH_CONFIGURATION = (2150858811, 2150858754, 2150858752)
_ACCESS_DENIED = 5
_NAME_MISMATCH = 62
"""OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH."""

_FACILITY_WIN32 = 0x8007
_FACILITY_DOTNET = 0x8013

_CATEGORIES = (
    *("NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData"),
    *("InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled", "ObjectNotFound"),
    *("OperationStopped", "OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied", "ResourceBusy"),
    *("ResourceExists", "ResourceUnavailable", "ReadError", "WriteError", "FromStdErr", "SecurityError", "ProtocolError"),
    *("ConnectionError", "AuthenticationError", "LimitsExceeded", "QuotaExceeded", "NotEnabled"),
)
"""Names of System.Management.Automation.ErrorCategory by number."""


class Kind(StrEnum):
    """What stood between us and the answer."""

    UNREACHABLE = "unreachable"
    """Nobody there, or the connection was lost; a command may or may not have been carried out."""
    TIMEOUT = "timeout"
    """As for UNREACHABLE: the outcome of a command is unknown."""
    TLS = "tls"
    AUTH = "auth"
    CONFIGURATION = "configuration"
    """The node has no session configuration of that name."""
    WSMAN = "wsman"
    """The node's remoting failed in another way, or answered what no command of ours answers."""
    MISSING_COMMAND = "missing_command"
    COMMAND = "command"
    """The command reported an error record; ``fields`` holds error_id, category, code and target."""


class RemotingError(BorgClusterError):
    """No answer, and why: one ``kind``, a one-line message that names the node, and perhaps a hint."""

    def __init__(self, kind: Kind, message: str, *, hint: str | None = None, **fields: object) -> None:
        super().__init__(message, hint=hint, **fields)
        self.kind = kind


def classify(error: Exception, *, settings: RemotingSettings, node: str) -> RemotingError:
    """Return one of TRANSPORT_ERRORS as what it means for this node."""
    if isinstance(error, requests.RequestException):
        return _of_connection(error, settings, node)
    if isinstance(error, WSManFaultError):
        return _of_fault(error, settings, node)
    # a node that has CredSSP switched off answers nothing of CredSSP's
    if isinstance(error, (AuthenticationError, *_CREDSSP_ERRORS)):
        return _login_refused(settings, node)
    if isinstance(error, _LOGIN_ERRORS):
        return _no_login(error, settings, node)
    return RemotingError(Kind.WSMAN, f"{node}: {_one_line(error)}")


def from_record(record: Any, *, node: str, command: str) -> RemotingError:  # noqa: ANN401 - pypsrp's objects carry no types
    """Return an error record as an error; ``code`` is always an HRESULT, such as 0x8007139F for Win32's 5023."""
    error_id = str(record.fq_error or "")
    message = " ".join(str(_property(record.exception, "Message") or record).split())
    if error_id.split(",", maxsplit=1)[0] == "CommandNotFoundException":
        hint = f"run Install-BorgCluster.ps1 on {node}: its module is older than this borg-cluster, or the login's role lacks it"
        return RemotingError(Kind.MISSING_COMMAND, f"{node}: it has no command {command}", hint=hint)
    return RemotingError(
        Kind.COMMAND,
        f"{node}: {command}: {message}",
        error_id=error_id,
        category=_CATEGORIES[record.category] if record.category in range(len(_CATEGORIES)) else str(record.category),
        code=_code(record.exception),
        target=record.target_name or None,
    )


_PACKAGES = {
    "kerberos": ("gssapi", "pip install 'borg-cluster[kerberos]' (it builds with libkrb5-dev), or set remoting: auth:"),
    "credssp": ("requests-credssp", "pip install 'borg-cluster[credssp]', or set remoting: auth:"),
}
"""What a way to log in needs beside our own requirements."""

_KERBEROS_HINTS = {
    r"Server (\S+ )?not found in Kerberos database": "the node must be asked under the name it has in the domain: setspn -L NODE",
    "Matching credential not found": "kinit as the user of remoting: username:",
    "No Kerberos credentials available": "kinit, or give remoting: username: and password:",
    "No credentials were supplied": "kinit, or give remoting: username: and password:",
    r"Cannot find KDC( for realm \S+)?": "the realm (in capitals) needs an entry in /etc/krb5.conf or in DNS",
    "Clock skew too great": "set this machine's clock as the domain has it",
    "Preauthentication failed": "check remoting: password:",
    "Password incorrect": "check remoting: password:",
    r"Client (\S+ )?not found in Kerberos database": "check remoting: username: (user@REALM)",
}
"""What to do about what MIT Kerberos says, by a pattern of it."""


def _no_login(error: Exception, settings: RemotingSettings, node: str) -> RemotingError:
    """Kerberos says what is wrong in the middle of much else; there is no other way tried after it."""
    said = _one_line(error)
    if isinstance(error, ImportError) and settings.auth in _PACKAGES:
        package, hint = _PACKAGES[settings.auth]
        return RemotingError(
            Kind.AUTH, f"{node}: no login with {settings.auth}: the package {package} is not installed", hint=hint
        )
    for pattern, hint in _KERBEROS_HINTS.items():
        if found := re.search(pattern, said):
            return RemotingError(Kind.AUTH, f"{node}: no login with {settings.auth}: {found[0]}", hint=hint)
    hint = "remoting: auth:, username: and password: must fit each other; Kerberos needs a ticket (kinit)"
    return RemotingError(Kind.AUTH, f"{node}: no login with {settings.auth}: {said}", hint=hint)


def _code(exception: object) -> str | None:
    for one in (exception, _property(exception, "InnerException")):
        win32, number = _property(one, "NativeErrorCode"), _property(one, "HResult")
        if isinstance(win32, int):
            return f"0x{_FACILITY_WIN32:04X}{win32 & 0xFFFF:04X}"
        # .NET's own numbers only repeat the class of the exception
        if isinstance(number, int) and (number >> 16) & 0xFFFF != _FACILITY_DOTNET:
            return f"0x{number & 0xFFFFFFFF:08X}"
    return None


def _property(of: Any, name: str) -> object:  # noqa: ANN401 - pypsrp's objects carry no types
    return getattr(of, "adapted_properties", {}).get(name)


def _of_connection(error: requests.RequestException, settings: RemotingSettings, node: str) -> RemotingError:
    causes = tuple(_causes(error))
    for one in causes:
        if isinstance(one, ssl.SSLCertVerificationError):
            return _not_trusted(one, settings, node)
    if settings.auth == "certificate" and any("ALERT" in str(getattr(one, "reason", "")) for one in causes):
        hint = "its authority must be one that the node trusts, and the node must map it to a user (WinRM's ClientCertificate)"
        return RemotingError(Kind.AUTH, f"{node}: the certificate {settings.certificate} is refused", hint=hint)
    if isinstance(error, requests.ConnectTimeout):
        seconds = settings.connection_timeout
        return RemotingError(Kind.TIMEOUT, f"{node}: accepted no connection on port {settings.port} for {seconds} s")
    if isinstance(error, requests.Timeout) or any(isinstance(one, ReadTimeoutError) for one in causes):
        return timed_out(node)
    if any(getattr(one, "reason", None) == "WRONG_VERSION_NUMBER" for one in causes):
        return RemotingError(
            Kind.TLS, f"{node}: no TLS on port {settings.port}", hint="remoting: port: must be WinRM's HTTPS port"
        )
    return _unreachable(causes, settings, node)


def _unreachable(causes: tuple[BaseException, ...], settings: RemotingSettings, node: str) -> RemotingError:
    if any(isinstance(one, NameResolutionError) for one in causes):
        hint = f"give {node} an address in DNS, or under remoting: addresses:"
        return RemotingError(Kind.UNREACHABLE, f"{node}: its name has no address", hint=hint)
    if any(isinstance(one, ConnectionRefusedError) for one in causes):
        hint = f"is {node} up, and does WinRM listen for HTTPS there (winrm enumerate winrm/config/listener)?"
        return RemotingError(Kind.UNREACHABLE, f"{node}: connection refused on port {settings.port}", hint=hint)
    return RemotingError(Kind.UNREACHABLE, f"{node}: the connection was lost: {_one_line(causes[-1])}")


def timed_out(node: str) -> RemotingError:
    """Return the error of a node that did not answer in time."""
    hint = "is it overloaded, or does its VMMS hang? remoting: deadline: and read_timeout: give it longer"
    return RemotingError(Kind.TIMEOUT, f"{node}: no answer in time", hint=hint)


def _not_trusted(error: ssl.SSLCertVerificationError, settings: RemotingSettings, node: str) -> RemotingError:
    if error.verify_code == _NAME_MISMATCH:
        hint = f"its certificate must name {node}; a name other than the node's own is never accepted"
        return RemotingError(Kind.TLS, f"{node}: its TLS certificate is for another name", hint=hint)
    ca = settings.ca or "the system's authorities"
    hint = f"remoting: ca: must hold the authority that signed its certificate (now: {ca})"
    return RemotingError(Kind.TLS, f"{node}: its TLS certificate is not trusted: {error.verify_message}", hint=hint)


def _of_fault(error: WSManFaultError, settings: RemotingSettings, node: str) -> RemotingError:
    if error.code == _OPERATION_TIMED_OUT:
        return timed_out(node)
    if error.code in _SHELL_GONE:
        return RemotingError(
            Kind.UNREACHABLE, f"{node}: the session is gone: the node restarted, or another one has its name now"
        )
    if error.code in _NO_SUCH_CONFIGURATION:
        name = settings.configuration_name
        hint = f"run Install-BorgCluster.ps1 on {node}, or mend remoting: configuration_name:"
        return RemotingError(Kind.CONFIGURATION, f"{node}: it has no session configuration {name}", hint=hint)
    if error.code == _ACCESS_DENIED:
        return _login_refused(settings, node)
    return RemotingError(Kind.WSMAN, f"{node}: {_one_line(error)}")


def _login_refused(settings: RemotingSettings, node: str) -> RemotingError:
    who = settings.username or settings.certificate or "the current user"
    hint = f"check remoting: username: and password:, and that {who} may use the session configuration"
    if settings.auth == "credssp":
        hint += "; the node must have CredSSP switched on (Enable-WSManCredSSP -Role Server)"
    if settings.auth == "certificate":
        hint = "the node must map the certificate to a user (WinRM's ClientCertificate) who may use the session configuration"
    return RemotingError(Kind.AUTH, f"{node}: login refused for {who} ({settings.auth})", hint=hint)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was made of, the deepest last; requests and urllib3 put one inside the other's arguments."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or one in seen:
            continue
        seen.append(one)
        yield one
        waiting += [getattr(one, "reason", None), *one.args, one.__cause__, one.__context__]


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
