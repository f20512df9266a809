"""What clients of real Windows endpoints sent, sent to a simulated node: does it answer with the same kind?

A kind is what a client goes by before it looks inside: the response's action, the command's state, or the fault's number. What a
script prints can't be compared: no script runs on a simulated node. What is changed in a request is the name of the session
configuration, the time that a Receive may wait, and ids that the server chose.
"""

import http.client
import ssl
import tarfile
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from xml.etree import ElementTree as ET

import yaml
from psrpcore.types import PSRPMessageType

from borg_cluster.simulator.psrp import message_type
from borg_cluster.simulator.wire import Nodes
from borg_cluster.simulator.wsman import NAMESPACES, POWERSHELL

_CONFIGURATION = f"{POWERSHELL}BorgCluster"
_WAIT = "PT2S"
_ACTIONS_OF_DISCONNECTION = ("Connect", "Disconnect", "Reconnect", "Enumerate")
_FAULT = "{http://schemas.microsoft.com/wbem/wsman/1/wsmanfault}WSManFault"
_POOL_CONTROL = (
    PSRPMessageType.SetMaxRunspaces,
    PSRPMessageType.SetMinRunspaces,
    PSRPMessageType.GetAvailableRunspaces,
    PSRPMessageType.ResetRunspaceState,
)
_DONE = "ReceiveResponse, Done"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A request and the kind of the answer to it."""

    action: str
    resource: str
    command_id: str | None
    request: ET.Element
    kind: str
    given_id: str | None
    """The id of a shell or of a command that the answer gives."""
    invented: bool
    """No Windows answered this: the recording's author wrote it."""


@dataclass(kw_only=True)
class Tally:
    """What came of the messages: ``same`` and ``different`` were sent, the others not, by reason."""

    same: int = 0
    different: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def render(self, recordings: int) -> str:
        """Return the result in a few lines."""
        sent = self.same + len(self.different)
        total = sent + self.left_out.total()
        lines = [f"{recordings} recordings, {total} requests, {sent} of them sent: {self.same} answered with the same kind"]
        lines += [f"  another kind: {one}" for one in self.different]
        lines += [f"  not sent: {count}: {reason}" for reason, count in self.left_out.most_common()]
        return "\n".join(lines)


def recordings(archive: Path) -> Iterator[tuple[str, list[Message]]]:
    """Yield name and messages of each recording in pypsrp's source distribution."""
    with tarfile.open(archive) as unpacked:
        for member in sorted(unpacked.getmembers(), key=lambda one: one.name):
            path = Path(member.name)
            file = unpacked.extractfile(member) if path.suffix == ".yml" and path.parent.name == "responses" else None
            if file is not None and not path.name.startswith("_"):
                yield path.stem, [_message(one) for one in yaml.safe_load(file)["messages"]]


def replay(name: str, messages: list[Message], nodes: Nodes, tally: Tally) -> None:
    """Send the messages of one recording in their order, and count what comes of them."""
    with _Client(nodes) as client:
        disconnected = waiting = controlling = False
        for number, message in enumerate(messages, 1):
            disconnected = disconnected or message.action in _ACTIONS_OF_DISCONNECTION
            waiting = waiting or message.kind.endswith("Pending")
            controlling = controlling or _controls_pool(message)
            reason = _not_applicable(message, disconnected=disconnected, waiting=waiting)
            if reason is None and controlling and message.command_id is None and message.action in ("Send", "Receive"):
                reason = "changes to a pool that borg-cluster never asks for"
            if reason is not None:
                tally.left_out[reason] += 1
                continue
            kind = client.send(message)
            if kind == message.kind:
                tally.same += 1
            else:
                tally.different.append(f"{name} {number}: {message.action}: Windows: {message.kind}; simulated: {kind}")


def _controls_pool(message: Message) -> bool:
    stream = message.request.find("s:Body/rsp:Send/rsp:Stream", NAMESPACES)
    if stream is None or stream.get("CommandId"):
        return False
    return message_type(b64decode(stream.text or "")) in _POOL_CONTROL


def _not_applicable(message: Message, *, disconnected: bool, waiting: bool) -> str | None:
    if not message.resource.startswith(POWERSHELL) and not message.resource.endswith("windows/shell"):
        return "cmd.exe, or WinRM's own configuration"
    if disconnected:
        return "sessions that are disconnected and connected again"
    if message.invented:
        return "an error that the recording's author wrote, or that came of something beside the requests"
    if message.action == "Receive" and message.command_id and message.kind != _DONE:
        return "output of a script before its end"
    if waiting and message.action == "Send" and message.request.find(".//rsp:Stream[@CommandId]", NAMESPACES) is not None:
        return "answers to what a script asks its user"
    return None


def _message(recorded: dict[str, object]) -> Message:
    request = ET.fromstring(str(recorded["request"]))  # noqa: S314 - from the package index, as the code beside it that runs
    action = (request.findtext("s:Header/a:Action", "", NAMESPACES)).rpartition("/")[2]
    stream = request.find(".//rsp:DesiredStream", NAMESPACES)
    response = recorded.get("response")
    return Message(
        action=action,
        resource=request.findtext("s:Header/w:ResourceURI", "", NAMESPACES),
        command_id=None if stream is None else stream.get("CommandId"),
        request=request,
        kind=kind_of(str(response)) if response else "nothing",
        given_id=_given_id(str(response)) if response else None,
        invented="transport_error" in recorded or "http_error" in recorded,
    )


def kind_of(response: str) -> str:
    """Return the kind of an answer."""
    envelope = ET.fromstring(response)  # noqa: S314 - as above, or from a simulated node
    fault = envelope.find(f".//{_FAULT}")
    if fault is not None:
        return f"fault {fault.get('Code')}"
    action = envelope.findtext("s:Header/a:Action", "", NAMESPACES).rpartition("/")[2]
    state = envelope.find(".//rsp:ReceiveResponse/rsp:CommandState", NAMESPACES)
    return action if state is None else f"{action}, {str(state.get('State')).rpartition('/')[2]}"


def _given_id(response: str) -> str | None:
    envelope = ET.fromstring(response)  # noqa: S314 - as above
    shell = envelope.findtext(".//x:ResourceCreated//w:Selector", None, NAMESPACES)
    return shell or envelope.findtext(".//rsp:CommandResponse/rsp:CommandId", None, NAMESPACES)


class _Client:
    """A connection to a simulated node, logged in."""

    def __init__(self, nodes: Nodes) -> None:
        tls = ssl.create_default_context(cafile=str(nodes.ca))
        # the address is all there is to connect to
        tls.check_hostname = False
        self._connection = http.client.HTTPSConnection(nodes.addresses["node1"], nodes.port, context=tls, timeout=30)
        login = b64encode(f"{nodes.username}:{nodes.password}".encode()).decode()
        self._ids: dict[str, str] = {}
        """Ids here by ids there: to a client of old, the server gave others than it asked for."""
        self._headers = {"Authorization": f"Basic {login}", "Content-Type": "application/soap+xml;charset=UTF-8"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def send(self, message: Message) -> str:
        """Send a request; return the kind of the answer."""
        for path, text in (("s:Header/w:ResourceURI", _CONFIGURATION), ("s:Header/w:OperationTimeout", _WAIT)):
            element = message.request.find(path, NAMESPACES)
            if element is not None and not (element.text or "").endswith("windows/shell"):
                element.text = text
        for selector in message.request.iterfind("s:Header/w:SelectorSet/w:Selector[@Name='ShellId']", NAMESPACES):
            selector.text = self._ids.get(selector.text or "", selector.text)
        for element in message.request.iterfind("s:Body/*//*[@CommandId]", NAMESPACES):
            element.set("CommandId", self._ids.get(element.get("CommandId", ""), element.get("CommandId", "")))
        self._connection.request("POST", "/wsman", ET.tostring(message.request), self._headers)
        response = self._connection.getresponse().read().decode()
        if message.given_id is not None:
            self._ids[message.given_id] = _given_id(response) or ""
        return kind_of(response)
