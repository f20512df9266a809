"""Doubts that take more than one VM to see: nodes, roles, names and storage that VMs share."""

import ntpath
from collections import defaultdict
from collections.abc import Iterator

from borg_cluster.core.finding import finding, label
from borg_cluster.core.inventory import (
    FileKind,
    Finding,
    FindingCode,
    Inventory,
    OwnedFile,
    Severity,
    Unanswered,
    VirtualMachine,
    path_key,
    storage_of,
)
from borg_cluster.core.policy import Mount, locate
from borg_cluster.core.report import ClusterDisk, ClusterReport, NodeReport, WriterReport

VM_ROLE = "VirtualMachine"
VM_RESOURCE = "Virtual Machine"
HYPERV_WRITER = "66841cd4-6ded-4f4b-8f17-fd23f8ddc3de"
_WRITER_FAILED = 6
"""VSS_WRITER_STATE: this one and those above are failures."""
_NODE_CODES = {
    "down": FindingCode.NODE_DOWN,
    "refused": FindingCode.NODE_REFUSED,
    "timed_out": FindingCode.NODE_TIMED_OUT,
    "unreachable": FindingCode.NODE_UNREACHABLE,
}
_DISKS = frozenset({FileKind.DISK, FileKind.PARENT_DISK})
_NEEDLESS = frozenset({FileKind.CHANGE_TRACKING, FileKind.SMART_PAGING})
"""Files that are never saved: it does not matter whether a mount reaches them."""


def node_findings(unanswered: tuple[Unanswered, ...]) -> Iterator[Finding]:
    """Yield each node that gave no report. A node that is down is no error: its roles fail over."""
    for node in unanswered:
        code = _NODE_CODES.get(node.reason, FindingCode.NODE_FAILED)
        severity = Severity.WARNING if code is FindingCode.NODE_DOWN else Severity.ERROR
        yield finding(code, severity, node.node, f"{node.node} gave no report: {node.message}")


def writer_findings(
    reported: dict[str, NodeReport], writers: dict[str, WriterReport], unanswered: tuple[Unanswered, ...]
) -> Iterator[Finding]:
    """Yield each node that reported, but whose VSS writer can't be compared with; both by node."""
    lost = {item.node.lower(): item for item in sorted(unanswered, key=repr)}
    for node, report in reported.items():
        why = _why_unavailable(report, writers.get(node), lost.get(node.lower()))
        if why is not None:
            message = f"{node}: {why}; its VMs' files are Hyper-V's list alone"
            yield finding(FindingCode.WRITER_UNAVAILABLE, Severity.WARNING, node, message)


def _why_unavailable(report: NodeReport, writer: WriterReport | None, lost: Unanswered | None) -> str | None:
    if writer is None:
        return f"no VSS writer report: {lost.message}" if lost else "no VSS writer report"
    for status in writer.writers:
        if status.writer_id.strip("{}").lower() == HYPERV_WRITER and status.state is not None and status.state >= _WRITER_FAILED:
            return f"its Hyper-V VSS writer is in the failed state {status.state} ({status.failure_code})"
    if report.vms and not writer.components:
        return "its Hyper-V VSS writer lists no VM at all"
    return None


def role_findings(cluster: ClusterReport, lonely: frozenset[str]) -> Iterator[Finding]:
    """Yield roles without VMs and VM resources without a proper role; ``lonely``: ids of VMs that their owner does not have."""
    roles = {role.id: role for role in cluster.roles}
    resources = [resource for resource in cluster.resources if resource.resource_type == VM_RESOURCE]
    holding = {resource.role_id for resource in resources}
    for role in cluster.roles:
        if role.group_type == VM_ROLE and role.id not in holding:
            message = f"the role {role.name} ({role.id}) on {role.owner_node} is a VM's, but holds no VM"
            yield finding(FindingCode.ROLE_WITHOUT_VM, Severity.WARNING, role.id, message)
    for resource in resources:
        place = f"the resource {resource.name} ({resource.id}) on {resource.owner_node}"
        held = roles.get(resource.role_id)
        if resource.vm_id is None:
            message = f"{place} names no VM id"
            yield finding(FindingCode.ROLE_WITHOUT_VM, Severity.WARNING, resource.role_id, message)
        elif resource.vm_id in lonely:
            message = f"{place} is of the VM {resource.vm_id}, which no node has"
            yield finding(FindingCode.ROLE_WITHOUT_VM, Severity.WARNING, resource.role_id, message)
        if held is None or held.group_type != VM_ROLE:
            what = "a role that the cluster does not list" if held is None else f"the role {held.name} of type {held.group_type}"
            message = f"{place} is of the VM {resource.vm_id}, but in {what}"
            yield finding(FindingCode.RESOURCE_WITHOUT_ROLE_TYPE, Severity.WARNING, resource.vm_id or resource.id, message)


def shared_findings(inventory: Inventory) -> Iterator[Finding]:
    """Yield names, disks, roles and clustered disks that several VMs have in common."""
    machines = inventory.virtual_machines
    yield from _duplicate_names(machines)
    yield from _shared_disks(inventory)
    yield from _shared_roles(machines)
    for disk in inventory.clustered_disks:
        yield from _clustered_disk(disk, machines)


def _duplicate_names(machines: tuple[VirtualMachine, ...]) -> Iterator[Finding]:
    named: defaultdict[str, list[VirtualMachine]] = defaultdict(list)
    for vm in machines:
        named[vm.name.casefold()].append(vm)
    for vm in machines:
        others = [other for other in named[vm.name.casefold()] if other is not vm]
        if others:
            message = f"{label(vm)} on {vm.node} has the same name as {_and(others)}: name it by its id"
            yield finding(FindingCode.DUPLICATE_NAME, Severity.WARNING, vm.id, message)


def _shared_disks(inventory: Inventory) -> Iterator[Finding]:
    """Yield disk files that one VM writes and another one uses. On a node's own drive, equal paths are different files."""
    clustered = tuple(path_key(volume.path).rstrip("\\") + "\\" for volume in inventory.volumes if volume.path)
    users: defaultdict[tuple[str | None, str], list[tuple[VirtualMachine, OwnedFile]]] = defaultdict(list)
    for vm in inventory.virtual_machines:
        for file in vm.files:
            if file.kind in _DISKS:
                key = path_key(file.path)
                everywhere = key.startswith(("\\\\", *clustered))
                users[None if everywhere else (vm.node or "").lower(), key].append((vm, file))
    for using in users.values():
        if len(using) < 2 or all(file.read_only for _, file in using):  # noqa: PLR2004 - shared by two at least
            continue
        for vm, file in using:
            others = _and([other for other, _ in using if other is not vm])
            message = (
                f"{label(vm)} on {vm.node}: its disk {file.path} is also used by {others}: it can't be saved with one of them"
            )
            yield finding(FindingCode.DISK_SHARED, Severity.ERROR, vm.id, message, path=file.path)


def _shared_roles(machines: tuple[VirtualMachine, ...]) -> Iterator[Finding]:
    held: defaultdict[str, list[VirtualMachine]] = defaultdict(list)
    for vm in machines:
        if vm.role is not None:
            held[vm.role.id].append(vm)
    for vm in machines:
        if vm.role is not None and len(held[vm.role.id]) > 1:
            others = _and([other for other in held[vm.role.id] if other is not vm])
            message = f"{label(vm)} on {vm.node} can't fail over alone: its role {vm.role.name} also holds {others}"
            yield finding(FindingCode.CANNOT_FAIL_OVER_ALONE, Severity.WARNING, vm.id, message)


def _clustered_disk(disk: ClusterDisk, machines: tuple[VirtualMachine, ...]) -> Iterator[Finding]:
    """Yield the VMs on a clustered disk that is no CSV, and those that drag each other along with it."""
    folders = tuple(path_key(path).rstrip("\\") + "\\" for path in disk.paths if path)
    present = [vm for vm in machines if _depends(vm, disk) or _lies_on(vm, disk, folders)]
    for vm in present:
        where = f"{label(vm)} on {vm.node} lies on the clustered disk {disk.name}, which is no cluster shared volume"
        message = f"{where}: it is saved while {disk.owner_node} owns the disk, but not restored in place"
        yield finding(FindingCode.ON_CLUSTERED_DISK, Severity.WARNING, vm.id, message, path=next(iter(disk.paths), None))
        others = [other for other in present if other is not vm]
        if others and vm.highly_available:
            message = f"{label(vm)} on {vm.node} can't fail over alone: {disk.name} also holds files of {_and(others)}"
            yield finding(FindingCode.CANNOT_FAIL_OVER_ALONE, Severity.WARNING, vm.id, message)


def _depends(vm: VirtualMachine, disk: ClusterDisk) -> bool:
    return any(disk.id in resource.depends_on for resource in vm.resources)


def _lies_on(vm: VirtualMachine, disk: ClusterDisk, folders: tuple[str, ...]) -> bool:
    """Return whether a file of the VM is on the disk: its letter means this disk only on the disk's owner."""
    if not folders or vm.node is None or vm.node.lower() != (disk.owner_node or "").lower():
        return False
    return any(path_key(file.path).startswith(folders) for file in vm.files if file.kind is not FileKind.ISO)


def mapping_findings(inventory: Inventory, mounts: tuple[Mount, ...]) -> Iterator[Finding]:
    """Yield one finding for each VM and storage that holds files of it and that no mount reaches."""
    reached: dict[tuple[str | None, str], bool] = {}
    for vm in inventory.virtual_machines:
        missed: defaultdict[str, list[OwnedFile]] = defaultdict(list)
        for file in vm.files:
            if file.kind in _NEEDLESS:
                continue
            place = (vm.node, ntpath.dirname(file.path))
            if place not in reached:
                reached[place] = locate(place[1], mounts, node=vm.node) is not None
            if not reached[place]:
                missed[storage_of(file.path, inventory.volumes)].append(file)
        for storage, files in missed.items():
            only_iso = all(file.kind is FileKind.ISO for file in files)
            what = f"{len(files)} of its files on {storage}" if len(files) > 1 else f"its file {files[0].path}"
            message = f"{label(vm)} on {vm.node}: no mount of the configuration reaches {what}"
            severity = Severity.WARNING if only_iso else Severity.ERROR
            yield finding(FindingCode.DISK_NOT_MAPPED, severity, vm.id, message, path=files[0].path)


def _and(machines: list[VirtualMachine]) -> str:
    """Return a few VMs by name and id."""
    shown = ", ".join(label(vm) for vm in machines[:3])
    return shown if len(machines) <= 3 else f"{shown} and {len(machines) - 3} more"  # noqa: PLR2004 - one line
