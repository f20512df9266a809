"""The simulated cluster: one object that answers the nodes' commands and lets an administrator change the world."""

from collections.abc import Mapping
from pathlib import Path

from borg_cluster.simulator.commands import COMMANDS, bind, find_command
from borg_cluster.simulator.failure import CommandError
from borg_cluster.simulator.faults import Fault, FaultScript
from borg_cluster.simulator.switches import Switches

__all__ = ["COMMANDS", "CommandError", "Fault", "SimulatedCluster"]


class SimulatedCluster:
    """A Hyper-V failover cluster with real files in ``folder``."""

    def __init__(self, folder: Path, *, name: str, domain: str, nodes: tuple[str, ...]) -> None:
        self.folder = folder
        self.name = name
        self.domain = domain
        self.core_owner = nodes[0]
        self.node_names = nodes
        self.switches = Switches()
        self.faults = FaultScript(lambda fault, node, command: None)
        self._down: set[str] = set()

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        name: str = "hv",
        domain: str = "example.test",
        nodes: tuple[str, ...] = ("node1", "node2", "node3"),
        volumes: tuple[str, ...] = ("Volume1", "Volume2"),
        seed: int = 1,
    ) -> "SimulatedCluster":
        """Make a cluster without VMs in an empty folder."""
        del volumes, seed
        return cls(folder, name=name, domain=domain, nodes=nodes)

    def reachable(self, node: str) -> bool:
        """Return whether the node answers on the network at all; ``node`` is a node's short name."""
        return node not in self._down

    def invoke(self, node: str, command: str, parameters: Mapping[str, object]) -> str:
        """Execute a command on a node; returns its answer (JSON, or gzip and base64 of it beyond 100 kB).

        Raises CommandError where PowerShell would write an error record.
        """
        bind(find_command(command), parameters)
        raise NotImplementedError(f"{command} on {node}")
