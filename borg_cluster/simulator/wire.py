"""The simulated cluster on the wire: each node a WSMan endpoint of its own on a loopback address, and the cluster's name another.

An unmodified PowerShell Remoting client reaches it over HTTPS, with NTLM (or Negotiate, or Basic), at the session configuration
``BorgCluster``. The endpoint has its three roles, each with a user. The cluster's name is answered by whichever node owns the
core group, and moves with it.
"""

import secrets
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from borg_cluster.simulator.certificates import Authority, fingerprint
from borg_cluster.simulator.endpoint import Connection
from borg_cluster.simulator.login import Account, Policy, accounts
from borg_cluster.simulator.module import Module, read_module
from borg_cluster.simulator.service import Cluster, Service

__all__ = ["CONFIGURATION_NAME", "Cluster", "Nodes", "serve"]

CONFIGURATION_NAME = "BorgCluster"
_ATTEMPTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Where a served cluster is reached, and how to log in."""

    addresses: Mapping[str, str]
    """Address by name; each node and the cluster, by short name and by FQDN."""
    port: int
    ca: Path
    """PEM file of the authority that signed the nodes' certificates."""
    username: str
    """A user of the role Restore, who is an administrator, too."""
    password: str = field(repr=False)
    accounts: Mapping[str, Account]
    """A user of each role: Reader, Backup, Restore."""
    certificates: Mapping[str, Path]
    """PEM file by role: a certificate, and its key, that logs in as the user of this role."""
    configuration_name: str = CONFIGURATION_NAME


@dataclass(slots=True, kw_only=True)
class _Endpoint:
    """A listening socket and what connections to it are made of."""

    listener: socket.socket
    tls: ssl.SSLContext
    logins: Policy
    service: Callable[[], Service | None]


@contextmanager
def serve(cluster: Cluster, *, folder: Path, bootstrap: Path | None = None, credssp: bool = False) -> Iterator[Nodes]:
    """Serve a cluster for the duration of the ``with``; certificates go to ``folder``/tls.

    ``bootstrap``: the folder of the PowerShell module whose files a full session (Microsoft.PowerShell) takes; without it there
    is no such session. ``credssp``: whether that login is switched on.

    Nothing is left at the end: commands that still run are waited for, sockets are closed and threads have ended.
    """
    names = (*cluster.node_names, cluster.name)
    listeners = _listen(len(names))
    with ExitStack() as stack:
        for listener in listeners:
            stack.enter_context(listener)
        users = stack.enter_context(accounts(cluster.domain))
        authority = _authority(folder, cluster)
        server = _Server()
        services = _services(cluster, server.stopping, None if bootstrap is None else read_module(bootstrap))
        for name, listener in zip(names, listeners, strict=True):
            full = f"{name}.{cluster.domain}"
            certificate = authority.issue((name, full))
            known = {user.username.lower(): user for user in users}
            logins = Policy(accounts=known, bindings=fingerprint(certificate), hostname=full, credssp=credssp)
            answering = _answering(cluster, services, name)
            server.add(_Endpoint(listener=listener, tls=authority.server(certificate), logins=logins, service=answering))
        server.start()
        stack.callback(_stop, server, services)
        yield Nodes(
            addresses=_addresses(cluster, names, listeners),
            port=listeners[0].getsockname()[1],
            ca=authority.path,
            username=users[-1].username,
            password=users[-1].password,
            accounts={user.role: user for user in users},
            certificates={user.role: authority.issue_user(user.username) for user in users},
        )


def _authority(folder: Path, cluster: Cluster) -> Authority:
    tls = folder / "tls"
    tls.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Authority(tls, name=cluster.name)


def _services(cluster: Cluster, stopping: threading.Event, module: Module | None) -> dict[str, Service]:
    return {
        node: Service(cluster, node=node, configuration_name=CONFIGURATION_NAME, stopping=stopping, module=module)
        for node in cluster.node_names
    }


def _answering(cluster: Cluster, services: Mapping[str, Service], name: str) -> Callable[[], Service | None]:
    if name in services:
        return lambda: services[name]
    return lambda: services.get(cluster.core_owner)


def _addresses(cluster: Cluster, names: tuple[str, ...], listeners: list[socket.socket]) -> dict[str, str]:
    found = {}
    for name, listener in zip(names, listeners, strict=True):
        found[name] = found[f"{name}.{cluster.domain}"] = listener.getsockname()[0]
    return found


def _listen(count: int) -> list[socket.socket]:
    """Listen on one port of ``count`` addresses of a loopback block that nobody else uses."""
    for _ in range(_ATTEMPTS):
        block = f"127.{secrets.randbelow(254) + 1}.{secrets.randbelow(256)}"
        listeners: list[socket.socket] = []
        try:
            for last in range(1, count + 1):
                port = listeners[0].getsockname()[1] if listeners else 0
                listeners.append(socket.create_server((f"{block}.{last}", port), backlog=128))
        except OSError:
            # somebody has this port on one of the addresses
            for listener in listeners:
                listener.close()
        else:
            return listeners
    raise OSError(f"no port is free on {count} loopback addresses")


def _stop(server: "_Server", services: Mapping[str, Service]) -> None:
    server.stopping.set()
    for service in services.values():
        service.join()
        service.lose_shells()
    server.stop()


class _Server:
    """Accepts connections at all endpoints in one thread and gives each a thread of its own."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._endpoints: list[_Endpoint] = []
        self._acceptor = threading.Thread(target=self._accept_all, name="acceptor")
        self._wake: socket.socket
        self._woken: socket.socket
        self._connections: dict[threading.Thread, Connection] = {}

    def add(self, endpoint: _Endpoint) -> None:
        """Add an endpoint."""
        endpoint.listener.setblocking(False)
        self._endpoints.append(endpoint)

    def start(self) -> None:
        """Begin to accept connections."""
        self._wake, self._woken = socket.socketpair()
        self._acceptor.start()

    def stop(self) -> None:
        """Accept no more connections, end all there are, and wait for their threads."""
        self._wake.send(b"!")
        self._acceptor.join()
        self._wake.close()
        self._woken.close()
        for thread, connection in self._connections.items():
            connection.end()
            thread.join()

    def _accept_all(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            for endpoint in self._endpoints:
                selector.register(endpoint.listener, selectors.EVENT_READ, endpoint)
            while not self.stopping.is_set():
                for key, _ in selector.select():
                    if key.data is not None:
                        self._accept(key.data)

    def _accept(self, endpoint: _Endpoint) -> None:
        try:
            raw, _ = endpoint.listener.accept()
        except OSError:
            # the client gave up before we came to it
            return
        raw.setblocking(True)
        service = endpoint.service()
        if service is None or not service.alive():
            raw.close()
            return
        try:
            connection = self._connection(raw, endpoint)
        except OSError:
            # the client gave up at once
            raw.close()
            return
        thread = threading.Thread(target=connection.run, name=f"connection to {service.node}")
        # those that ended by themselves need no goodbye
        self._connections = {old: one for old, one in self._connections.items() if old.is_alive()}
        self._connections[thread] = connection
        thread.start()

    def _connection(self, raw: socket.socket, endpoint: _Endpoint) -> Connection:
        return Connection(raw, tls=endpoint.tls, service=endpoint.service, logins=endpoint.logins)
