"""WS-Management as a simulated node speaks it: SOAP envelopes in, SOAP envelopes and faults out; no sockets, no PowerShell."""

import re
import uuid
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

_TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
_SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"

CREATE = f"{_TRANSFER}/Create"
DELETE = f"{_TRANSFER}/Delete"
GET = f"{_TRANSFER}/Get"
COMMAND = f"{_SHELL}/Command"
SEND = f"{_SHELL}/Send"
RECEIVE = f"{_SHELL}/Receive"
SIGNAL = f"{_SHELL}/Signal"
DONE = f"{_SHELL}/CommandState/Done"
STOP_SIGNAL = "powershell/signal/ctrl_c"
POWERSHELL = "http://schemas.microsoft.com/powershell/"
"""Resource URIs of PowerShell: this and the name of the session configuration."""

NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "x": _TRANSFER,
    "rsp": _SHELL,
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "pwsh": "http://schemas.microsoft.com/powershell",
}
_DECLARATIONS = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
_ANONYMOUS = f"{NAMESPACES['a']}/role/anonymous"
_FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
_MANY_SECONDS = 60.0


class Dropped(Exception):
    """The connection is to be cut without an answer."""


class Fault(Exception):
    """A SOAP fault: Windows' number for it, its SOAP subcode, and the text for people."""

    def __init__(self, code: int, subcode: str, message: str, *, sender: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.subcode = subcode
        self.message = message
        self.sender = sender


def timed_out() -> Fault:
    """Nothing happened within OperationTimeout; clients ask again."""
    text = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  "
    return Fault(2150858793, "w:TimedOut", text, sender=False)


def shell_not_found() -> Fault:
    """This node has no such shell (any more)."""
    text = (
        "The WS-Management service cannot process the request because the request contained invalid selectors for the resource. "
    )
    return Fault(2150858843, "w:InvalidSelectors", text)


def command_id_not_found() -> Fault:
    """The shell has no such command."""
    text = (
        "The Windows Remote Shell received a request to perform an operation on a command identifier that does not exist. "
        "Either the command has completed execution or the client specified an invalid command identifier. "
    )
    return Fault(2150858843, "w:InvalidSelectors", text)


def no_such_resource(uri: str) -> Fault:
    """No session configuration of that name is registered."""
    text = (
        f"The WS-Management service cannot process the request. The resource URI ({uri}) was not found in the WS-Management "
        "catalog. The catalog contains the metadata that describes resources, or logical endpoints. "
    )
    return Fault(2150858811, "a:DestinationUnreachable", text)


def access_denied() -> Fault:
    """Who logged in may not use this session configuration."""
    return Fault(5, "w:AccessDenied", "Access is denied. ")


def not_supported(what: str) -> Fault:
    """An action that these endpoints don't have, or an envelope that they can't read."""
    return Fault(2150858753, "a:ActionNotSupported", f"The WS-Management service cannot process the request: {what}")


def internal(error: Exception) -> Fault:
    """The simulator itself failed; better a fault that says so than a lost connection."""
    return Fault(2150858991, "w:InternalError", f"The simulated node failed: {error!r}", sender=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, as far as a PowerShell endpoint reads it. ``timeout``: seconds; ``envelope_size``: bytes."""

    action: str
    message_id: str
    resource_uri: str
    shell_id: str | None
    timeout: float
    envelope_size: int
    body: ET.Element

    def text(self, path: str) -> str | None:
        """Return the text of the body's element at this path."""
        return self.body.findtext(path, namespaces=NAMESPACES)

    def attribute(self, path: str, name: str) -> str | None:
        """Return an attribute of the body's element at this path."""
        element = self.body.find(path, NAMESPACES)
        return None if element is None else element.get(name)


def parse_request(data: bytes) -> Request:
    """Read an envelope; raises Fault for what is none."""
    try:
        envelope = ET.fromstring(data)  # noqa: S314 - only from tests and the demo, on a loopback address, after the login
    except ET.ParseError as error:
        raise not_supported(str(error)) from error
    header, body = envelope.find("s:Header", NAMESPACES), envelope.find("s:Body", NAMESPACES)
    if header is None or body is None:
        raise not_supported("no SOAP envelope")
    seconds = re.fullmatch(r"PT([0-9.]+)S", header.findtext("w:OperationTimeout", "", NAMESPACES))
    return Request(
        action=header.findtext("a:Action", "", NAMESPACES),
        message_id=header.findtext("a:MessageID", "", NAMESPACES),
        resource_uri=header.findtext("w:ResourceURI", "", NAMESPACES),
        shell_id=header.findtext("w:SelectorSet/w:Selector[@Name='ShellId']", None, NAMESPACES),
        timeout=float(seconds[1]) if seconds else _MANY_SECONDS,
        envelope_size=int(header.findtext("w:MaxEnvelopeSize", "153600", NAMESPACES)),
        body=body,
    )


def render_response(request: Request, body: str) -> bytes:
    """Return the envelope that answers a request; ``body`` is XML that uses the prefixes of NAMESPACES."""
    return _envelope(f"{request.action}Response", request.message_id, body)


def render_fault(fault: Fault, *, relates_to: str, node: str) -> bytes:
    """Return the envelope of a fault."""
    text, where = escape(fault.message), escape(node)
    code = "s:Sender" if fault.sender else "s:Receiver"
    detail = (
        f'<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="{fault.code}" Machine="{where}">'
        f"<f:Message>{text}</f:Message></f:WSManFault>"
    )
    body = (
        f"<s:Fault><s:Code><s:Value>{code}</s:Value><s:Subcode><s:Value>{fault.subcode}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason><s:Detail>{detail}</s:Detail></s:Fault>'
    )
    return _envelope(_FAULT_ACTION, relates_to, body)


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    header = (
        f"<a:Action>{action}</a:Action><a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID>"
        f"<a:To>{_ANONYMOUS}</a:To><a:RelatesTo>{escape(relates_to)}</a:RelatesTo>"
    )
    envelope = f'<s:Envelope xml:lang="en-US" {_DECLARATIONS}><s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>'
    return envelope.encode()
