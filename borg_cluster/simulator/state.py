"""The simulated cluster: one object that answers the nodes' commands and lets an administrator change the world.

``invoke`` is what the wire calls. Everything else is what happens on a cluster by itself or by somebody's hand. All of it may be
called from any thread.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from borg_cluster.simulator import machines, roles
from borg_cluster.simulator.administration import Administration
from borg_cluster.simulator.audit import Violation, audit
from borg_cluster.simulator.checkpoints import take_checkpoint
from borg_cluster.simulator.commands import COMMANDS
from borg_cluster.simulator.execution import execute
from borg_cluster.simulator.failure import CommandError
from borg_cluster.simulator.faults import Decision, Fault
from borg_cluster.simulator.making import DiskSpec, VMSpec, make_vm, new_state, populate, volume_path
from borg_cluster.simulator.model import ClusteredDisk, State
from borg_cluster.simulator.plain import from_plain
from borg_cluster.simulator.startable import owe
from borg_cluster.simulator.switches import Switches
from borg_cluster.simulator.world import wall_clock

__all__ = [
    "COMMANDS",
    "CommandError",
    "Decision",
    "DiskSpec",
    "Fault",
    "SimulatedCluster",
    "Switches",
    "VMSpec",
    "Violation",
]


class SimulatedCluster(Administration):
    """A Hyper-V failover cluster whose volumes are folders below ``folder``."""

    @classmethod
    def create(  # noqa: PLR0913 - one value for each thing that a cluster is made of, all but the folder by keyword
        cls,
        folder: Path,
        *,
        name: str = "hv",
        domain: str = "example.test",
        nodes: tuple[str, ...] = ("node1", "node2", "node3"),
        volumes: tuple[str, ...] = ("Volume1", "Volume2"),
        seed: int = 1,
        clock: Callable[[], datetime] = wall_clock,
    ) -> "SimulatedCluster":
        """Make a cluster without VMs; raises FileExistsError when ``folder`` holds one."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "volumes").mkdir()
        cluster = cls(folder, new_state(name=name, domain=domain, nodes=nodes, seed=seed), clock=clock)
        cluster.audit = audit
        with cluster.change("create"):
            populate(cluster, volumes)
        return cluster

    @classmethod
    def open(cls, folder: Path, *, clock: Callable[[], datetime] = wall_clock) -> "SimulatedCluster":
        """Open a cluster as its last change left it; faults and ``pace`` are not kept."""
        state: State = from_plain(State, json.loads((folder / "state.json").read_text(encoding="utf-8")))
        cluster = cls(folder, state, clock=clock)
        cluster.audit = audit
        log = folder / "log.jsonl"
        cluster.log = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        return cluster

    # what the wire needs

    @property
    def name(self) -> str:
        """The cluster's name."""
        return self.state.name

    @property
    def domain(self) -> str:
        """The DNS domain of the cluster and its nodes."""
        return self.state.domain

    @property
    def node_names(self) -> tuple[str, ...]:
        """The nodes' short names."""
        return tuple(node.name for node in self.state.nodes)

    @property
    def volume_names(self) -> tuple[str, ...]:
        """The folders of the Cluster Shared Volumes."""
        return tuple(volume.folder for volume in self.state.volumes)

    def reachable(self, node: str) -> bool:
        """Return whether the node answers on the network at all."""
        return self.node(node).answers

    def invoke(self, node: str, command: str, parameters: Mapping[str, object]) -> str:
        """Execute a command on a node, which may be named by short name or FQDN, or as the cluster.

        Returns the answer: JSON, or gzip and base64 of it beyond 100 kB. Raises CommandError where PowerShell would write an
        error record, and KeyError for an unknown node.
        """
        return execute(self, self.node(node), command, parameters, self)

    # making and looking

    def volume_folder(self, volume: str) -> Path:
        """Return the real folder of a Cluster Shared Volume."""
        return self.folder / "volumes" / volume

    def volume_path(self, volume: str) -> str:
        """Return Windows' path of a volume."""
        return volume_path(self, volume)

    def real_path(self, path: str, node: str | None = None) -> Path:
        """Return the real path of Windows' ``path``."""
        return self.real(path, self.node(node or self.core_owner).name)

    def add_vm(
        self, name: str, *, highly_available: bool = True, state: str = "Running", checkpoints: int = 0, **options: object
    ) -> str:
        """Make a VM with all its files and return its id. ``options`` are VMSpec's: node, volume, disks, notes, iso, ...

        ``state``: Running, Off or Saved; ``checkpoints``: how many are taken of it.
        """
        options.setdefault("node", self.state.nodes[0].name)
        options.setdefault("volume", self.state.volumes[0].folder if self.state.volumes else "")
        with self.change("add_vm", name=name):
            machine = make_vm(self, VMSpec(name=name, **options))  # type: ignore[arg-type] # VMSpec checks its own arguments
            owe(self, machine.id, machine.configuration_path, machine.node)
            for number in range(checkpoints):
                take_checkpoint(self, machine, f"{name} - ({number + 1})")
            if state != "Off":
                machines.start(self, machine)
            if highly_available:
                roles.add_role(self, machine, self.free_role_name(name))
            if state == "Saved":
                machines.stop(self, machine, "Save")
                roles.set_states(self, machine.id, vm="Offline")
        return machine.id

    def add_clustered_disk(self, name: str, drive: str, *, vm_id: str) -> str:
        """Give a VM's role a clustered disk that is no CSV, mounted as ``drive`` (S:) on its owner; returns its resource id."""
        with self.change("add_clustered_disk", name=name, drive=drive):
            (self.folder / "disks" / name).mkdir(parents=True)
            role = self.role(vm_id)
            disk = ClusteredDisk(id=self.new_id(), name=name, role_id=role.id, paths=[f"{drive[0].upper()}:\\"])
            self.state.disks.append(disk)
            configuration = self.configuration_resource(vm_id)
            if configuration is not None:
                configuration.extra_dependencies.append(name)
        return disk.id

    def write_file(self, path: str, content: bytes, node: str | None = None) -> None:
        """Put a file that belongs to no VM (or to several: an ISO) at Windows' ``path``."""
        with self.change("write_file", path=path):
            real = self.real_path(path, node)
            real.parent.mkdir(parents=True, exist_ok=True)
            real.write_bytes(content)

    def find_vm(self, name: str) -> str:
        """Return the id of the only registered VM with this name; raises KeyError."""
        ids = {machine.id for machine in self.state.machines if machine.definition.name == name}
        if len(ids) != 1:
            raise KeyError(name)
        return ids.pop()

    def check(self) -> None:
        """Raise Violation when anything ever happened that must not."""
        with self.lock:
            self.commit()
            if self.state.violations:
                raise Violation("; ".join(self.state.violations))
