"""PowerShell Remoting: open a session on a node, invoke a command by its name and parameters.

This module knows PSRP over WSMan, not Hyper-V. It never sends script text. All that can go wrong between here and the command's
answer is a :class:`RemotingError` with one line for people; any error record fails the call, since a pipeline that completed has
``had_errors`` False even with error records in its stream.
"""

import base64
import gzip
import logging
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree as ET

import requests
from pypsrp.complex_objects import PSInvocationState
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan, WSManAction
from requests.adapters import HTTPAdapter
from spnego.exceptions import SpnegoError

from borg_cluster.core.policy import RemotingSettings
from borg_cluster.errors import BorgClusterError

Parameter = str | int | bool | list[str]

COMPRESSED_PREFIX = "H4sI"
"""How base64 text of a gzip stream begins; no JSON does."""

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What stood between us and the answer."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS = "tls"
    AUTH = "auth"
    CONFIGURATION = "configuration"
    """The node has no session configuration of that name."""
    WSMAN = "wsman"
    MISSING_COMMAND = "missing_command"
    COMMAND = "command"
    """The command ran and reported an error record; ``fields`` has error_id, category, code and target."""


class RemotingError(BorgClusterError):
    """No answer, and why: one ``kind``, a one-line message that names the node, and perhaps a hint."""

    def __init__(self, kind: Kind, message: str, *, hint: str | None = None, **fields: object) -> None:
        super().__init__(message, hint=hint, **fields)
        self.kind = kind


class Session:
    """An open session on one node; for one thread."""

    def invoke(self, command: str, parameters: Mapping[str, Parameter], *, deadline: float) -> str:
        """Run one command and return the one string that it answers with, decompressed.

        ``deadline``: seconds until it counts as timed out. Raises RemotingError.
        """
        raise NotImplementedError


def address_of(settings: RemotingSettings, name: str) -> str:
    """Return the address to connect to for a node's name: from ``addresses``, by FQDN or short name, else the name."""
    full = name.lower()
    return settings.addresses.get(full) or settings.addresses.get(full.split(".")[0]) or name


@contextmanager
def open_session(settings: RemotingSettings, *, node: str, address: str, password: str | None) -> Iterator[Session]:
    """Open a session on a node and close it at the end; a failure to close it is only logged.

    ``node`` is the name that its certificate (and its Kerberos principal) must carry, ``address`` where to connect.
    Raises RemotingError.
    """
    raise NotImplementedError
    yield Session()
