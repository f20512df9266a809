"""The connection to one node: TLS for its name at its address, the login, and one deadline for all requests.

The deadline is ours: pypsrp would send a Receive that got no answer five more times without a word, and a command that runs for
long is polled without end. Nothing is ever sent twice.
"""

import logging
import math
import ssl
import time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from pypsrp.wsman import OptionSet, SelectorSet, WSMan, WSManAction
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter

from borg_cluster.core.policy import RemotingSettings
from borg_cluster.remoting.failure import Kind, RemotingError, timed_out

# both write parameters or tokens at DEBUG, and pypsrp tracebacks of what is an ordinary failure here at ERROR
for _name in ("pypsrp", "spnego"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def address_of(settings: RemotingSettings, name: str) -> str:
    """Return the address to connect to for a node's name: from ``addresses``, by FQDN or short name, else the name."""
    full = name.lower()
    return settings.addresses.get(full) or settings.addresses.get(full.split(".")[0]) or name


class _NamedAdapter(HTTPAdapter):
    """Connects to the URL's address, but lets TLS ask for the node by its name and verify that name."""

    def __init__(self, name: str, *, key_password: str | None) -> None:
        self._name = name
        self._key_password = key_password
        self._last: Response | None = None
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:  # noqa: ANN401
        kwargs |= {"server_hostname": self._name, "key_password": self._key_password}
        super().init_poolmanager(connections, maxsize, block, **kwargs)

    def send(self, request: PreparedRequest, *arguments: Any, **named: Any) -> Response:  # noqa: ANN401 - as requests has it
        """Send a request; its answer is remembered, because a login that fails leaves it with nobody."""
        self._last = super().send(request, *arguments, **named)
        return self._last

    def close(self) -> None:
        """Close all connections, that of a failed login too."""
        if self._last is not None:
            self._last.close()
        super().close()


class Connection(WSMan):
    """pypsrp's WSMan, bounded by a deadline for all its requests together and without repetitions."""

    def __init__(self, settings: RemotingSettings, *, node: str, address: str, password: str | None) -> None:
        super().__init__(
            address,
            port=settings.port,
            # never without: Basic sends the password as it is
            ssl=True,
            auth=settings.auth,
            **_login(settings, node=node, password=password),
            # a path is right, too, whatever the annotation says
            cert_validation=_trusted(settings, node=node),  # type: ignore[arg-type]
            connection_timeout=settings.connection_timeout,
            read_timeout=settings.read_timeout,
            operation_timeout=settings.operation_timeout,
            no_proxy=True,
        )
        self._settings = settings
        self._node = node
        self._ends = 0.0
        self.connected = True
        # made now instead of at the first request, to put our adapter in
        session = self.transport.session = self.transport._build_session()  # noqa: SLF001
        key_password = password if settings.auth == "certificate" else None
        session.mount("https://", _NamedAdapter(node, key_password=key_password))
        # a node that points elsewhere, without TLS even, is followed nowhere; ~/.netrc is not asked for a login of ours
        del session.adapters["http://"]
        session.max_redirects = 0
        session.trust_env = False

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


def _trusted(settings: RemotingSettings, *, node: str) -> str | bool:
    """Return the file or folder of the authorities that are trusted."""
    system = ssl.get_default_verify_paths()
    if settings.ca is None:
        return system.cafile or system.capath or True
    kind = "capath" if Path(settings.ca).is_dir() else "cafile"
    try:
        # tried here, because requests raises what is no error of a request, and OpenSSL names no file
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**{kind: settings.ca})
    except OSError as error:
        reason = (getattr(error, "reason", None) or error.strerror or str(error)).replace("_", " ").lower()
        hint = "remoting: ca: must be a PEM file, or a folder of them, that this user can read"
        raise RemotingError(Kind.TLS, f"{node}: no authority to trust in {settings.ca}: {reason}", hint=hint) from error
    return settings.ca


def _login(settings: RemotingSettings, *, node: str, password: str | None) -> dict[str, Any]:
    """Return what pypsrp needs for this way to log in; ``auth`` decides alone, nothing falls back to another one."""
    if settings.auth != "certificate":
        return {"username": settings.username, "password": password, "negotiate_hostname_override": node}
    certificate = settings.certificate or ""
    key = settings.certificate_key or certificate
    try:
        # tried here, because what requests says about it tells neither file nor reason; with an empty password nobody is asked
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=password or "")
    except OSError as error:
        reason = (getattr(error, "reason", None) or error.strerror or str(error)).replace("_", " ").lower()
        hint = "remoting: certificate: and certificate_key: must be PEM files that fit each other, password: the key's"
        raise RemotingError(Kind.AUTH, f"{node}: no login with the certificate {certificate}: {reason}", hint=hint) from error
    return {"certificate_pem": certificate, "certificate_key_pem": key}
