"""A session: one connection and one runspace pool on one node, for one thread.

The deadline is ours: pypsrp would send a Receive that got no answer five more times without a word, and a command that runs for
long is polled without end. Nothing is ever sent twice.
"""

import base64
import binascii
import gzip
import logging
import math
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element

from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import OptionSet, SelectorSet, WSMan, WSManAction
from requests import RequestException
from requests.adapters import HTTPAdapter

from borg_cluster.core.policy import RemotingSettings
from borg_cluster.remoting.failure import TRANSPORT_ERRORS, Kind, RemotingError, classify, from_record, timed_out

Parameter = str | int | bool | list[str]
"""The values of parameters that a NoLanguage endpoint takes and that arrive as they were sent."""

_COMPRESSED_PREFIX = "H4sI"
"""How the base64 text of a gzip stream begins; no JSON does."""

_IDLE_TIMEOUT = 60
"""Seconds after which the node ends the session of a client that died; Windows' default is two hours."""

_CLOSE_TIMEOUT = 5

log = logging.getLogger(__name__)

# both write parameters or tokens at DEBUG, and pypsrp tracebacks of what is an ordinary failure here at ERROR
for _name in ("pypsrp", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def address_of(settings: RemotingSettings, name: str) -> str:
    """Return the address to connect to for a node's name: from ``addresses``, by FQDN or short name, else the name."""
    full = name.lower()
    return settings.addresses.get(full) or settings.addresses.get(full.split(".")[0]) or name


class _NamedAdapter(HTTPAdapter):
    """Connects to the URL's address, but lets TLS ask for the node by its name and verify that name."""

    def __init__(self, name: str) -> None:
        self._name = name
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:  # noqa: ANN401
        kwargs["server_hostname"] = self._name
        super().init_poolmanager(connections, maxsize, block, **kwargs)


class _WSMan(WSMan):
    """pypsrp's WSMan, bounded by a deadline for all its requests together and without repetitions."""

    def __init__(self, settings: RemotingSettings, *, node: str, address: str, password: str | None) -> None:
        trusted = ssl.get_default_verify_paths()
        super().__init__(
            address,
            port=settings.port,
            username=settings.username,
            password=password,
            auth=settings.auth,
            # a path is right, too, whatever the annotation says
            cert_validation=settings.ca or trusted.cafile or trusted.capath or True,  # type: ignore[arg-type]
            connection_timeout=settings.connection_timeout,
            read_timeout=settings.read_timeout,
            operation_timeout=settings.operation_timeout,
            no_proxy=True,
            negotiate_hostname_override=node,
        )
        self._settings = settings
        self._node = node
        self._ends = 0.0
        self.connected = True
        # made now instead of at the first request, to put our adapter in
        self.transport.session = self.transport._build_session()  # noqa: SLF001
        self.transport.session.mount("https://", _NamedAdapter(node))

    def set_deadline(self, seconds: float) -> None:
        """Give all requests from now on so many seconds together."""
        self._ends = time.monotonic() + seconds

    def invoke(
        self,
        action: str,
        resource_uri: str,
        resource: Element | None,
        option_set: OptionSet | None = None,
        selector_set: SelectorSet | None = None,
        timeout: int | None = None,
        **_: object,
    ) -> Element:
        """Send one request, once; whatever number of repetitions pypsrp wants is ignored."""
        del timeout
        remaining = math.ceil(self._ends - time.monotonic())
        if remaining <= 0:
            raise timed_out(self._node)
        self.transport.connection_timeout = min(self._settings.connection_timeout, remaining)
        self.transport.read_timeout = min(self._settings.read_timeout, remaining)
        self.operation_timeout = min(self._settings.operation_timeout, remaining)
        try:
            return super().invoke(action, resource_uri, resource, option_set, selector_set)
        except RequestException:
            self.connected = False
            raise

    def receive(
        self,
        resource_uri: str,
        resource: Element,
        option_set: OptionSet | None = None,
        selector_set: SelectorSet | None = None,
        timeout: int | None = None,
    ) -> Element:
        """Receive once; an answer that was lost stays lost."""
        envelope = self.invoke(WSManAction.RECEIVE, resource_uri, resource, option_set, selector_set, timeout)
        body = envelope.find("{http://www.w3.org/2003/05/soap-envelope}Body")
        if body is None:
            raise RemotingError(Kind.WSMAN, f"{self._node}: an envelope without a body")
        return body


class Session:
    """An open session on one node; never to be shared between threads. Made by :func:`open_session`."""

    def __init__(self, settings: RemotingSettings, connection: _WSMan, pool: RunspacePool, *, node: str) -> None:
        self._settings = settings
        self._connection = connection
        self._pool = pool
        self._node = node

    def invoke(self, command: str, parameters: Mapping[str, Parameter]) -> str:
        """Run one command and return the one string that it answers with, decompressed.

        Raises RemotingError: for all that hinders the answer, and for any error record, since a pipeline that completed has
        ``had_errors`` False even with some in its stream.
        """
        shell = PowerShell(self._pool)
        shell.add_cmdlet(command)
        for name, value in parameters.items():
            shell.add_parameter(name, value)
        try:
            shell.begin_invoke()
            while shell.state == PSInvocationState.RUNNING:
                shell.poll_invoke()
        except TRANSPORT_ERRORS as error:
            raise classify(error, settings=self._settings, node=self._node) from error
        # the node keeps what a pipeline has until it's told that it was read
        self._quietly("pipeline", shell.close)
        if shell.streams.error:
            raise from_record(shell.streams.error[0], node=self._node, command=command)
        return self._text(shell.output, command)

    def close(self) -> None:
        """End the session on the node, if it can still be told; what fails here has no bearing on the answers."""
        self._connection.set_deadline(_CLOSE_TIMEOUT)
        if self._connection.connected:
            self._quietly("session", self._pool.close)

    def _quietly(self, what: str, close: Any) -> None:  # noqa: ANN401 - pypsrp's methods carry no types
        try:
            close()
        except (*TRANSPORT_ERRORS, RemotingError) as error:
            log.debug("%s: its %s could not be closed: %s", self._node, what, type(error).__name__)

    def _text(self, output: list[object], command: str) -> str:
        if len(output) != 1 or not isinstance(output[0], str):
            raise RemotingError(Kind.WSMAN, f"{self._node}: {command} answered with {len(output)} objects, not with one string")
        if not output[0].startswith(_COMPRESSED_PREFIX):
            return output[0]
        try:
            return gzip.decompress(base64.b64decode(output[0], validate=True)).decode()
        except (binascii.Error, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise RemotingError(Kind.WSMAN, f"{self._node}: {command}: its compressed answer is damaged") from error


@contextmanager
def open_session(
    settings: RemotingSettings, *, node: str, address: str, password: str | None, deadline: float | None = None
) -> Iterator[Session]:
    """Open a session on a node and close it at the end; a failure to close it is only logged.

    ``node`` is the name that its certificate (and its Kerberos principal) must carry, ``address`` where to connect. ``deadline``:
    seconds until the session, with all that is done in it, counts as timed out (None: the settings'). Raises RemotingError.
    """
    try:
        connection = _WSMan(settings, node=node, address=address, password=password)
    except TRANSPORT_ERRORS as error:
        raise classify(error, settings=settings, node=node) from error
    try:
        pool = RunspacePool(connection, configuration_name=settings.configuration_name, idle_timeout=_IDLE_TIMEOUT)
        session = Session(settings, connection, pool, node=node)
        connection.set_deadline(settings.deadline if deadline is None else deadline)
        try:
            pool.open()
        except TRANSPORT_ERRORS as error:
            raise classify(error, settings=settings, node=node) from error
        try:
            yield session
        finally:
            session.close()
    finally:
        connection.close()
