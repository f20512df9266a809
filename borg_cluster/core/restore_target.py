"""Where a restore may go and where not: the node, what the archive's manifest says of the VM, and what is refused. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from borg_cluster.core.archive import ArchiveKind, Manifest
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import FileKind, FindingCode, Inventory, VirtualMachine, path_key
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.errors import Refused

VM_RESOURCE = "Virtual Machine"
ELSEWHERE = "extract the files elsewhere with --to DIR"
_BESIDE = "make a copy on a shared volume, --copy NAME --to-volume VOLUME, or " + ELSEWHERE
_WAIT = "wait until that is over, then try again"
_UNSAFE = {
    FindingCode.VM_ON_TWO_NODES: "unregister the leftover, then try again",
    FindingCode.ON_CLUSTERED_DISK: _BESIDE,
    FindingCode.CANNOT_FAIL_OVER_ALONE: ELSEWHERE,
    FindingCode.DISK_SHARED: ELSEWHERE,
    FindingCode.DISK_PASS_THROUGH: ELSEWHERE,
    FindingCode.STORAGE_CRITICAL: "bring its storage back first, or make a copy: --copy NAME",
    FindingCode.MIGRATING: _WAIT,
}
"""Findings about a VM that forbid touching it, and what to do instead."""
_BUSY = {32768: "a checkpoint is made", 32769: "a checkpoint is applied", 32770: "a checkpoint is deleted", 32772: "disks merge"}
"""Msvm_ComputerSystem.OperationalStatus."""


def manifest_state(manifest: Manifest) -> str | None:
    """Return the VM's state when it was backed up."""
    state = (manifest.vm or {}).get("state")
    return state if isinstance(state, str) else None


def manifest_disk_paths(manifest: Manifest) -> tuple[str, ...]:
    """Return the paths of the VM's virtual disks as its configuration in the archive names them (of a chain, the leaf)."""
    return tuple(disk.path for disk in _disks(manifest))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedDisk:
    """A virtual disk of the archived VM: its position (SCSI:0:1), its leaf's path, and of how many files its chain is."""

    position: str
    path: str
    links: int


def position_of(controller_type: object, number: object, location: object) -> str:
    """Return how a disk is named by its place in the VM: SCSI:0:1."""
    return f"{controller_type}:{number}:{location}".upper()


def manifest_disks(manifest: Manifest) -> tuple[ArchivedDisk, ...]:
    """Return the archived VM's virtual disks."""
    return tuple(_disks(manifest))


def _disks(manifest: Manifest) -> Iterator[ArchivedDisk]:
    disks = (manifest.vm or {}).get("disks")
    for disk in disks if isinstance(disks, list | tuple) else ():
        if not isinstance(disk, dict) or not isinstance(disk.get("path"), str) or disk.get("disk_number") is not None:
            continue
        chain = disk.get("chain")
        where = (disk.get("controller_type"), disk.get("controller_number"), disk.get("controller_location"))
        links = len(chain) if isinstance(chain, list | tuple) else 1
        yield ArchivedDisk(position=position_of(*where), path=disk["path"], links=links)


def manifest_configuration(manifest: Manifest) -> str:
    """Return where the archived VM's configuration file lay. Raises Refused: the archive has none."""
    for file in manifest.files:
        if file.kind == FileKind.CONFIGURATION and file.owner == manifest.subject:
            return file.windows_path
    raise Refused("the archive holds no configuration file of the virtual machine", hint=ELSEWHERE, vm_id=manifest.subject)


def role_name(
    manifest: Manifest, vm: VirtualMachine | None, saved_role: dict[str, object] | None, copy_name: str | None = None
) -> str:
    """Return what the role is called: as now, as noted, as then, or else as the VM; a copy's as the copy."""
    if copy_name is not None:
        return copy_name
    if vm is not None and vm.role is not None:
        return vm.role.name
    name = (saved_role or manifest.role_setting or {}).get("name")
    return name if isinstance(name, str) else manifest.name


def refuse_unusable(manifest: Manifest, request: RestoreRequest) -> None:
    """Raise Refused if the archive can't become a VM, in that way or at all."""
    if manifest.kind is not ArchiveKind.VIRTUAL_MACHINE:
        raise Refused(f"{one_line(manifest.name)} is a volume's archive", hint=ELSEWHERE)
    manifest_configuration(manifest)
    if not request.is_elsewhere:
        return
    disks = (manifest.vm or {}).get("disks")
    for disk in disks if isinstance(disks, list | tuple) else ():
        if isinstance(disk, dict) and (disk.get("disk_number") is not None or disk.get("shared")):
            what = "a shared disk" if disk.get("shared") else "a pass-through disk"
            raise Refused(f"{one_line(manifest.name)} had {what}, which can't be had twice", hint=ELSEWHERE)
    if not request.is_copy and any(file.kind == FileKind.CHECKPOINT_CONFIGURATION for file in manifest.files):
        raise Refused(
            f"the archive of {one_line(manifest.name)} holds checkpoints, which know their disks by the places that these had",
            hint="restore it in place and move its storage then; or make a copy, which has no checkpoints: --copy NAME",
        )


def refuse_copy(request: RestoreRequest, inventory: Inventory) -> None:
    """Raise Refused if a VM is called as the copy shall be: people would take the one for the other."""
    for vm in inventory.virtual_machines:
        if request.copy_name is not None and vm.name.casefold() == request.copy_name.casefold():
            message = f"a virtual machine is called {one_line(vm.name)} already ({vm.id})"
            raise Refused(message, hint="choose another name: --copy NAME")


def refuse_unsafe(manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None) -> None:
    """Raise Refused if the VM's present state forbids a restore in its place."""
    for finding in inventory.findings:
        if finding.subject == manifest.subject and finding.code in _UNSAFE:
            raise Refused(finding.message, hint=_UNSAFE[finding.code], finding=finding.code.value)
    if vm is not None:
        busy = next((_BUSY[status] for status in vm.operational_status if status in _BUSY), None)
        if busy is not None:
            raise Refused(f"{one_line(vm.name)} ({vm.id}) is busy: {busy}", hint=_WAIT)
    _refuse_silence(manifest, inventory, vm)


def refuse_clustered_disk(finals: tuple[str, ...], inventory: Inventory) -> None:
    """Raise Refused if a file is to go to a clustered disk that is no CSV: stopping the role would dismount it."""
    for disk in inventory.clustered_disks:
        for root in disk.paths:
            prefix = path_key(root).rstrip("\\") + "\\"
            final = next((final for final in finals if path_key(final).startswith(prefix)), None)
            if final is not None and disk.owner_node is not None:
                raise Refused(
                    f"{final} lies on the clustered disk {disk.name}, which is no cluster shared volume",
                    hint=_BESIDE,
                    finding=FindingCode.ON_CLUSTERED_DISK.value,
                )


def _refuse_silence(manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None) -> None:
    """A VM that no node reports may be on one that gave no report."""
    if vm is not None and vm.nodes:
        return
    last = (vm.node if vm is not None else manifest.node) or ""
    for node in inventory.unanswered:
        if node.reason != "down" or (node.node.lower() == last.lower() and not _fails_over(manifest, vm)):
            raise Refused(
                f"{one_line(manifest.name)} ({manifest.subject}) may be on {node.node}, which gave no report: {node.message}",
                hint=node.hint or f"bring {node.node} back, or " + ELSEWHERE,
                node=node.node,
            )
    resource = next((item for item in vm.resources if item.resource_type == VM_RESOURCE), None) if vm is not None else None
    if resource is not None and resource.state not in {"Offline", "Failed"}:
        raise Refused(
            f"the cluster says that {one_line(manifest.name)} ({manifest.subject}) is {resource.state}, and no node reports it",
            hint=_WAIT,
        )


def _fails_over(manifest: Manifest, vm: VirtualMachine | None) -> bool:
    return vm.role is not None if vm is not None else bool(manifest.highly_available)


def refuse_role(manifest: Manifest, inventory: Inventory, name: str, request: RestoreRequest) -> None:
    """Raise Refused if the VM can't get a role of that name: it is another's."""
    for other in inventory.virtual_machines:
        is_itself = other.id == manifest.subject and not request.is_copy
        if not is_itself and other.role is not None and other.role.name.lower() == name.lower():
            raise Refused(
                f"the role name {one_line(name)} belongs to the virtual machine {one_line(other.name)} ({other.id})",
                hint="choose another name: --copy NAME" if request.is_copy else "rename that role, then try again",
                role=name,
            )
