"""How clients log in at a simulated node: NTLM (also inside Negotiate) or Basic, bound to the TCP connection as on Windows."""

import binascii
import os
import secrets
import shutil
import tempfile
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

_STORE_VARIABLE = "NTLM_USER_FILE"
"""The one place where pyspnego's acceptor looks for passwords. It belongs to the process, so all accounts share one file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user that may log in."""

    username: str
    password: str


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
def account(domain: str) -> Iterator[Account]:
    """Make an account with a password of its own that NTLM logins are checked against for the duration of the ``with``."""
    made = Account(username=f"backup-{secrets.token_hex(3)}@{domain}", password=secrets.token_urlsafe(18))
    _store.add(made)
    try:
        yield made
    finally:
        _store.remove(made)


class Login:
    """The login of one connection.

    Args:
        account: who may log in.
        bindings: the server certificate's fingerprint; a client that binds its login to another one is refused.
        accept: asked once for each login that would succeed; False refuses it.
    """

    def __init__(self, account: Account, *, bindings: bytes, accept: Callable[[], bool]) -> None:
        self._account = account
        self._bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + bindings)
        self._accept = accept
        self._context: spnego.ContextProxy | None = None
        self.done = False

    def step(self, authorization: str | None) -> list[str]:
        """Take an Authorization header; returns WWW-Authenticate values, and sets ``done`` once the client is known."""
        scheme, _, token = (authorization or "").partition(" ")
        if not authorization:
            return [] if self.done else self._offer()
        try:
            data = b64decode(token, validate=True)
            if scheme.lower() == "basic":
                return self._basic(data)
            return self._negotiate(scheme, data)
        except (SpnegoError, binascii.Error, UnicodeDecodeError):
            self._context, self.done = None, False
            return self._offer()

    def _offer(self) -> list[str]:
        return ["Negotiate", "NTLM", 'Basic realm="WSMAN"']

    def _basic(self, data: bytes) -> list[str]:
        username, _, password = data.decode().partition(":")
        right = secrets.compare_digest(f"{username}\n{password}", f"{self._account.username}\n{self._account.password}")
        self.done = right and (self.done or self._accept())
        return [] if self.done else self._offer()

    def _negotiate(self, scheme: str, data: bytes) -> list[str]:
        if self._context is None:
            protocol = "ntlm" if data.startswith(b"NTLMSSP\0") else "negotiate"
            self._context = spnego.server(protocol=protocol, channel_bindings=self._bindings)
            self.done = False
        answer = self._context.step(data)
        if self._context.complete:
            self._context = None
            self.done = self._accept()
            if not self.done:
                return self._offer()
        return [f"{scheme} {b64encode(answer).decode()}"] if answer else []
