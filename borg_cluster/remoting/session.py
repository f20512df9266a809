"""A session: one connection and one runspace pool on one node, for one thread."""

import base64
import binascii
import gzip
import logging
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pypsrp.complex_objects import PSInvocationState
from pypsrp.powershell import PowerShell, RunspacePool

from borg_cluster.core.policy import RemotingSettings
from borg_cluster.remoting.bootstrap import module_texts
from borg_cluster.remoting.connection import Connection
from borg_cluster.remoting.failure import TRANSPORT_ERRORS, Kind, RemotingError, classify, from_record

Parameter = str | int | bool | list[str]
"""The values of parameters that a NoLanguage endpoint takes and that arrive as they were sent."""

_COMPRESSED_PREFIX = "H4sI"
"""How the base64 text of a gzip stream begins; no JSON does."""

_IDLE_TIMEOUT = 60
"""Seconds after which the node ends the session of a client that died; Windows' default is two hours."""

_CLOSE_TIMEOUT = 5
_CLOSE_ERRORS: tuple[type[Exception], ...] = (*TRANSPORT_ERRORS, RemotingError)

log = logging.getLogger(__name__)


class Session:
    """An open session on one node; never to be shared between threads. Made by :func:`open_session`."""

    def __init__(self, settings: RemotingSettings, connection: Connection, pool: RunspacePool, *, node: str) -> None:
        self._settings = settings
        self._connection = connection
        self._pool = pool
        self._node = node

    def invoke(self, command: str, parameters: Mapping[str, Parameter], *, check: Callable[[], None] = lambda: None) -> str:
        """Run one command and return the one string that it answers with, decompressed.

        ``check`` is called each time that there is no answer yet; what it raises gives the command up.
        Raises RemotingError: for all that hinders the answer, and for any error record, since a pipeline that completed has
        ``had_errors`` False even with some in its stream.
        """
        shell = PowerShell(self._pool)
        shell.add_cmdlet(command)
        for name, value in parameters.items():
            shell.add_parameter(name, value)
        self._run(shell, check)
        if shell.streams.error:
            raise from_record(shell.streams.error[0], node=self._node, command=command)
        return self._text(shell.output, command)

    def set_deadline(self, seconds: float) -> None:
        """Give what is done from now on so many seconds together."""
        self._connection.set_deadline(seconds)

    def define(self, texts: tuple[str, ...]) -> None:
        """Run the module's files, so that the session knows its commands: one pipeline, a statement a file, in global scope."""
        shell = PowerShell(self._pool)
        for text in texts:
            shell.add_script(text, use_local_scope=False).add_statement()
        self._run(shell)
        if shell.streams.error:
            said = " ".join(str(shell.streams.error[0]).split())
            raise RemotingError(
                Kind.CONFIGURATION,
                f"{self._node}: {self._settings.configuration_name} does not take the module's files: {said}",
                hint="remoting: bootstrap: needs a full session, such as Microsoft.PowerShell; the endpoint does without it",
            )

    def _run(self, shell: PowerShell, check: Callable[[], None] = lambda: None) -> None:
        try:
            shell.begin_invoke()
            while shell.state == PSInvocationState.RUNNING:
                check()
                shell.poll_invoke()
        except TRANSPORT_ERRORS as error:
            raise classify(error, settings=self._settings, node=self._node) from error
        # the node keeps what a pipeline has until it's told that it was read
        self._quietly("pipeline", shell.close)

    def close(self) -> None:
        """End the session on the node, if it can still be told; what fails here has no bearing on the answers."""
        self._connection.set_deadline(_CLOSE_TIMEOUT)
        if self._connection.connected:
            self._quietly("session", self._pool.close)

    def _quietly(self, what: str, close: Any) -> None:  # noqa: ANN401 - pypsrp's methods carry no types
        try:
            close()
        except _CLOSE_ERRORS as error:
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

    With ``settings.bootstrap`` the session is given the module's files first.

    ``node`` is the name that its certificate (and its Kerberos principal) must carry, ``address`` where to connect. ``deadline``:
    seconds until the session, with all that is done in it, counts as timed out (None: the settings'). Raises RemotingError.
    """
    try:
        connection = Connection(settings, node=node, address=address, password=password)
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
            if settings.bootstrap:
                session.define(module_texts())
            yield session
        finally:
            session.close()
    finally:
        connection.close()
