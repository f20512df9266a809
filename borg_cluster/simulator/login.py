"""How clients log in at a simulated node, and as whom; bound to the TCP connection as on Windows.

NTLM (also inside Negotiate), Basic, a certificate, CredSSP where it is switched on, and Kerberos where there is a key table: what
KRB5_KTNAME names, with a principal host/NODE.DOMAIN.
"""

import binascii
import os
import secrets
import shutil
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import InvalidCredentialError, SpnegoError

_STORE_VARIABLE = "NTLM_USER_FILE"
"""The one place where pyspnego's acceptor looks for passwords. It belongs to the process, so all accounts share one file."""


ROLES = ("Reader", "Backup", "Restore")
"""The roles of the endpoint; each includes the ones before it."""

_BY_CERTIFICATE = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""What a client says that wants to be known by its certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user (user@domain) that may log in. An administrator has a full session, too."""

    username: str
    password: str = field(repr=False)
    role: str
    administrator: bool = False

    def may(self, role: str) -> bool:
        """Return whether the user has this role, or one that includes it."""
        return ROLES.index(self.role) >= ROLES.index(role)


class _Store:
    """The file of all accounts of this process; it exists while there are any."""

    def __init__(self) -> None:
        self._accounts: set[Account] = set()
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._variable_before: str | None = None

    def add(self, account: Account) -> None:
        with self._lock:
            self._accounts.add(account)
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="borg-cluster-"))
                self._variable_before = os.environ.get(_STORE_VARIABLE)
            self._write(self._folder)

    def remove(self, account: Account) -> None:
        with self._lock:
            self._accounts.remove(account)
            if self._folder is not None and self._accounts:
                self._write(self._folder)
            elif self._folder is not None:
                shutil.rmtree(self._folder)
                self._folder = None
                self._restore()

    def _write(self, folder: Path) -> None:
        # a login that is under way must never read half a file
        path, fresh = folder / "ntlm", folder / "fresh"
        fresh.touch(mode=0o600)
        fresh.write_text("".join(f":{one.username}:{one.password}\n" for one in self._accounts), encoding="utf-8")
        fresh.replace(path)
        os.environ[_STORE_VARIABLE] = str(path)

    def _restore(self) -> None:
        if self._variable_before is None:
            del os.environ[_STORE_VARIABLE]
        else:
            os.environ[_STORE_VARIABLE] = self._variable_before


_store = _Store()


@contextmanager
def accounts(domain: str) -> Iterator[tuple[Account, ...]]:
    """Make an account for each role, with a password of its own that NTLM logins are checked against for the ``with``.

    The last one, of the role that includes the others, is an administrator.
    """
    made = tuple(
        Account(
            username=f"{role.lower()}-{secrets.token_hex(3)}@{domain}",
            password=secrets.token_urlsafe(18),
            role=role,
            administrator=role == ROLES[-1],
        )
        for role in ROLES
    )
    for account in made:
        _store.add(account)
    try:
        yield made
    finally:
        for account in made:
            _store.remove(account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Who may log in at an endpoint, and how.

    ``bindings``: the server certificate's fingerprint; a client that binds its login to another one is refused. ``hostname``:
    under which Kerberos knows the node. ``credssp``: whether that is offered, as it isn't unless somebody switches it on.
    """

    accounts: Mapping[str, Account]
    """By username in lower case."""
    bindings: bytes
    hostname: str
    credssp: bool = False

    def account_of(self, principal: str | None) -> Account | None:
        """Return the account of a login; user@domain is user@REALM, too, and may have a domain before it."""
        return self.accounts.get((principal or "").rpartition("\\")[2].lower())

    def offer(self) -> list[str]:
        """Return what a client is told that it may do."""
        return ["Negotiate", "NTLM", *(["CredSSP"] if self.credssp else []), 'Basic realm="WSMAN"']


class Login:
    """The login of one connection.

    Args:
        policy: who may log in.
        certified: returns the user of the client's certificate, if TLS has verified one.
        accept: asked once for each login that would succeed; False refuses it.
    """

    def __init__(self, policy: Policy, *, certified: Callable[[], str | None], accept: Callable[[], bool]) -> None:
        self._policy = policy
        self._certified = certified
        self._accept = accept
        self._bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + policy.bindings)
        self._context: spnego.ContextProxy | None = None
        self.account: Account | None = None
        """Who the client is, once that is known."""

    def step(self, authorization: str | None) -> list[str]:
        """Take an Authorization header; returns WWW-Authenticate values, and sets ``account`` once the client is known."""
        scheme, _, token = (authorization or "").partition(" ")
        if not authorization:
            return [] if self.account else self._policy.offer()
        try:
            if scheme == _BY_CERTIFICATE:
                return self._ended(self._policy.account_of(self._certified()))
            data = b64decode(token, validate=True)
            return self._ended(self._basic(data)) if scheme.lower() == "basic" else self._negotiate(scheme, data)
        except (SpnegoError, ImportError, binascii.Error, UnicodeDecodeError):
            self._context = None
            return self._ended(None)

    def _ended(self, account: Account | None) -> list[str]:
        # each request may bring the same name again; the fault script is asked once
        known = account is not None and (account == self.account or self._accept())
        self.account = account if known else None
        return [] if known else self._policy.offer()

    def _basic(self, data: bytes) -> Account | None:
        username, _, password = data.decode().partition(":")
        account = self._policy.account_of(username)
        if account is None or not secrets.compare_digest(password.encode(), account.password.encode()):
            return None
        return account

    def _negotiate(self, scheme: str, data: bytes) -> list[str]:
        if self._context is None:
            self._context = self._new_context(scheme, data)
            self.account = None
        answer = self._context.step(data)
        if self._context.complete:
            principal, self._context = self._context.client_principal, None
            if refused := self._ended(self._policy.account_of(principal)):
                return refused
        return [f"{scheme} {b64encode(answer).decode()}"] if answer else []

    def _new_context(self, scheme: str, data: bytes) -> spnego.ContextProxy:
        if scheme.lower() == "credssp":
            if not self._policy.credssp:
                raise InvalidCredentialError(context_msg="CredSSP is off")
            return spnego.server(protocol="credssp", hostname=self._policy.hostname, service="host")
        protocol = "ntlm" if data.startswith(b"NTLMSSP\0") else "negotiate"
        return spnego.server(protocol=protocol, hostname=self._policy.hostname, service="host", channel_bindings=self._bindings)
