"""Where a restore may go and where not: the node, what the archive's manifest says of the VM, and what is refused. Pure."""

from collections.abc import Iterator

from borg_cluster.core.archive import ArchiveKind, Manifest
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import FileKind, FindingCode, Inventory, VirtualMachine, path_key
from borg_cluster.core.policy import Mount, locate
from borg_cluster.errors import Refused

VM_RESOURCE = "Virtual Machine"
ELSEWHERE = "extract the files elsewhere with --to DIR"
_WAIT = "wait until that is over, then try again"
_UNSAFE = {
    FindingCode.VM_ON_TWO_NODES: "unregister the leftover, then try again",
    FindingCode.ON_CLUSTERED_DISK: ELSEWHERE,
    FindingCode.CANNOT_FAIL_OVER_ALONE: ELSEWHERE,
    FindingCode.DISK_SHARED: ELSEWHERE,
    FindingCode.DISK_PASS_THROUGH: ELSEWHERE,
    FindingCode.STORAGE_CRITICAL: "bring its storage back first",
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
    return tuple(_disk_paths(manifest))


def _disk_paths(manifest: Manifest) -> Iterator[str]:
    disks = (manifest.vm or {}).get("disks")
    for disk in disks if isinstance(disks, list | tuple) else ():
        path = disk.get("path") if isinstance(disk, dict) and disk.get("disk_number") is None else None
        if isinstance(path, str):
            yield path


def manifest_configuration(manifest: Manifest) -> str:
    """Return where the archived VM's configuration file lay. Raises Refused: the archive has none."""
    for file in manifest.files:
        if file.kind == FileKind.CONFIGURATION and file.owner == manifest.subject:
            return file.windows_path
    raise Refused("the archive holds no configuration file of the virtual machine", hint=ELSEWHERE, vm_id=manifest.subject)


def role_name(manifest: Manifest, vm: VirtualMachine | None, saved_role: dict[str, object] | None) -> str:
    """Return what the role is called: as now, as noted, as then, or else as the VM."""
    if vm is not None and vm.role is not None:
        return vm.role.name
    name = (saved_role or manifest.role_setting or {}).get("name")
    return name if isinstance(name, str) else manifest.name


def refuse_unsafe(manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None) -> None:
    """Raise Refused if the archive or the VM's present state forbids a restore in place."""
    if manifest.kind is not ArchiveKind.VIRTUAL_MACHINE:
        raise Refused(f"{one_line(manifest.name)} is a volume's archive", hint=ELSEWHERE)
    manifest_configuration(manifest)
    for finding in inventory.findings:
        if finding.subject == manifest.subject and finding.code in _UNSAFE:
            raise Refused(finding.message, hint=_UNSAFE[finding.code], finding=finding.code.value)
    if vm is not None:
        busy = next((_BUSY[status] for status in vm.operational_status if status in _BUSY), None)
        if busy is not None:
            raise Refused(f"{one_line(vm.name)} ({vm.id}) is busy: {busy}", hint=_WAIT)
    _refuse_clustered_disk(manifest, inventory)
    _refuse_silence(manifest, inventory, vm)


def _refuse_clustered_disk(manifest: Manifest, inventory: Inventory) -> None:
    for disk in inventory.clustered_disks:
        for root in disk.paths:
            prefix = path_key(root).rstrip("\\") + "\\"
            file = next((file for file in manifest.files if path_key(file.windows_path).startswith(prefix)), None)
            if file is not None and disk.owner_node is not None:
                raise Refused(
                    f"{file.windows_path} lies on the clustered disk {disk.name}, which is no cluster shared volume",
                    hint=ELSEWHERE,
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


def refuse_role(
    manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None, saved_role: dict[str, object] | None
) -> None:
    """Raise Refused if the VM can't get its role: the name is another's."""
    name = role_name(manifest, vm, saved_role)
    for other in inventory.virtual_machines:
        if other.id != manifest.subject and other.role is not None and other.role.name.lower() == name.lower():
            raise Refused(
                f"the role name {one_line(name)} belongs to the virtual machine {one_line(other.name)} ({other.id})",
                hint="rename that role, then try again",
                role=name,
            )


def choose_node(
    manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None, mounts: tuple[Mount, ...]
) -> tuple[str, str]:
    """Return the node to register the VM on, and why. Raises Refused: no node can."""
    up = {node.name.lower(): node.name for node in inventory.nodes if node.state == "Up"}
    configuration = manifest_configuration(manifest)
    local = next((m.node for m in mounts if m.node and locate(configuration, (m,), node=m.node)), None)
    if vm is not None and vm.nodes:
        return vm.nodes[0], "it is registered there"
    if local is not None and locate(configuration, mounts, node=None) is None:
        if local.lower() not in up:
            raise Refused(f"{configuration} lies on {local}'s own disk, and {local} is not up", hint=f"bring {local} back")
        return up[local.lower()], f"{configuration} lies on its own disk"
    if not up:
        raise Refused("no node of the cluster is up", hint="look at: borg-cluster discover --refresh")
    if vm is not None and (vm.node or "").lower() in up:
        return up[(vm.node or "").lower()], "it owns the role"
    if (manifest.node or "").lower() in up:
        return up[(manifest.node or "").lower()], "it was there when it was backed up"
    return _any_node(configuration, inventory, up)


def _any_node(configuration: str, inventory: Inventory, up: dict[str, str]) -> tuple[str, str]:
    for volume in inventory.volumes:
        on_it = path_key(configuration).startswith(path_key(volume.path).rstrip("\\") + "\\")
        if on_it and (volume.owner_node or "").lower() in up:
            return up[(volume.owner_node or "").lower()], f"it coordinates {volume.path}"
    load = {name: sum((vm.node or "").lower() == name for vm in inventory.virtual_machines) for name in up}
    least = min(up, key=lambda name: (load[name], name))
    return up[least], f"it has the fewest virtual machines ({load[least]})"
