"""Asking one node one question over a session of its own."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import TypeVar

from borg_cluster import remoting
from borg_cluster.bridge.answers import Lost, decode
from borg_cluster.core.policy import RemotingSettings
from borg_cluster.errors import CommandFailed
from borg_cluster.remoting import Kind, Parameter, RemotingError

Answer = TypeVar("Answer")

_REASONS = {Kind.UNREACHABLE: "unreachable", Kind.TIMEOUT: "timed_out", Kind.AUTH: "refused"}

_WITHOUT_PASSWORD = ("kerberos", "certificate")
"""Ways to log in that do without a password: the user's ticket, and a key that has none."""


class Asking:
    """Asks the nodes of one cluster: what all commands have in common.

    Args:
        settings: how nodes are reached.
        domain: appended to a node's short name; None leaves names as they are.
        secret: resolves a reference such as '{credential file PATH}', or '{terminal USER}' for a user without one; called when
            the first session needs the password.
    """

    def __init__(self, settings: RemotingSettings, *, domain: str | None, secret: Callable[[str], str]) -> None:
        self._settings = settings
        self._domain = domain
        self._secret = secret
        self._secret_lock = Lock()
        self._known_password: str | None = None

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
        settings, name = self._settings, self._name_of(node)
        address, password, deadline = remoting.address_of(settings, name), self._password(), settings.deadline + longer
        try:
            with remoting.open_session(settings, node=name, address=address, password=password, deadline=deadline) as session:
                text = session.invoke(command, parameters)
        except RemotingError as error:
            if error.kind is Kind.COMMAND:
                raise CommandFailed(error.message, hint=error.hint, node=node, command=command, **error.fields) from error
            return Lost(node=node, reason=_REASONS.get(error.kind, "failed"), message=error.message, hint=error.hint)
        return decode(answer, text, node=node)
