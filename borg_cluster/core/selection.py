"""Which VMs a job wants, and which of them can't be saved truthfully: each answer with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from borg_cluster.core.inventory import FileKind, Finding, FindingCode, OwnedFile, VirtualMachine, storage_of
from borg_cluster.core.policy import Condition, Mount, Policy, Selection, locate
from borg_cluster.core.report import ClusterVolume, Disk

NEVER_STORED = frozenset({FileKind.CHANGE_TRACKING, FileKind.SMART_PAGING})
"""Windows makes these anew; they are in no archive."""
DISKS = frozenset({FileKind.DISK, FileKind.PARENT_DISK})
NEEDED = DISKS | {FileKind.CONFIGURATION}
"""Without these an archive does not bring the VM back; other files that are gone are gone."""

LEAST_FREE = 1 << 30
"""Bytes that a backup wants free on a volume, and a restore leaves there: running VMs' disks grow, and Windows pauses one whose
disk can't."""

_REFUSING = {
    FindingCode.VM_ON_NO_NODE: "no_node_reports_it",
    FindingCode.STORAGE_CRITICAL: "storage_critical",
    FindingCode.DISK_PASS_THROUGH: "pass_through",
    FindingCode.DISK_SHARED: "shared_disk",
    FindingCode.GUEST_STORAGE: "guest_storage",
    FindingCode.CHAIN_BROKEN: "chain_broken",
    FindingCode.CHECKPOINT_ORPHANED: "checkpoint_orphaned",
    FindingCode.DISK_MISSING: "disk_missing",
}


_DEGRADED = 3
"""OperationalStatus of Msvm_ComputerSystem; 5, a volume low on space, is no reason: a snapshot that can't be made says so."""
_REPLICAS = frozenset({"Replica", "ExtendedReplica"})
_RESYNCHRONISING = frozenset(
    {
        "Resynchronizing",
        "ResynchronizeSuspended",
        "WaitingForStartResynchronize",
        "InitialReplicationInProgress",
        "WaitingForInitialReplication",
        "ReadyForInitialReplication",
    }
)
"""ReplicationState of Get-VM in which Windows makes no recovery snapshot (0x800480BC)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whether a job wants a VM. ``code``: selected, not_selected or excluded."""

    wanted: bool
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a VM that is wanted can't be saved; ``code`` is that of the first reason."""

    code: str
    reason: str


def choose(vm: VirtualMachine, selection: Selection, mounts: tuple[Mount, ...]) -> Choice:
    """Return whether ``selection`` wants ``vm``: any include condition (none at all: every VM) and no exclude condition.

    A plugin's opinion outweighs them.
    """
    for vm_id, wanted, plugin in selection.opinions:
        if vm_id == vm.id:
            return Choice(
                wanted=wanted,
                code="selected" if wanted else "excluded",
                reason=f"{'selected' if wanted else 'excluded'} by plugin {plugin}",
            )
    for condition in selection.exclude:
        if meets(vm, condition, mounts):
            return Choice(wanted=False, code="excluded", reason=f"excluded by: {condition.render()}")
    if not selection.include:
        return Choice(wanted=True, code="selected", reason="the job selects every virtual machine")
    for condition in selection.include:
        if meets(vm, condition, mounts):
            return Choice(wanted=True, code="selected", reason=f"selected by: {condition.render()}")
    return Choice(wanted=False, code="not_selected", reason="no include condition holds")


def meets(vm: VirtualMachine, condition: Condition, mounts: tuple[Mount, ...]) -> bool:
    """Return whether a VM meets all keys of a condition; ``volume`` is met by any of its files on a mount of that name."""
    tag = None if condition.tag is None else condition.tag.removeprefix("#")
    nodes = () if vm.node is None else (vm.node, vm.node.partition(".")[0])
    return (
        fits(condition.name, (vm.name,))
        and (condition.id is None or condition.id.strip("{}").lower() == vm.id)
        and fits(condition.node, nodes)
        and (condition.volume is None or fits(condition.volume, volumes_of(vm, mounts)))
        and fits(tag, vm.tags)
        and (condition.highly_available is None or condition.highly_available == vm.highly_available)
    )


def volumes_of(vm: VirtualMachine, mounts: tuple[Mount, ...]) -> tuple[str, ...]:
    """Return the names of the mounts that hold any of a VM's files, sorted."""
    located = (locate(file.path, mounts, node=vm.node) for file in vm.files)
    return tuple(sorted({place.mount.name for place in located if place is not None}))


def fits(pattern: str | None, words: tuple[str, ...]) -> bool:
    """Return whether any word equals the glob or matches it, without case: a VM may be called ``web[1]*``."""
    if pattern is None:
        return True
    wanted = pattern.lower()
    return any(word.lower() == wanted or fnmatchcase(word.lower(), wanted) for word in words)


def refuse(vm: VirtualMachine, findings: tuple[Finding, ...], policy: Policy) -> Refusal | None:
    """Return why ``vm`` can't be saved truthfully, with all reasons in one text, or None."""
    reasons: dict[str, list[str]] = {}
    for code, text in (*_doubts(vm), *_guest_storage(vm, policy), *_unmapped(vm, policy.mounts)):
        reasons.setdefault(code, []).append(text)
    for finding in findings:
        code = _REFUSING.get(finding.code, "")
        if finding.subject == vm.id and code and code not in reasons:
            reasons[code] = [finding.message]
    if not reasons:
        return None
    texts = (text for several in reasons.values() for text in dict.fromkeys(several))
    return Refusal(code=next(iter(reasons)), reason="; ".join(texts))


def without_room(vm: VirtualMachine, volumes: tuple[ClusterVolume, ...]) -> str | None:
    """Return why ``vm`` can't be frozen without danger to it: what it writes meanwhile may fill a volume of its disks."""
    storage = {storage_of(disk.path, volumes) for disk in vm.disks if disk.path is not None}
    for volume in volumes:
        if volume.path in storage and volume.free is not None and volume.free < LEAST_FREE:
            left = f"{volume.free / 2**30:.1f} GiB left, and {LEAST_FREE / 2**30:.0f} GiB must be"
            return f"{volume.path} has {left}: Windows pauses a VM whose snapshot finds no room to grow"
    return None


def _doubts(vm: VirtualMachine) -> Iterator[tuple[str, str]]:
    if not vm.nodes:
        yield "no_node_reports_it", "no node reports it, so its files are not known"
    elif not stored_files(vm):
        yield "no_files", "no file of it is known"
    if (vm.state or "").lower().endswith("critical"):
        yield "storage_critical", f"its state is {vm.state}: its storage is not available"
    if _DEGRADED in vm.operational_status[:1]:
        yield "storage_critical", "Hyper-V calls it degraded: the storage of its configuration is lost to it"
    yield from _replication_doubts(vm)
    for disk in vm.disks:
        yield from _disk_doubts(disk)
    for file in vm.files:
        if file.kind in NEEDED and file.exists is False:
            code = "disk_missing" if file.kind in DISKS else "configuration_missing"
            yield code, f"{file.path} is missing"


def _replication_doubts(vm: VirtualMachine) -> Iterator[tuple[str, str]]:
    if vm.replication_mode in _REPLICAS:
        yield "replica", "it is a replica: Hyper-V writes to its disks while it is off; back up the VM that it replicates"
    elif vm.replication_state in _RESYNCHRONISING:
        yield "replica_resync", f"its replication is being synchronised ({vm.replication_state}); wait until it has ended"


def _disk_doubts(disk: Disk) -> Iterator[tuple[str, str]]:
    place = f"{disk.controller_type} {disk.controller_number}:{disk.controller_location}"
    if disk.disk_number is not None:
        yield "pass_through", f"the disk at {place} is a pass-through disk"
    if disk.shared:
        yield "shared_disk", f"the disk at {place} is shared with other VMs"
    if disk.chain_error is not None:
        yield "chain_broken", f"the chain of the disk at {place} is broken ({disk.chain_error})"
    for file in disk.chain:
        if not file.exists:
            yield "disk_missing", f"{file.path} is missing"


def _guest_storage(vm: VirtualMachine, policy: Policy) -> Iterator[tuple[str, str]]:
    """Yield what the configuration knows of storage that no report tells of; virtual Fibre Channel is a finding."""
    for condition in policy.guest_storage:
        if meets(vm, condition, policy.mounts):
            told = f"guest_storage of the configuration: {condition.render()}"
            yield "guest_storage", f"its guest keeps data on storage that it reaches by itself ({told})"


def _unmapped(vm: VirtualMachine, mounts: tuple[Mount, ...]) -> Iterator[tuple[str, str]]:
    outside = [file.path for file in stored_files(vm) if locate(file.path, mounts, node=vm.node) is None]
    if outside:
        more = f" and {len(outside) - 1} more of its files" if len(outside) > 1 else ""
        yield "not_mapped", f"no mount of the configuration reaches {outside[0]}{more}"


def stored_files(vm: VirtualMachine) -> tuple[OwnedFile, ...]:
    """Return the files of a VM that belong into its archive: all that are there, but for what Windows makes anew."""
    return tuple(file for file in vm.files if file.kind not in NEVER_STORED and file.exists is not False)
