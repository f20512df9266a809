"""The world's ground: its state, its files, its clock, its log, and looking things up. What may happen lives elsewhere."""

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from borg_cluster.simulator.failure import role_missing, vm_not_registered
from borg_cluster.simulator.faults import Fault, FaultScript
from borg_cluster.simulator.model import CONFIGURATION_RESOURCE, VM_RESOURCE, ClusterRole, Grant, Machine, Node, Resource, State
from borg_cluster.simulator.places import Places
from borg_cluster.simulator.switches import Switches


def wall_clock() -> datetime:
    """Return the time now."""
    return datetime.now(UTC)


class World:
    """State, files, clock and log of one cluster. All changes happen inside ``change``, which saves and audits them."""

    def __init__(self, folder: Path, state: State, *, clock: Callable[[], datetime] = wall_clock) -> None:
        self.folder = folder
        self.state = state
        self.places = Places(folder, lambda: self.state)
        self.pace = 0.0
        """Real seconds for each nominal second that a command takes; 0: none."""
        self.log: list[dict[str, object]] = []
        self.faults = FaultScript(self._fault_fired)
        self.lock = threading.Condition(threading.RLock())
        self.audit: Callable[[World], list[str]] = lambda world: world.state.violations
        self._clock = clock

    @property
    def switches(self) -> Switches:
        """The doubts, as this world decides them."""
        return self.state.switches

    @property
    def core_owner(self) -> str:
        """The node that owns the core group, and so answers for the cluster's name."""
        return next(role.owner_node for role in self.state.roles if role.group_type == "Cluster")

    # time

    def now(self) -> datetime:
        """Return the world's time."""
        return self._clock() + timedelta(seconds=self.state.clock_offset)

    def now_text(self) -> str:
        """Return the world's time as ISO 8601 in UTC, with .NET's seven digits."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")

    def advance(self, seconds: float) -> None:
        """Move the clock on; whoever waits for an operation looks again."""
        with self.change("advance", seconds=seconds):
            self.state.clock_offset += seconds
            self.lock.notify_all()

    # change and log

    @contextmanager
    def change(self, what: str, *, kind: str = "change", **details: object) -> Iterator[None]:
        """Hold the lock, log, and save and audit afterwards: also when the change failed half-way, as reality would."""
        with self.lock:
            self.note(kind, what, **details)
            try:
                yield
            finally:
                self.commit()

    def note(self, kind: str, what: str, **details: object) -> None:
        """Append to the log: kind is command, change, fault or violation."""
        entry: dict[str, object] = {"number": len(self.log) + 1, "at": self.now_text(), "kind": kind, "what": what, **details}
        self.log.append(entry)
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False, default=str) + "\n")

    def commit(self) -> None:
        """Audit the world and save it."""
        known = set(self.state.violations)
        for violation in self.audit(self):
            if violation not in known:
                known.add(violation)
                self.state.violations.append(violation)
                self.note("violation", violation)
        scratch = self.folder / "state.json.new"
        scratch.write_text(json.dumps(asdict(self.state), ensure_ascii=False), encoding="utf-8")
        scratch.replace(self.folder / "state.json")

    def _fault_fired(self, fault: Fault, node: str, command: str | None) -> None:
        with self.lock:
            self.note("fault", fault.kind, node=node, command=command, occurrence=fault.occurrence)

    def new_id(self) -> str:
        """Return the next GUID: the same in each run with the same seed."""
        self.state.counter += 1
        digest = hashlib.sha256(f"{self.state.seed}/{self.state.counter}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))

    # looking up

    def node(self, name: str) -> Node:
        """Return a node by its short name or its FQDN, or the core group's owner by the cluster's name."""
        short = name.lower().removesuffix(f".{self.state.domain.lower()}")
        if short == self.state.name.lower():
            short = self.core_owner.lower()
        for node in self.state.nodes:
            if node.name.lower() == short:
                return node
        raise KeyError(name)

    def live_nodes(self) -> list[Node]:
        """Return the nodes that take part in the cluster."""
        return [node for node in self.state.nodes if node.answers and node.clussvc]

    def registrations(self, vm_id: str) -> list[Machine]:
        """Return the VM as each node has it registered: one, unless something is wrong."""
        return [machine for machine in self.state.machines if machine.id == vm_id]

    def find_machine(self, vm_id: str, node: str) -> Machine | None:
        """Return the VM as that node has it registered."""
        return next((machine for machine in self.registrations(vm_id) if machine.node == node), None)

    def machine(self, vm_id: str, node: str | None = None) -> Machine:
        """Return the VM as that (or any) node has it registered; raises CommandError."""
        found = self.registrations(vm_id) if node is None else [self.find_machine(vm_id, node)]
        if not found or found[0] is None:
            raise vm_not_registered(vm_id, node or "any node")
        return found[0]

    def resource(self, vm_id: str, resource_type: str) -> Resource | None:
        """Return one of the two resources of a clustered VM."""
        return next((one for one in self.state.resources if (one.vm_id, one.resource_type) == (vm_id, resource_type)), None)

    def vm_resource(self, vm_id: str) -> Resource | None:
        """Return the 'Virtual Machine' resource."""
        return self.resource(vm_id, VM_RESOURCE)

    def configuration_resource(self, vm_id: str) -> Resource | None:
        """Return the 'Virtual Machine Configuration' resource."""
        return self.resource(vm_id, CONFIGURATION_RESOURCE)

    def find_role(self, vm_id: str) -> ClusterRole | None:
        """Return the role that holds a resource of this VM."""
        ids = {one.role_id for one in self.state.resources if one.vm_id == vm_id}
        return next((role for role in self.state.roles if role.id in ids), None)

    def role(self, vm_id: str) -> ClusterRole:
        """Return the role of this VM; raises CommandError."""
        role = self.find_role(vm_id)
        if role is None:
            raise role_missing(vm_id)
        return role

    # files

    def real(self, path: str, node: str) -> Path:
        """Return the real path of Windows' ``path`` as that node sees it."""
        return self.places.real(path, node)

    def grant(self, path: str, node: str, vm_id: str) -> None:
        """Let the VM's account open the file."""
        key, inode = self.places.key(path, node), self.real(path, node).stat().st_ino
        known = self.state.access.get(key)
        if known is None or known.inode != inode:
            known = self.state.access[key] = Grant(inode=inode)
        if vm_id not in known.vm_ids:
            known.vm_ids.append(vm_id)

    def granted(self, path: str, node: str, vm_id: str) -> bool:
        """Whether the VM's account may open the file that lies there now."""
        known = self.state.access.get(self.places.key(path, node))
        return known is not None and known.inode == self.real(path, node).stat().st_ino and vm_id in known.vm_ids

    def pause(self, nominal_seconds: float) -> None:
        """Let simulated time pass for a command, by ``pace``; other commands go on meanwhile."""
        if self.pace and nominal_seconds:
            self.lock.wait(timeout=nominal_seconds * self.pace)
