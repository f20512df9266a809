"""Scripted faults: what goes wrong, and at which command.

Each fault counts the commands that it matches (its ``command`` and ``node``, None: any) and fires at its ``occurrence``-th one.
The wire asks ``login``, ``before`` and ``after`` for what happens to a connection; the cluster itself asks ``entering`` and
``leaving`` around each command that it executes. Every fault that fires is told to ``on_fire``.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from borg_cluster.simulator.failure import CommandError

CONNECTION_KINDS = ("drop_before", "drop_after", "freeze", "refuse_login")
WORLD_KINDS = ("change_before", "change_after", "node_down", "error", "old_schema", "old_module")


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault.

    ``kind``: drop_before (the command is not executed), drop_after (executed, the answer is lost), freeze (no answer for
    ``seconds``; the command is not executed before that), refuse_login, change_before and change_after (``change`` is called
    with the cluster), node_down (the node is gone before the command), error (``error`` instead of executing), old_schema
    (the answer's schema is ``schema``), old_module (the answer's module_version is ``module_version``).
    """

    kind: str
    command: str | None = None
    occurrence: int = 1
    node: str | None = None
    repeat: bool = False
    """Fires at each further occurrence too."""
    seconds: float = 3600.0
    change: Callable[[Any], object] | None = None
    error: CommandError | None = None
    schema: int = 0
    module_version: str = "0.0.1"
    seen: int = field(default=0, init=False)
    fired: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Refuse a kind that doesn't exist and a fault that lacks what its kind needs."""
        if self.kind not in CONNECTION_KINDS + WORLD_KINDS:
            raise ValueError(f"no such kind of fault: {self.kind}")
        if self.kind.startswith("change") and self.change is None:
            raise ValueError(f"{self.kind} needs change=")
        if self.kind == "error" and self.error is None:
            raise ValueError("error needs error=")

    def matches(self, node: str, command: str | None) -> bool:
        """Whether this fault counts that command on that node."""
        return (self.node is None or self.node.lower() == node.lower()) and (
            self.command is None or command is None or self.command.lower() == command.lower()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the wire does about a command: cut the connection, or keep silent for ``freeze`` seconds first."""

    drop: bool = False
    freeze: float | None = None


class FaultScript:
    """The faults of one cluster; thread-safe."""

    def __init__(self, on_fire: Callable[[Fault, str, str | None], None]) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.RLock()
        self._on_fire = on_fire

    def add(self, fault: Fault) -> Fault:
        """Add a fault and return it; its ``fired`` tells later whether it happened."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def login(self, node: str) -> bool:
        """Return whether a login on this node is accepted now; the wire asks once per authentication."""
        return not self._due(("refuse_login",), node, None)

    def before(self, node: str, command: str) -> Decision:
        """Return what happens to the connection before this command is executed; asked once per command."""
        due = self._due(("drop_before", "freeze"), node, command)
        freeze = next((fault.seconds for fault in due if fault.kind == "freeze"), None)
        return Decision(drop=any(fault.kind == "drop_before" for fault in due), freeze=freeze)

    def after(self, node: str, command: str) -> Decision:
        """Return what happens to the connection after this command was executed; asked once per command."""
        return Decision(drop=bool(self._due(("drop_after",), node, command)))

    def entering(self, node: str, command: str) -> list[Fault]:
        """Return the world's faults due before this command is executed, in the order they were added."""
        return self._due(("change_before", "node_down", "error", "old_schema", "old_module"), node, command)

    def leaving(self, node: str, command: str) -> list[Fault]:
        """Return the world's faults due after this command was executed."""
        return self._due(("change_after",), node, command)

    def _due(self, kinds: tuple[str, ...], node: str, command: str | None) -> list[Fault]:
        due = []
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and fault.matches(node, command):
                    fault.seen += 1
                    if fault.seen == fault.occurrence or (fault.repeat and fault.seen > fault.occurrence):
                        fault.fired += 1
                        due.append(fault)
        for fault in due:
            self._on_fire(fault, node, command)
        return due
