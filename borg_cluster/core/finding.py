"""Doubts about one VM: where it is, what state it is in, and whether its files are whole."""

import ntpath
from collections.abc import Iterator
from dataclasses import dataclass

from borg_cluster.core.inventory import (
    FileKind,
    Finding,
    FindingCode,
    OwnedFile,
    Severity,
    Unanswered,
    VirtualMachine,
    path_key,
)
from borg_cluster.core.ownership import HYPERV, VSS
from borg_cluster.core.report import VM, Disk

_MIGRATING_STATUS = 32774
_MIGRATION_UNDER_WAY = (1, 2, 3)
"""MigrationState of the resource: setup, transfer, blackout. 4 and 5 (cancelled, failed) stay there until the next one."""
_CHECKPOINT_LEAVES = (".avhdx", ".avhd")
_DISKS = frozenset({FileKind.DISK, FileKind.PARENT_DISK})
_UNREPORTED = frozenset({FileKind.CHANGE_TRACKING, FileKind.SMART_PAGING, FileKind.ISO})
"""What the two lists may differ in: none of it is needed to bring the VM back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One VM with what the merged entry leaves out.

    ``registered``: as the node of the entry reports it; None: no node reports it. ``listed``: the VSS writer of its node told
    of this VM. ``silent``: the nodes that gave no report, by lower-case name.
    """

    vm: VirtualMachine
    registered: VM | None
    listed: bool
    silent: dict[str, Unanswered]


def vm_findings(told: Told) -> Iterator[Finding]:
    """Yield what is doubtful about one VM when it is looked at alone."""
    yield from _where(told)
    yield from _state(told)
    for disk in told.vm.disks:
        yield from _disk(told.vm, disk)
    yield from _guest_storage(told.vm)
    yield from _missing(told.vm)
    if told.listed:
        yield from _differing(told.vm)


def finding(code: FindingCode, severity: Severity, subject: str, message: str, *, path: str | None = None) -> Finding:
    """Return a finding; what can't be printed on one line (a name with a line break) is escaped in its message."""
    return Finding(code=code, severity=severity, subject=subject, message=one_line(message), path=path)


def one_line(text: str) -> str:
    """Return the text with each character that can't be printed as its Python escape."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text)


def label(vm: VirtualMachine) -> str:
    """Return how messages name a VM: its name and id."""
    return f"{vm.name} ({vm.id})"


def is_migrating(vm: VirtualMachine) -> bool:
    """Return whether a live migration is under way, as its node or its cluster resource says."""
    return _MIGRATING_STATUS in vm.operational_status or any(
        resource.migration_state in _MIGRATION_UNDER_WAY for resource in vm.resources
    )


def is_lonely(told: Told) -> bool:
    """Return whether a role holds a VM that its owner, though it answered, does not have for no good reason."""
    return not told.vm.nodes and _why_nowhere(told, moving=is_migrating(told.vm))[0] is Severity.ERROR and not _owner_silent(told)


def _owner_silent(told: Told) -> bool:
    return (told.vm.node or "").lower() in told.silent


def _where(told: Told) -> Iterator[Finding]:
    vm = told.vm
    moving = is_migrating(vm)
    if moving:
        yield finding(FindingCode.MIGRATING, Severity.INFO, vm.id, f"{label(vm)} is being live migrated; its node is {vm.node}")
    if len(vm.nodes) > 1:
        severity = Severity.WARNING if moving else Severity.ERROR
        places = f"{label(vm)} is registered on {' and '.join(vm.nodes)}"
        because = "while it migrates" if moving else "one of them is a leftover"
        yield finding(FindingCode.VM_ON_TWO_NODES, severity, vm.id, f"{places}: {because}; {vm.node} counts")
    if not vm.nodes:
        severity, why = _why_nowhere(told, moving=moving)
        yield finding(FindingCode.VM_ON_NO_NODE, severity, vm.id, f"{label(vm)} is reported by no node: {why}")


def _why_nowhere(told: Told, *, moving: bool) -> tuple[Severity, str]:
    owner = told.vm.node
    if owner is not None and owner.lower() in told.silent:
        return Severity.ERROR, f"its role's owner {owner} gave no report ({told.silent[owner.lower()].reason})"
    if moving:
        return Severity.WARNING, f"it is being live migrated, {owner} owns its role"
    if told.vm.role is not None and told.vm.role.state == "Offline":
        return Severity.WARNING, f"its role is Offline on {owner}, and its files are not known until it is online"
    return Severity.ERROR, f"its role is owned by {owner}, which answered and does not have it"


def _state(told: Told) -> Iterator[Finding]:
    vm, registered = told.vm, told.registered
    if vm.state is not None and vm.state.endswith("Critical"):
        message = f"{label(vm)} on {vm.node} is {vm.state}: its storage is lost to it, nothing touches it now"
        yield finding(FindingCode.STORAGE_CRITICAL, Severity.ERROR, vm.id, message)
    if registered is not None and registered.is_clustered is not None and registered.is_clustered != vm.highly_available:
        says = "is clustered" if registered.is_clustered else "is not clustered"
        truth = "a cluster role holds it" if vm.highly_available else "no cluster role holds it"
        message = f"{label(vm)}: {vm.node} says that it {says}, but {truth}; the cluster's word counts"
        yield finding(FindingCode.FLAG_DIFFERS, Severity.WARNING, vm.id, message)


def position(disk: Disk) -> str:
    """Return a disk's place inside its VM: ``SCSI 0:1``."""
    return f"{disk.controller_type} {disk.controller_number}:{disk.controller_location}"


def _disk(vm: VirtualMachine, disk: Disk) -> Iterator[Finding]:
    where = f"{label(vm)} on {vm.node}: its disk {position(disk)}"
    if disk.disk_number is not None:
        message = f"{where} is a pass-through disk (disk {disk.disk_number}): no file holds it, so it can't be saved"
        yield finding(FindingCode.DISK_PASS_THROUGH, Severity.ERROR, vm.id, message)
        return
    if disk.shared:
        message = f"{where}, {disk.path}, is shared between VMs: it can't be saved with one of them"
        yield finding(FindingCode.DISK_SHARED, Severity.ERROR, vm.id, message, path=disk.path)
    why = _why_broken(disk)
    if why is not None:
        message = f"{where}, {disk.path}: {why}"
        yield finding(FindingCode.CHAIN_BROKEN, Severity.ERROR, vm.id, message, path=disk.path)
    elif _is_orphan(vm, disk):
        message = f"{where} is on the checkpoint file {disk.path}, but no checkpoint accounts for it: a merge that never ended"
        yield finding(FindingCode.CHECKPOINT_ORPHANED, Severity.WARNING, vm.id, message, path=disk.path)


def _guest_storage(vm: VirtualMachine) -> Iterator[Finding]:
    for adapter in vm.fibre_channel_adapters:
        san = f"connected to the SAN {adapter.san_name}" if adapter.san_name else "connected to no SAN now"
        message = f"{label(vm)} on {vm.node} has a virtual Fibre Channel adapter, {san}: no file holds what its guest keeps there"
        yield finding(FindingCode.GUEST_STORAGE, Severity.ERROR, vm.id, message)


def _why_broken(disk: Disk) -> str | None:
    """Return why the chain can't be relied on: it ends with an error, before a base, or was not read at all."""
    if disk.chain_error is not None:
        last = (disk.chain[-1].parent_path or disk.chain[-1].path) if disk.chain else disk.path
        return f"its chain ends at {last} with {disk.chain_error}"
    if not disk.chain:
        return "its chain was not read" if disk.path else None
    last_file = disk.chain[-1]
    if last_file.parent_path is not None or last_file.type == "Differencing":
        return f"its chain ends at {last_file.path}, which needs the parent {last_file.parent_path}"
    return None


def _is_orphan(vm: VirtualMachine, disk: Disk) -> bool:
    """Return whether a checkpoint's file is written to without a checkpoint that froze its parent.

    A differencing .vhdx without any checkpoint is no orphan: it is made so, on a parent that VMs share.
    """
    if disk.shared or len(disk.chain) < 2:  # noqa: PLR2004 - a leaf and its parent
        return False
    leaf, parent = disk.chain[0].path, disk.chain[1].path
    frozen = {path_key(path) for checkpoint in vm.checkpoints for path in checkpoint.disk_paths}
    return leaf.lower().endswith(_CHECKPOINT_LEAVES) and path_key(parent) not in frozen


def _missing(vm: VirtualMachine) -> Iterator[Finding]:
    for file in vm.files:
        if file.exists is not False or file.kind in {FileKind.CHANGE_TRACKING, FileKind.SMART_PAGING}:
            continue
        severity = Severity.WARNING if file.kind is FileKind.ISO else Severity.ERROR
        what = file.kind.value.replace("_", " ")
        message = f"{label(vm)}: {vm.node} does not find its {what} {file.path}"
        yield finding(FindingCode.DISK_MISSING, severity, vm.id, message, path=file.path)


def _differing(vm: VirtualMachine) -> Iterator[Finding]:
    """Yield one finding if the two lists differ: files that only the writer names, and disks written to that it leaves out."""
    only_vss = [file for file in vm.files if HYPERV not in file.sources and file.kind not in _UNREPORTED]
    only_hyperv = [file for file in vm.files if VSS not in file.sources and file.kind is FileKind.DISK]
    parts = [f"{verb} {_names(files)}" for verb, files in (("adds", only_vss), ("leaves out", only_hyperv)) if files]
    if parts:
        message = f"{label(vm)}: the VSS writer of {vm.node} {' and '.join(parts)}; all files count"
        first = (only_vss or only_hyperv)[0].path
        yield finding(FindingCode.FILE_LIST_DIFFERS, Severity.WARNING, vm.id, message, path=first)


def _names(files: list[OwnedFile]) -> str:
    names = ", ".join(ntpath.basename(file.path) for file in files[:3])
    return names if len(files) <= 3 else f"{names} and {len(files) - 3} more"  # noqa: PLR2004 - enough to go and look
