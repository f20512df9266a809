"""What changed: two looks at a cluster compared by VM id. A VM that nobody could be asked about has not changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from borg_cluster.core.inventory import FileKind, Inventory, VirtualMachine, storage_of


class ChangeKind(StrEnum):
    """What can happen to a VM between two inventories."""

    APPEARED = "appeared"
    MIGRATED = "migrated"
    BECAME_HIGHLY_AVAILABLE = "became_highly_available"
    CEASED_TO_BE_HIGHLY_AVAILABLE = "ceased_to_be_highly_available"
    MOVED_STORAGE = "moved_storage"
    RENAMED = "renamed"
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one VM, seen ``at`` (ISO UTC); ``was`` and ``now`` are nodes, names or storage, for people to read."""

    vm_id: str
    name: str
    kind: ChangeKind
    at: str
    was: str | None
    now: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was last known of a VM, kept while its node does not answer."""

    vm_id: str
    name: str
    node: str | None
    highly_available: bool
    storage: tuple[str, ...]
    """Cluster volumes, shares or drives of its disks and configuration; empty: not known."""


def sightings(inventory: Inventory) -> tuple[Sighting, ...]:
    """Return what an inventory tells of each VM, in its order."""
    return observe((), inventory)[1]


def changes(before: Inventory, after: Inventory) -> tuple[Change, ...]:
    """Return what happened between two inventories of one cluster.

    With more than two, give ``observe`` the sightings of all before: a node that did not answer once is bridged by them.
    """
    return observe(sightings(before), after)[0]


def observe(known: tuple[Sighting, ...], after: Inventory) -> tuple[tuple[Change, ...], tuple[Sighting, ...]]:
    """Return what changed since the sightings ``known``, and the sightings to keep now, both in order of VM id.

    A VM is vanished only if the node where it was last seen answered (or is no node any more): otherwise nobody knows.
    """
    before = {sighting.vm_id: sighting for sighting in known}
    silent = {unanswered.node.lower() for unanswered in after.unanswered}
    kept: dict[str, Sighting] = {}
    found: list[Change] = []
    for vm in after.virtual_machines:
        old = before.get(vm.id)
        kept[vm.id] = new = _sighting(vm, old, after)
        found.extend(_compare(old, new, at=after.taken_at))
    for old in known:
        if old.vm_id in kept:
            continue
        if _nobody_knows(old, silent):
            kept[old.vm_id] = old
        else:
            found.append(_change(old, ChangeKind.VANISHED, at=after.taken_at, was=old.node, now=None))
    found.sort(key=lambda change: change.vm_id)
    return tuple(found), tuple(kept[vm_id] for vm_id in sorted(kept))


def _nobody_knows(old: Sighting, silent: set[str]) -> bool:
    return bool(silent) if old.node is None else old.node.lower() in silent


def _sighting(vm: VirtualMachine, old: Sighting | None, inventory: Inventory) -> Sighting:
    """Return what is known now; what only the VM's node can tell (name, storage) stays as it was if the node did not tell."""
    places = (file.path for file in vm.files if file.kind in {FileKind.DISK, FileKind.CONFIGURATION})
    storage = tuple(sorted({storage_of(path, inventory.volumes) for path in places}))
    reported = bool(vm.nodes)
    return Sighting(
        vm_id=vm.id,
        name=vm.name if reported or old is None else old.name,
        node=vm.node if vm.node is not None or old is None else old.node,
        highly_available=vm.highly_available,
        storage=storage if storage or old is None else old.storage,
    )


def _compare(old: Sighting | None, new: Sighting, *, at: str) -> Iterator[Change]:
    if old is None:
        yield _change(new, ChangeKind.APPEARED, at=at, was=None, now=new.node)
        return
    if old.name != new.name:
        yield _change(new, ChangeKind.RENAMED, at=at, was=old.name, now=new.name)
    if old.node is not None and old.node.lower() != (new.node or "").lower():
        yield _change(new, ChangeKind.MIGRATED, at=at, was=old.node, now=new.node)
    if old.highly_available != new.highly_available:
        became = ChangeKind.BECAME_HIGHLY_AVAILABLE if new.highly_available else ChangeKind.CEASED_TO_BE_HIGHLY_AVAILABLE
        yield _change(new, became, at=at, was=None, now=None)
    if old.storage and {place.lower() for place in old.storage} != {place.lower() for place in new.storage}:
        yield _change(new, ChangeKind.MOVED_STORAGE, at=at, was=", ".join(old.storage), now=", ".join(new.storage))


def _change(vm: Sighting, kind: ChangeKind, *, at: str, was: str | None, now: str | None) -> Change:
    return Change(vm_id=vm.vm_id, name=vm.name, kind=kind, at=at, was=was, now=now)
