"""Asking one node one question, over a session of its own or over one that was kept open for it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from borg_cluster import remoting
from borg_cluster.bridge.answers import Lost, decode
from borg_cluster.core.policy import RemotingSettings
from borg_cluster.errors import CommandFailed
from borg_cluster.remoting import Kind, Parameter, RemotingError, Session
from borg_cluster.stopping import Stop

Answer = TypeVar("Answer")

_REASONS = {Kind.UNREACHABLE: "unreachable", Kind.TIMEOUT: "timed_out", Kind.AUTH: "refused"}

_WITHOUT_PASSWORD = ("kerberos", "certificate")
"""Ways to log in that do without a password: the user's ticket, and a key that has none."""
_LOOKS = ("Get-", "Wait-")
"""How the commands begin that change nothing."""
_FRESH = 20.0
"""Seconds for which a session that nobody used is still trusted; a node ends one after a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """A session between two questions; ``since`` by the monotonic clock. ``stack`` ends it."""

    session: Session
    stack: ExitStack
    since: float


class Asking:
    """Asks the nodes of one cluster: what all commands have in common.

    Args:
        settings: how nodes are reached.
        domain: appended to a node's short name; None leaves names as they are.
        secret: resolves a reference such as '{credential file PATH}', or '{terminal USER}' for a user without one; called when
            the first session needs the password.
        stop: when it is set, what only asks or waits is given up (None: nothing ever is).
    """

    def __init__(
        self, settings: RemotingSettings, *, domain: str | None, secret: Callable[[str], str], stop: Stop | None = None
    ) -> None:
        self._settings = settings
        self._domain = domain
        self._secret = secret
        self._stop = stop or Stop()
        self._secret_lock = Lock()
        self._known_password: str | None = None
        self._kept: dict[str, list[_Kept]] | None = None
        self._kept_lock = Lock()

    @contextmanager
    def kept_sessions(self) -> Iterator[None]:
        """Keep sessions open from one question to the next, for the duration of the ``with``.

        To open one costs a node more than most answers do, and a restore asks a hundred questions while the VM is down. A kept
        session whose connection broke meanwhile gives Lost, as any other.
        """
        with self._kept_lock:
            self._kept = {} if self._kept is None else self._kept
        try:
            yield
        finally:
            with self._kept_lock:
                kept, self._kept = self._kept or {}, None
            for one in (one for sessions in kept.values() for one in sessions):
                one.stack.close()

    def _password(self) -> str | None:
        reference, user = self._settings.password, self._settings.username
        if reference is None and (user is None or self._settings.auth in _WITHOUT_PASSWORD):
            return None
        with self._secret_lock:
            if self._known_password is None:
                self._known_password = self._secret(reference or f"{{terminal {user}}}")
            return self._known_password

    def _name_of(self, node: str) -> str:
        return node if self._domain is None or "." in node else f"{node}.{self._domain}"

    def _ask(
        self, answer: type[Answer], node: str, command: str, parameters: Mapping[str, Parameter], *, longer: int = 0
    ) -> Answer | Lost:
        name, deadline = self._name_of(node), self._settings.deadline + longer
        try:
            text = self._invoke(name, command, parameters, deadline=deadline)
        except RemotingError as error:
            if error.kind is Kind.COMMAND:
                raise CommandFailed(error.message, hint=error.hint, node=node, command=command, **error.fields) from error
            reason, missing = _REASONS.get(error.kind, "failed"), error.kind is Kind.MISSING_COMMAND
            return Lost(node=node, reason=reason, message=error.message, hint=error.hint, missing=missing)
        return decode(answer, text, node=node)

    def _invoke(self, name: str, command: str, parameters: Mapping[str, Parameter], *, deadline: float) -> str:
        """Return the text that a node answers with. Raises RemotingError."""
        with ExitStack() as stack:
            session = self._taken(name, stack)
            if session is None:
                address = remoting.address_of(self._settings, name)
                opened = remoting.open_session(
                    self._settings, node=name, address=address, password=self._password(), deadline=deadline
                )
                session = stack.enter_context(opened)
            else:
                session.set_deadline(deadline)
            try:
                text = session.invoke(command, parameters, check=self._check_of(command))
            except RemotingError as error:
                if error.kind is Kind.COMMAND:
                    self._keep(name, session, stack)
                else:
                    self._forget(name)
                raise
            self._keep(name, session, stack)
            return text

    def _check_of(self, command: str) -> Callable[[], None]:
        """Return what may give a command up. A change is waited for: nobody could tell what becomes of it otherwise."""
        return self._stop.check if command.startswith(_LOOKS) else lambda: None

    def _taken(self, name: str, stack: ExitStack) -> Session | None:
        """Return a session that was kept, if there is a fresh one; it ends with ``stack``."""
        with self._kept_lock:
            sessions = (self._kept or {}).get(name)
            kept = sessions.pop() if sessions else None
        if kept is None:
            return None
        stack.push(kept.stack)
        if time.monotonic() - kept.since > _FRESH:
            stack.pop_all().close()
            return None
        return kept.session

    def _keep(self, name: str, session: Session, stack: ExitStack) -> None:
        """Keep a session for the next question, if sessions are kept; else it ends now."""
        with self._kept_lock:
            if self._kept is not None:
                kept = _Kept(session=session, stack=stack.pop_all(), since=time.monotonic())
                self._kept.setdefault(name, []).append(kept)

    def _forget(self, name: str) -> None:
        """End the sessions that are kept of a node that was lost: theirs are the same connections' fate."""
        with self._kept_lock:
            sessions = (self._kept or {}).pop(name, [])
        for one in sessions:
            one.stack.close()
