"""What Windows said: the answers of the PowerShell module, exactly as their JSON is.

This is the wire. Nothing here is interpreted and no missing fact gets a default: unknown is ``None``, spelled out. Field names
are the JSON's. Times are ISO 8601 text in UTC; sizes are bytes; states are Windows' own words, as text, never numbers (value 2
is Failed for a group and Online for a resource). VM ids are lower-case GUIDs without braces; paths are Windows' own text.

The JSON Schemas in ``powershell/BorgCluster/schemas`` are made from these classes (``make schemas``) and the golden files,
the simulator's answers and the PowerShell's are checked against them.
"""

from dataclasses import dataclass

SCHEMA = 1
"""The number that each answer carries; the bridge checks it before anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterNode:
    """A node as the cluster sees it (Get-ClusterNode)."""

    name: str
    fqdn: str | None
    state: str
    """Up, Down, Paused, Joining or Unknown."""
    status_information: tuple[str, ...]
    drain_status: str | None
    build: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A cluster group (Get-ClusterGroup)."""

    id: str
    name: str
    group_type: str
    """VirtualMachine, FileServer, Cluster, AvailableStorage, ...; the type decides, never the (localized) name."""
    state: str
    """Online, Offline, Failed, PartialOnline, Pending or Unknown."""
    status_information: tuple[str, ...]
    owner_node: str | None
    priority: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VMResource:
    """A 'Virtual Machine' or 'Virtual Machine Configuration' cluster resource with the parameters that matter."""

    id: str
    name: str
    resource_type: str
    """Windows' unlocalized type name: 'Virtual Machine' or 'Virtual Machine Configuration'."""
    state: str
    role_id: str
    owner_node: str | None
    vm_id: str | None
    vm_store_root_path: str | None
    """Of the configuration resource only."""
    depends_on: tuple[str, ...]
    """Ids of the resources that it depends on (its configuration resource, clustered disks that are no CSV)."""
    depends_on_shared_volumes: tuple[str, ...]
    offline_action: int | None
    """0 TurnOff, 1 Save, 2 Shutdown, 3 ForcedShutdown; of the VM resource only."""
    migration_state: int | None
    """0 none, 1 setup, 2 transfer, 3 blackout, 4 cancelled, 5 failed; of the VM resource only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeAccess:
    """How one node reaches one Cluster Shared Volume (Get-ClusterSharedVolumeState)."""

    node: str
    state: str
    """Direct, FileSystemRedirected, BlockRedirected, Paused or Unavailable."""
    file_system_reason: str | None
    block_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterVolume:
    """A Cluster Shared Volume."""

    id: str
    name: str
    state: str
    owner_node: str | None
    """The coordinator."""
    path: str
    """C:\\ClusterStorage\\Volume1"""
    partition: str | None
    """\\\\?\\Volume{guid}\\, which survives a rename of the folder."""
    file_system: str | None
    size: int | None
    free: int | None
    access: tuple[VolumeAccess, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterDisk:
    """A clustered 'Physical Disk' resource that is no CSV: it is mounted on its owner only."""

    id: str
    name: str
    state: str
    role_id: str
    owner_node: str | None
    paths: tuple[str, ...]
    """Drive letters and mount points on the owner, such as S:\\"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterReport:
    """The cluster subsystem's answer (Get-BorgClusterReport), asked of one live node."""

    schema: int
    answered_by: str
    module_version: str
    taken_at: str
    cluster: str
    cluster_id: str | None
    functional_level: int | None
    core_owner: str | None
    nodes: tuple[ClusterNode, ...]
    roles: tuple[Role, ...]
    resources: tuple[VMResource, ...]
    volumes: tuple[ClusterVolume, ...]
    disks: tuple[ClusterDisk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFile:
    """One file of a disk chain (Get-VHD on the node that uses it)."""

    path: str
    format: str | None
    """VHD, VHDX or VHDSet."""
    type: str | None
    """Fixed, Dynamic or Differencing."""
    file_size: int | None
    size: int | None
    """Virtual size."""
    block_size: int | None
    logical_sector_size: int | None
    identifier: str | None
    parent_path: str | None
    modified: str | None
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A hard disk drive of a VM. Its controller position is its identity inside the VM; the path changes with checkpoints."""

    controller_type: str
    controller_number: int
    controller_location: int
    path: str | None
    disk_number: int | None
    """Not None: a pass-through disk."""
    shared: bool
    """SupportPersistentReservations, or a VHD Set."""
    chain: tuple[DiskFile, ...]
    """From the leaf to the base."""
    chain_error: str | None
    """Why the chain ends early: an error id of Windows, such as '0x80070020' or '0xC03A000D'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VMFile:
    """A file of a VM that is no disk."""

    path: str
    kind: str
    """configuration (.vmcx), guest_state (.vmgs), runtime_state (.vmrs), checkpoint_configuration, checkpoint_state,
    change_tracking (.rct, .mrt), smart_paging (.slp), or iso."""
    size: int | None
    modified: str | None
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A checkpoint of any type (Get-VMSnapshot)."""

    id: str
    name: str
    type: str
    """Standard, Recovery, Planned, Missing, Replica, AppConsistentReplica or SyncedReplica."""
    parent_id: str | None
    created: str | None
    disk_paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAdapter:
    """A network adapter of a VM."""

    id: str
    name: str
    switch_name: str | None
    mac_address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FibreChannelAdapter:
    """One of a VM's FibreChannelHostBusAdapters: by it the guest reaches disks that the node does not know."""

    id: str
    san_name: str | None
    """The virtual SAN of the node that it is connected to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VM:
    """A virtual machine registered on the answering node (Get-VM)."""

    id: str
    name: str
    state: str
    """Running, Off, Saved, Paused, Starting, ..., or one of the *Critical states."""
    operational_status: tuple[int, ...]
    """Msvm_ComputerSystem.OperationalStatus; the second one names the operation under way (32774 migrating, 32772 merging)."""
    is_clustered: bool | None
    generation: int
    version: str
    path: str
    configuration_location: str
    snapshot_location: str | None
    smart_paging_path: str | None
    checkpoint_type: str | None
    automatic_start_action: str | None
    notes: str
    uptime_seconds: int | None
    memory_startup: int | None
    """Bytes that it is given when it starts."""
    replication_mode: str | None
    replication_state: str | None
    replication_health: str | None
    disks: tuple[Disk, ...]
    files: tuple[VMFile, ...]
    checkpoints: tuple[Checkpoint, ...]
    network_adapters: tuple[NetworkAdapter, ...]
    fibre_channel_adapters: tuple[FibreChannelAdapter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeReport:
    """The virtual subsystem's answer of one node (Get-BorgClusterNodeReport): only what is registered there."""

    schema: int
    node: str
    fqdn: str | None
    module_version: str
    taken_at: str
    os_build: str | None
    memory_available: int | None
    """Bytes that are free for VMs that start."""
    vms: tuple[VM, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterFile:
    """A file that the Hyper-V VSS writer lists for a VM."""

    path: str
    filespec: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterComponent:
    """A component of the Hyper-V VSS writer: a VM of this node."""

    vm_id: str
    caption: str
    """Raw and localized: kept for people, it decides nothing."""
    files: tuple[WriterFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStatus:
    """The state of one VSS writer."""

    writer_id: str
    state: int | None
    """VSS_WRITER_STATE: 1 stable, 5 waiting for backup complete, 6 and above failed."""
    failure_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterReport:
    """VSS writer metadata of one node (Get-BorgClusterWriterReport)."""

    schema: int
    node: str
    module_version: str
    taken_at: str
    components: tuple[WriterComponent, ...]
    writers: tuple[WriterStatus, ...]
