"""The blows: each is dealt while the product stands still at a gate, and the simulator's log tells that it was.

One of them only gets ready there: ``mute`` falls when the node has done what the product asks for next.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from borg_cluster.simulator.chains import find_chain
from borg_cluster.simulator.definition import write_saved_state
from borg_cluster.simulator.faults import Fault
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.state import SimulatedCluster
from tests.crash.cells import Cell
from tests.e2e.restore_site import damage


def is_copy(machine: Machine) -> bool:
    """Return whether a virtual machine is a copy that a restore has made."""
    return any(line.startswith("borg-cluster restore ") for line in machine.definition.notes.splitlines())


@dataclass(slots=True, kw_only=True)
class Blow:
    """One cell's blow to one cluster."""

    cluster: SimulatedCluster
    original: str
    cell: Cell
    repository: Path
    is_copy: bool = False
    pid: int = 0
    """Of the process that is hit."""
    down: list[str] = field(default_factory=list)
    mend: Callable[[], None] = lambda: None
    """Makes whole what lies outside the world, and so would hurt the next cell, too."""

    @property
    def vm_id(self) -> str:
        """The virtual machine that is restored; a copy only once it's registered (until then none has this id)."""
        if not self.is_copy:
            return self.original
        return next((machine.id for machine in self.cluster.state.machines if is_copy(machine)), "")

    @property
    def gate(self) -> tuple[str, str]:
        """The gate at which it is dealt. An answer is lost after the act by cutting the connection, or killing who hears it."""
        moment = "before" if self.cell.hit in {"cut", "mute"} and self.cell.moment == "after" else self.cell.moment
        return (self.cell.step, moment)

    @property
    def mark(self) -> str:
        """What the log says where it was dealt."""
        return f"at {self.cell.step}, {self.cell.moment}"

    @property
    def moves(self) -> bool:
        """Whether the virtual machine may end on another node."""
        return self.cell.hit in {"node", "owner"}

    def fired(self) -> bool:
        """Return whether the simulator's own log shows that the blow was dealt there, and took effect."""
        entries = [(entry["kind"], entry["what"]) for entry in self.cluster.log]
        at = [number for number, entry in enumerate(entries) if entry == ("gate", self.mark)]
        return len(at) == 1 and _EVIDENCE[self.cell.hit] & set(entries[at[0] + 1 :]) != set()

    def make_whole(self) -> bool:
        """Switch on what went down; return whether there was anything."""
        nodes, self.down = self.down, []
        for node in nodes:
            self.cluster.node_up(node)
        return bool(nodes)

    def another_node(self, but: str) -> str:
        """Return another node that is up."""
        return next(node.name for node in self.cluster.state.nodes if node.answers and node.name != but)

    def holder(self) -> str | None:
        """Return the node that has the virtual machine, or owns its role."""
        registered = self.cluster.registrations(self.vm_id)
        role = self.cluster.find_role(self.vm_id)
        return registered[0].node if registered else role.owner_node if role is not None else None


_EVIDENCE: dict[str, set[tuple[str, str]]] = {
    "kill": {("fault", "kill")},
    "cut": {("fault", "drop_before"), ("fault", "drop_after")},
    "node": {("change", "node_down")},
    "owner": {("change", "move_role"), ("change", "begin_migration")},
    "name": {("change", "move_core_group")},
    "volume": {("change", "move_coordinator")},
    "mute": {("fault", "change_after")},
    "rot": {("change", "rot")},
    "spoil": {("change", "spoil")},
    "misfit": {("change", "misfit")},
    "stale": {("change", "stale")},
    "halt": {("change", "stop")},
}


def hit(blow: Blow) -> None:
    """Deal it."""
    with blow.cluster.lock:
        blow.cluster.note("gate", blow.mark)
    _DEALT[blow.cell.hit](blow)


def _kill(blow: Blow) -> None:
    """The process is killed by whoever started it; here it's only told."""
    blow.cluster.note("fault", "kill", step=blow.cell.step, moment=blow.cell.moment)


def _cut(blow: Blow) -> None:
    blow.cluster.faults.add(Fault(kind="drop_after" if blow.cell.moment == "after" else "drop_before"))


def _node(blow: Blow) -> None:
    node = blow.holder() or blow.cluster.core_owner
    blow.down.append(node)
    blow.cluster.node_down(node)


def _name(blow: Blow) -> None:
    blow.cluster.move_core_group(blow.another_node(blow.cluster.core_owner))


def _volume(blow: Blow) -> None:
    for volume in blow.cluster.state.volumes:
        blow.cluster.move_coordinator(volume.folder, blow.another_node(volume.owner_node))


def _mute(blow: Blow) -> None:
    blow.cluster.faults.add(Fault(kind="change_after", change=lambda _: os.kill(blow.pid, signal.SIGKILL)))


def _rot(blow: Blow) -> None:
    (machine,) = blow.cluster.registrations(blow.original)
    chains = [find_chain(blow.cluster, leaf, machine.node) for leaf in machine.definition.disk_paths()]
    with blow.cluster.change("rot", repository=str(blow.repository)):
        blow.mend = damage(blow.repository, [real for chain in chains for real in chain.reals])


def _misfit(blow: Blow) -> None:
    with blow.cluster.change("misfit"):
        for node in blow.cluster.state.nodes:
            node.newest_version = "9.0"


def _spoil(blow: Blow) -> None:
    disk = next(blow.cluster.folder.glob("volumes/*/.borg-cluster/*/staged/**/*.vhdx"))
    with blow.cluster.change("spoil", file=str(disk)):
        os.truncate(disk, disk.stat().st_size - 4096)


def _stale(blow: Blow) -> None:
    (state,) = _placed(blow.cluster, f"{blow.vm_id.upper()}.vmrs")
    with blow.cluster.change("stale", file=str(state)):
        write_saved_state(state, ["of other disks"])


def _halt(blow: Blow) -> None:
    blow.cluster.stop(blow.vm_id, "TurnOff")


def _placed(cluster: SimulatedCluster, name: str) -> list[Path]:
    return [path for path in cluster.folder.glob(f"volumes/**/{name}") if ".borg-cluster" not in path.parts]


def _owner(blow: Blow) -> None:
    """Move the virtual machine, or its offline role; where there is neither, nothing happens."""
    holder = blow.holder()
    if holder is None:
        return
    if blow.cluster.registrations(blow.vm_id):
        blow.cluster.migrate(blow.vm_id, blow.another_node(holder))
    else:
        blow.cluster.move_role(blow.vm_id, blow.another_node(holder))


_DEALT: dict[str, Callable[[Blow], None]] = {
    "kill": _kill,
    "cut": _cut,
    "node": _node,
    "owner": _owner,
    "name": _name,
    "volume": _volume,
    "mute": _mute,
    "rot": _rot,
    "spoil": _spoil,
    "misfit": _misfit,
    "stale": _stale,
    "halt": _halt,
}
