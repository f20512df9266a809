"""A cluster that knows no Hyper-V: each command answers with what arrived, or with what a test wants."""

import json
from collections.abc import Callable, Mapping

from borg_cluster.simulator.faults import FaultScript

Answer = Callable[[str, Mapping[str, object]], str]


class EchoCluster:
    """Answers every command with its node, name and parameters; ``answers`` holds other answers by command."""

    def __init__(self) -> None:
        self.name = "hv"
        self.domain = "example.test"
        self.node_names: tuple[str, ...] = ("node1", "node2", "node3")
        self.core_owner = "node1"
        self.faults = FaultScript(lambda *_: None)
        self.down: set[str] = set()
        self.answers: dict[str, Answer] = {}
        self.executed: list[tuple[str, str]] = []

    def reachable(self, node: str) -> bool:
        """Return whether no test took the node down."""
        return node not in self.down

    def invoke(self, node: str, command: str, parameters: Mapping[str, object]) -> str:
        """Answer, and remember what was asked for."""
        self.executed.append((node, command))
        if command in self.answers:
            return self.answers[command](node, parameters)
        return json.dumps({"schema": 1, "node": node, "command": command, "parameters": dict(parameters)})
