"""The cluster's list and the nodes' lists joined by VM id, never by name.

The cluster knows what is highly available and who owns it; a node knows what is registered on it, with which files.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from borg_cluster.core.cluster_finding import VM_RESOURCE
from borg_cluster.core.finding import Told
from borg_cluster.core.inventory import FileKind, OwnedFile, Unanswered, VirtualMachine, vm_id_key
from borg_cluster.core.ownership import owned_files
from borg_cluster.core.report import VM, ClusterReport, NodeReport, Role, VMResource, WriterFile, WriterReport

Item = TypeVar("Item")
Report = TypeVar("Report", NodeReport, WriterReport)
_ALIVE = frozenset({"Up", "Paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was said, sorted out: node names in the cluster's spelling, VM ids in ours, one report a node."""

    cluster: ClusterReport
    nodes: dict[str, NodeReport]
    writers: dict[str, WriterReport]
    unanswered: tuple[Unanswered, ...]
    spelling: dict[str, str]
    """A node's name by its lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A VM as one node reports it."""

    node: str
    vm: VM


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """What every VM is looked up in: roles by id, the writers' files by VM id and node, silent nodes by lower-case name."""

    asked: Asked
    roles: dict[str, Role]
    listed: dict[str, dict[str, tuple[WriterFile, ...]]]
    silent: dict[str, Unanswered]


def in_order(items: Iterable[Item], name: str) -> tuple[Item, ...]:
    """Return items in order of a text attribute without case, then of everything else."""
    return tuple(sorted(items, key=lambda item: (getattr(item, name).lower(), repr(item))))


def sort_out(
    cluster: ClusterReport,
    nodes: tuple[NodeReport, ...],
    writers: tuple[WriterReport, ...],
    unanswered: tuple[Unanswered, ...],
) -> Asked:
    """Return the reports by node. A node that neither reported nor was given up is added to the unanswered ones."""
    spelling: dict[str, str] = {}
    for name in (*sorted(node.name for node in cluster.nodes), *sorted(report.node for report in nodes)):
        spelling.setdefault(name.lower(), name)
    reports = _one_a_node(nodes, spelling)
    silent = {item.node.lower(): item for item in sorted(unanswered, key=repr, reverse=True)}
    for node in in_order(cluster.nodes, "name"):
        dead = Unanswered(node=node.name, reason="down", message=f"the cluster says that it is {node.state}", hint=None)
        mute = Unanswered(node=node.name, reason="failed", message="it was not asked", hint=None)
        silent.setdefault(node.name.lower(), mute if node.state in _ALIVE else dead)
    heard = {name.lower() for name in reports}
    lost = [replace(item, node=spelling.get(name, item.node)) for name, item in silent.items() if name not in heard]
    return Asked(
        cluster=_normal(cluster),
        nodes=reports,
        writers=_one_a_node(writers, spelling),
        unanswered=tuple(sorted(lost, key=lambda item: (item.node.lower(), item.node))),
        spelling=spelling,
    )


def _normal(cluster: ClusterReport) -> ClusterReport:
    """Return the report with its resources' VM ids as we write them, and in order."""
    resources = (replace(it, vm_id=None if it.vm_id is None else vm_id_key(it.vm_id)) for it in cluster.resources)
    return replace(
        cluster,
        resources=tuple(sorted(resources, key=lambda it: (it.resource_type, it.id, repr(it)))),
        roles=in_order(cluster.roles, "id"),
    )


def _one_a_node(reports: tuple[Report, ...], spelling: dict[str, str]) -> dict[str, Report]:
    """Return the newest report of each node, by the node's name, in order."""
    grouped: defaultdict[str, list[Report]] = defaultdict(list)
    for report in reports:
        grouped[spelling.get(report.node.lower(), report.node)].append(report)
    return {name: _newest(grouped[name]) for name in sorted(grouped, key=lambda name: (name.lower(), name))}


def _newest(reports: list[Report]) -> Report:
    return reports[0] if len(reports) == 1 else max(reports, key=lambda report: (report.taken_at, repr(report)))


def join(asked: Asked) -> tuple[Told, ...]:
    """Return every VM that a node reports or that a 'Virtual Machine' resource names, once each, in order of name and id."""
    places: defaultdict[str, list[_Place]] = defaultdict(list)
    for node, report in asked.nodes.items():
        for vm in report.vms:
            places[vm_id_key(vm.id)].append(_Place(node=node, vm=vm))
    resources: defaultdict[str, list[VMResource]] = defaultdict(list)
    for resource in asked.cluster.resources:
        if resource.vm_id is not None:
            resources[resource.vm_id].append(resource)
    highly_available = {it.vm_id for it in asked.cluster.resources if it.vm_id is not None and it.resource_type == VM_RESOURCE}
    sources = _Sources(
        asked=asked,
        roles={role.id: role for role in asked.cluster.roles},
        listed=_listed(asked.writers),
        silent={item.node.lower(): item for item in asked.unanswered},
    )
    told = [
        _tell(vm_id, tuple(places.get(vm_id, ())), tuple(resources.get(vm_id, ())), sources)
        for vm_id in places.keys() | highly_available
    ]
    return tuple(sorted(told, key=lambda item: (item.vm.name.lower(), item.vm.name, item.vm.id)))


def _tell(vm_id: str, places: tuple[_Place, ...], held: tuple[VMResource, ...], sources: _Sources) -> Told:
    """Return one VM from where it is registered and what the cluster holds of it."""
    role = _role(held, sources.roles)
    owner = _owner(held, role, sources.asked.spelling)
    place = _choose(places, owner)
    entry = _entry(vm_id, place, held, role, files=_files(place, sources.listed.get(vm_id, {})))
    writer = None if place is None else sources.asked.writers.get(place.node)
    return Told(
        vm=replace(entry, node=owner if place is None else place.node, nodes=tuple(dict.fromkeys(it.node for it in places))),
        registered=None if place is None else place.vm,
        listed=writer is not None and bool(writer.components),
        silent=sources.silent,
    )


def _listed(writers: dict[str, WriterReport]) -> dict[str, dict[str, tuple[WriterFile, ...]]]:
    """Return the writers' files by VM id and node."""
    listed: defaultdict[str, dict[str, tuple[WriterFile, ...]]] = defaultdict(dict)
    for node, writer in writers.items():
        for component in writer.components:
            of_vm = listed[vm_id_key(component.vm_id)]
            of_vm[node] = (*of_vm.get(node, ()), *component.files)
    return listed


def _files(place: _Place | None, listed: dict[str, tuple[WriterFile, ...]]) -> tuple[OwnedFile, ...]:
    """Return the VM's files; of writers, its own node's counts, else (it has moved meanwhile) any that knows the VM."""
    if place is not None and place.node in listed:
        return owned_files(place.vm, listed[place.node])
    everywhere = tuple(file for node in sorted(listed) for file in listed[node])
    return owned_files(None if place is None else place.vm, everywhere)


def _role(held: tuple[VMResource, ...], roles: dict[str, Role]) -> Role | None:
    return next((roles[it.role_id] for it in held if it.resource_type == VM_RESOURCE and it.role_id in roles), None)


def _owner(held: tuple[VMResource, ...], role: Role | None, spelling: dict[str, str]) -> str | None:
    """Return the node that owns the VM's role, in the cluster's spelling of nodes."""
    owners = [role.owner_node] if role is not None else []
    owners += [resource.owner_node for resource in held if resource.resource_type == VM_RESOURCE]
    owner = next((name for name in owners if name), None)
    return None if owner is None else spelling.get(owner.lower(), owner)


def _choose(places: tuple[_Place, ...], owner: str | None) -> _Place | None:
    """Return the registration that counts: on the role's owner, else where the VM runs, else on the first node by name."""
    if len(places) < 2:  # noqa: PLR2004 - nothing to choose; and comparing whole VMs is slow
        return places[0] if places else None
    return min(places, key=lambda it: (it.node != owner, it.vm.state != "Running", it.node.lower(), it.node, repr(it.vm)))


def _entry(
    vm_id: str, place: _Place | None, held: tuple[VMResource, ...], role: Role | None, *, files: tuple[OwnedFile, ...]
) -> VirtualMachine:
    """Return the VM; without a registration, what the cluster alone knows of it."""
    highly_available = any(resource.resource_type == VM_RESOURCE for resource in held)
    vm = None if place is None else place.vm
    named = role.name if role is not None else next((resource.name for resource in held), vm_id)
    return VirtualMachine(
        id=vm_id,
        name=named if vm is None else vm.name,
        node=None,
        nodes=(),
        highly_available=highly_available,
        role=role,
        resources=held,
        state=None if vm is None else vm.state,
        operational_status=() if vm is None else vm.operational_status,
        generation=None if vm is None else vm.generation,
        version=None if vm is None else vm.version,
        path=None if vm is None else vm.path,
        configuration_path=_configuration(vm_id, files),
        notes="" if vm is None else vm.notes,
        tags=() if vm is None else _tags(vm.notes),
        disks=() if vm is None else vm.disks,
        files=files,
        checkpoints=() if vm is None else vm.checkpoints,
        network_adapters=() if vm is None else vm.network_adapters,
        replication_mode=None if vm is None else vm.replication_mode,
        replication_state=None if vm is None else vm.replication_state,
        fibre_channel_adapters=() if vm is None else vm.fibre_channel_adapters,
        memory_startup=None if vm is None else vm.memory_startup,
    )


def _configuration(vm_id: str, files: tuple[OwnedFile, ...]) -> str | None:
    """Return the VM's .vmcx (or .xml of old versions): the one that has its id, else the first."""
    paths = [file.path for file in files if file.kind is FileKind.CONFIGURATION]
    return min(paths, key=lambda path: (vm_id not in path.lower(), path.lower(), path), default=None)


def _tags(notes: str) -> tuple[str, ...]:
    """Return the words that begin with '#', without it and without the punctuation behind them."""
    words = (word[1:].rstrip(".,;:!?)").lower() for word in notes.split() if word.startswith("#"))
    return tuple(sorted({word for word in words if word}))
