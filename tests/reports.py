"""Builders of reports for tests: say what matters, the rest is a healthy cluster."""

from typing import Any

from borg_cluster.core.report import (
    SCHEMA,
    VM,
    Checkpoint,
    ClusterDisk,
    ClusterNode,
    ClusterReport,
    ClusterVolume,
    Disk,
    DiskFile,
    NodeReport,
    Role,
    VMFile,
    VMResource,
    WriterComponent,
    WriterFile,
    WriterReport,
    WriterStatus,
)

TAKEN_AT = "2026-03-01T02:00:00Z"
MODIFIED = "2026-02-28T23:00:00Z"
HYPERV_WRITER = "66841cd4-6ded-4f4b-8f17-fd23f8ddc3de"


def vm_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def node(name: str, state: str = "Up") -> ClusterNode:
    return ClusterNode(
        name=name, fqdn=f"{name}.example.test", state=state, status_information=(), drain_status=None, build="20348"
    )


def volume(name: str = "Volume1", owner: str = "node1") -> ClusterVolume:
    return ClusterVolume(
        id=f"id-{name}",
        name=f"Cluster Disk {name}",
        state="Online",
        owner_node=owner,
        path=rf"C:\ClusterStorage\{name}",
        partition=None,
        file_system="CSVFS_NTFS",
        size=1 << 40,
        free=1 << 39,
        access=(),
    )


def disk_file(path: str, *, parent: str | None = None, **changed: Any) -> DiskFile:
    facts: dict[str, Any] = {
        "path": path,
        "format": "VHDX",
        "type": "Dynamic" if parent is None else "Differencing",
        "file_size": 4 << 20,
        "size": 1 << 30,
        "block_size": 1 << 20,
        "logical_sector_size": 512,
        "identifier": None,
        "parent_path": parent,
        "modified": MODIFIED,
        "exists": True,
    }
    return DiskFile(**(facts | changed))


def disk(*chain: str, location: int = 0, **changed: Any) -> Disk:
    """Return a disk by the paths of its chain, from leaf to base."""
    parents = (*chain[1:], None)
    facts: dict[str, Any] = {
        "controller_type": "SCSI",
        "controller_number": 0,
        "controller_location": location,
        "path": chain[0] if chain else None,
        "disk_number": None,
        "shared": False,
        "chain": tuple(disk_file(path, parent=parent) for path, parent in zip(chain, parents, strict=False)),
        "chain_error": None,
    }
    return Disk(**(facts | changed))


def file(path: str, kind: str = "configuration", *, exists: bool = True) -> VMFile:
    return VMFile(path=path, kind=kind, size=4096, modified=MODIFIED, exists=exists)


def checkpoint(number: int, *disk_paths: str) -> Checkpoint:
    return Checkpoint(
        id=f"checkpoint-{number}",
        name=f"before {number}",
        type="Standard",
        parent_id=None,
        created=TAKEN_AT,
        disk_paths=disk_paths,
    )


def folder(name: str, place: str = r"C:\ClusterStorage\Volume1") -> str:
    return rf"{place}\{name}"


def vm(number: int, name: str, *, place: str = r"C:\ClusterStorage\Volume1", **changed: Any) -> VM:
    """Return a running VM with one disk and its configuration under ``place``."""
    home = folder(name, place)
    facts: dict[str, Any] = {
        "id": vm_id(number),
        "name": name,
        "state": "Running",
        "operational_status": (2,),
        "is_clustered": None,
        "generation": 2,
        "version": "10.0",
        "path": home,
        "configuration_location": home,
        "snapshot_location": home,
        "smart_paging_path": home,
        "checkpoint_type": "Production",
        "automatic_start_action": "StartIfRunning",
        "notes": "",
        "uptime_seconds": 3600,
        "memory_startup": 4 << 30,
        "replication_mode": None,
        "replication_state": None,
        "replication_health": None,
        "disks": (disk(rf"{home}\{name}.vhdx"),),
        "files": (
            file(rf"{home}\Virtual Machines\{vm_id(number)}.vmcx"),
            file(rf"{home}\Virtual Machines\{vm_id(number)}.vmgs", "guest_state"),
        ),
        "checkpoints": (),
        "network_adapters": (),
        "fibre_channel_adapters": (),
    }
    return VM(**(facts | changed))


def role(number: int, name: str, owner: str | None = "node1", **changed: Any) -> Role:
    facts: dict[str, Any] = {
        "id": f"role-{number}",
        "name": name,
        "group_type": "VirtualMachine",
        "state": "Online",
        "status_information": (),
        "owner_node": owner,
        "priority": 2000,
    }
    return Role(**(facts | changed))


def vm_resource(number: int, name: str, owner: str | None = "node1", **changed: Any) -> VMResource:
    facts: dict[str, Any] = {
        "id": f"resource-{number}",
        "name": f"Virtual Machine {name}",
        "resource_type": "Virtual Machine",
        "state": "Online",
        "role_id": f"role-{number}",
        "owner_node": owner,
        "vm_id": vm_id(number),
        "vm_store_root_path": None,
        "depends_on": (f"configuration-{number}",),
        "depends_on_shared_volumes": (),
        "offline_action": 1,
        "migration_state": 0,
    }
    return VMResource(**(facts | changed))


def configuration_resource(number: int, name: str, owner: str | None = "node1", **changed: Any) -> VMResource:
    facts: dict[str, Any] = {
        "id": f"configuration-{number}",
        "resource_type": "Virtual Machine Configuration",
        "vm_store_root_path": folder(name),
        "depends_on": (),
        "depends_on_shared_volumes": ("id-Volume1",),
        "offline_action": None,
        "migration_state": None,
    }
    return vm_resource(number, f"Configuration {name}", owner, **(facts | changed))


def held(number: int, name: str, owner: str | None = "node1") -> tuple[VMResource, ...]:
    """Return the pair of resources of a highly available VM."""
    return (vm_resource(number, name, owner), configuration_resource(number, name, owner))


def cluster_report(
    nodes: tuple[ClusterNode, ...] = (),
    roles: tuple[Role, ...] = (),
    resources: tuple[VMResource, ...] = (),
    volumes: tuple[ClusterVolume, ...] | None = None,
    disks: tuple[ClusterDisk, ...] = (),
    **changed: Any,
) -> ClusterReport:
    facts: dict[str, Any] = {
        "schema": SCHEMA,
        "answered_by": "node1",
        "module_version": "0.1.0",
        "taken_at": TAKEN_AT,
        "cluster": "hv",
        "cluster_id": "cluster-1",
        "functional_level": 11,
        "core_owner": "node1",
        "nodes": nodes or (node("node1"), node("node2"), node("node3")),
        "roles": roles,
        "resources": resources,
        "volumes": (volume(),) if volumes is None else volumes,
        "disks": disks,
    }
    return ClusterReport(**(facts | changed))


def node_report(name: str, *vms: VM) -> NodeReport:
    return NodeReport(
        schema=SCHEMA,
        node=name,
        fqdn=f"{name}.example.test",
        module_version="0.1.0",
        taken_at=TAKEN_AT,
        os_build="20348",
        memory_available=64 << 30,
        vms=vms,
    )


def writer_report(name: str, *components: WriterComponent, state: int = 1) -> WriterReport:
    return WriterReport(
        schema=SCHEMA,
        node=name,
        module_version="0.1.0",
        taken_at=TAKEN_AT,
        components=components,
        writers=(WriterStatus(writer_id=HYPERV_WRITER, state=state, failure_code=None),),
    )


def component(machine: VM, *extra: str, without: tuple[str, ...] = ()) -> WriterComponent:
    """Return the VSS component that agrees with a VM, with ``extra`` paths and ``without`` some."""
    paths = [it.path for each in machine.disks for it in each.chain] + [it.path for it in machine.files] + list(extra)
    files = tuple(
        WriterFile(path=path.rpartition("\\")[0], filespec=path.rpartition("\\")[2]) for path in paths if path not in without
    )
    return WriterComponent(vm_id=machine.id.upper(), caption=f"Online\\{machine.name}", files=files)
