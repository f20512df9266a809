"""WinRM on one simulated node: its shells, and what each WSMan action does with them."""

import threading
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from psrpcore import PSRPCoreError

from borg_cluster.simulator import wsman
from borg_cluster.simulator.commands import find_command
from borg_cluster.simulator.failure import command_not_found
from borg_cluster.simulator.faults import FaultScript
from borg_cluster.simulator.login import Account
from borg_cluster.simulator.module import FullRunspace, Module
from borg_cluster.simulator.shell import Shell, Silence
from borg_cluster.simulator.wsman import Dropped, Request, render_response


class Cluster(Protocol):
    """What the wire needs of a simulated cluster; ``node`` is always a node's short name."""

    @property
    def name(self) -> str:
        """The cluster's name, without its domain."""

    @property
    def domain(self) -> str:
        """The DNS domain of the cluster's name and of its nodes."""

    @property
    def node_names(self) -> tuple[str, ...]:
        """The short names of all nodes."""

    @property
    def core_owner(self) -> str:
        """The node that answers to the cluster's name."""

    @property
    def faults(self) -> FaultScript:
        """What goes wrong with connections."""

    def reachable(self, node: str) -> bool:
        """Return whether the node answers on the network at all."""

    def invoke(self, node: str, command: str, parameters: Mapping[str, object]) -> str:
        """Execute a command on a node; raises CommandError where PowerShell would write an error record."""


FULL_CONFIGURATION = "Microsoft.PowerShell"
"""The session configuration that every Windows has: the full language, for administrators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A shell, and whose it is: to others it is not there."""

    pool: Shell
    account: Account
    resource_uri: str


class Service:
    """The shells of one node. Several connections use it at once, those to the cluster's name among them.

    ``module``: what a full session takes; None: there is no full session.
    """

    def __init__(
        self, cluster: Cluster, *, node: str, configuration_name: str, stopping: threading.Event, module: Module | None = None
    ) -> None:
        self.node = node
        self._cluster = cluster
        self._resource_uri = wsman.POWERSHELL + configuration_name
        self._module = module
        self._stopping = stopping
        self._shells: dict[str, _Open] = {}
        self._lock = threading.Lock()

    def alive(self) -> bool:
        """Return whether the node is reachable."""
        return not self._stopping.is_set() and self._cluster.reachable(self.node)

    def accepts_login(self) -> bool:
        """Ask the fault script about one login."""
        return self._cluster.faults.login(self.node)

    def lose_shells(self) -> None:
        """End all shells at once."""
        with self._lock:
            lost = list(self._shells.values())
            self._shells.clear()
        for one in lost:
            one.pool.close()

    def join(self) -> None:
        """Wait for the commands that still run; call ``lose_shells`` after it."""
        for one in list(self._shells.values()):
            one.pool.join()

    def answer(self, request: Request, account: Account) -> bytes:
        """Return the response to a request; raises Fault, or Dropped to cut the connection."""
        if request.action != wsman.CREATE:
            self._check_owner(request, account)
        actions: dict[str, Callable[[Request], str]] = {
            wsman.CREATE: partial(self._create, account=account),
            wsman.COMMAND: self._command,
            wsman.SEND: self._send,
            wsman.RECEIVE: self._receive,
            wsman.SIGNAL: self._signal,
            wsman.DELETE: self._delete,
            wsman.GET: self._get,
        }
        if request.action not in actions:
            raise wsman.not_supported(f"no such action: {request.action}")
        try:
            return render_response(request, actions[request.action](request))
        except PSRPCoreError as error:
            raise wsman.not_supported(repr(error)) from error

    def _check_owner(self, request: Request, account: Account) -> None:
        with self._lock:
            found = self._shells.get((request.shell_id or "").upper())
        if found is not None and found.account != account:
            raise wsman.shell_not_found()

    def _open(self, request: Request) -> _Open:
        with self._lock:
            found = self._shells.get((request.shell_id or "").upper())
        if found is None:
            raise wsman.shell_not_found()
        found.pool.await_voice()
        return found

    def _shell(self, request: Request) -> Shell:
        return self._open(request).pool

    def _runspace(self, uri: str, account: Account) -> FullRunspace | None:
        """Return the full runspace of a session at this resource, or None for the endpoint's restricted one."""
        if uri.lower() == self._resource_uri.lower():
            return None
        if self._module is None or uri.lower() != (wsman.POWERSHELL + FULL_CONFIGURATION).lower():
            raise wsman.no_such_resource(uri)
        if not account.administrator:
            raise wsman.access_denied()
        return FullRunspace(self._module)

    def _create(self, request: Request, *, account: Account) -> str:
        runspace = self._runspace(request.resource_uri, account)
        invoke = partial(self._invoke, account)
        # clients of old leave it to the server
        shell_id = (request.attribute("rsp:Shell", "ShellId") or str(uuid.uuid4())).upper()
        creation = b64decode(request.text("rsp:Shell/pwsh:creationXml") or "")
        shell = Shell(creation, invoke=invoke, stopping=self._stopping, runspace=runspace)
        opened = _Open(pool=shell, account=account, resource_uri=request.resource_uri)
        with self._lock:
            self._shells[shell_id] = opened
        selectors = f'<w:SelectorSet><w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>'
        reference = f"<w:ResourceURI>{opened.resource_uri}</w:ResourceURI>{selectors}"
        created = f"<x:ResourceCreated><a:ReferenceParameters>{reference}</a:ReferenceParameters></x:ResourceCreated>"
        return created + self._described(shell_id, opened)

    def _described(self, shell_id: str, opened: _Open) -> str:
        return (
            f"<rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId><rsp:ResourceUri>{opened.resource_uri}</rsp:ResourceUri>"
            "<rsp:InputStreams>stdin pr</rsp:InputStreams><rsp:OutputStreams>stdout</rsp:OutputStreams>"
            "<rsp:State>Connected</rsp:State></rsp:Shell>"
        )

    def _get(self, request: Request) -> str:
        return self._described(request.shell_id or "", self._open(request))

    def _command(self, request: Request) -> str:
        command_id = request.attribute("rsp:CommandLine", "CommandId") or ""
        self._shell(request).command(command_id, b64decode(request.text("rsp:CommandLine/rsp:Arguments") or ""))
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id.upper()}</rsp:CommandId></rsp:CommandResponse>"

    def _send(self, request: Request) -> str:
        data = b64decode(request.text("rsp:Send/rsp:Stream") or "")
        self._shell(request).send(data, request.attribute("rsp:Send/rsp:Stream", "CommandId"))
        return "<rsp:SendResponse/>"

    def _receive(self, request: Request) -> str:
        command_id = request.attribute("rsp:Receive/rsp:DesiredStream", "CommandId")
        shell = self._shell(request)
        if shell.last_answer is None or shell.last_answer[0] != request.message_id:
            # base64 makes three bytes four; the envelope around it is small
            size = (request.envelope_size - 8192) // 4 * 3
            answer = shell.receive(command_id, timeout=request.timeout, size=size, alive=self.alive)
            shell.last_answer = request.message_id, answer
        fragments, done = shell.last_answer[1]
        of = f' CommandId="{command_id}"' if command_id else ""
        streams = "".join(f'<rsp:Stream Name="stdout"{of}>{b64encode(one).decode()}</rsp:Stream>' for one in fragments)
        state = f'<rsp:CommandState{of} State="{wsman.DONE}"><rsp:ExitCode>0</rsp:ExitCode></rsp:CommandState>' if done else ""
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"

    def _signal(self, request: Request) -> str:
        shell, command_id = self._shell(request), request.attribute("rsp:Signal", "CommandId") or ""
        if request.text("rsp:Signal/rsp:Code") == wsman.STOP_SIGNAL:
            shell.stop(command_id)
        else:
            shell.forget(command_id)
        return "<rsp:SignalResponse/>"

    def _delete(self, request: Request) -> str:
        shell = self._shell(request)
        with self._lock:
            self._shells.pop((request.shell_id or "").upper(), None)
        shell.close()
        return ""

    def _invoke(self, account: Account, command: str, parameters: Mapping[str, object], silence: Silence) -> str:
        found = find_command(command)
        if not account.may(found.role):
            # a command that no role of the user lists is not there at all
            raise command_not_found(command)
        name = found.name
        decision = self._cluster.faults.before(self.node, name)
        if decision.freeze is not None:
            silence(decision.freeze)
        if decision.drop or not self.alive():
            raise Dropped
        answer = self._cluster.invoke(self.node, name, parameters)
        if self._cluster.faults.after(self.node, name).drop or not self.alive():
            raise Dropped
        return answer
