"""What is true: reports merged by VM id into one inventory, with every doubt as a finding."""

import ntpath
import re
from dataclasses import dataclass
from enum import StrEnum

from borg_cluster.core.report import (
    Checkpoint,
    ClusterDisk,
    ClusterNode,
    ClusterVolume,
    Disk,
    FibreChannelAdapter,
    NetworkAdapter,
    Role,
    VMResource,
)


class Severity(StrEnum):
    """How much a finding matters: an error keeps something from being backed up or restored, a warning may, an info does not."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class FindingCode(StrEnum):
    """What discovery can find; each is documented in the README."""

    VM_ON_TWO_NODES = "vm_on_two_nodes"
    VM_ON_NO_NODE = "vm_on_no_node"
    ROLE_WITHOUT_VM = "role_without_vm"
    RESOURCE_WITHOUT_ROLE_TYPE = "resource_without_role_type"
    NODE_DOWN = "node_down"
    NODE_REFUSED = "node_refused"
    NODE_TIMED_OUT = "node_timed_out"
    NODE_UNREACHABLE = "node_unreachable"
    NODE_FAILED = "node_failed"
    WRITER_UNAVAILABLE = "writer_unavailable"
    DISK_NOT_MAPPED = "disk_not_mapped"
    DISK_MISSING = "disk_missing"
    DISK_PASS_THROUGH = "disk_pass_through"  # noqa: S105 - no password
    DISK_SHARED = "disk_shared"
    GUEST_STORAGE = "guest_storage"
    FILE_LIST_DIFFERS = "file_list_differs"
    CHAIN_BROKEN = "chain_broken"
    CHECKPOINT_ORPHANED = "checkpoint_orphaned"
    DUPLICATE_NAME = "duplicate_name"
    CANNOT_FAIL_OVER_ALONE = "cannot_fail_over_alone"
    ON_CLUSTERED_DISK = "on_clustered_disk"
    STORAGE_CRITICAL = "storage_critical"
    MIGRATING = "migrating"
    FLAG_DIFFERS = "flag_differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A doubt or contradiction; it never raises.

    ``subject`` names what it is about (a VM id, a node, a role); ``path`` and ``disk`` narrow it down where they apply.
    """

    code: FindingCode
    severity: Severity
    subject: str
    message: str
    path: str | None = None


class FileKind(StrEnum):
    """What a VM's file is for; VMFile.kind's words and those of disks."""

    DISK = "disk"
    PARENT_DISK = "parent_disk"
    """A read-only link of a chain (a checkpoint's parent, a shared parent)."""
    CONFIGURATION = "configuration"
    GUEST_STATE = "guest_state"
    RUNTIME_STATE = "runtime_state"
    CHECKPOINT_CONFIGURATION = "checkpoint_configuration"
    CHECKPOINT_STATE = "checkpoint_state"
    CHANGE_TRACKING = "change_tracking"
    SMART_PAGING = "smart_paging"
    ISO = "iso"
    OTHER = "other"
    """Only the VSS writer lists it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedFile:
    """A file that belongs to a VM. Several VMs may own one read-only file (a parent disk, an ISO).

    ``path`` is Windows' text as first reported; identity is ``path_key(path)``. ``sources``: who listed it, of 'hyperv' and
    'vss'. ``size`` bytes, ``modified`` ISO UTC; None: not known.
    """

    path: str
    kind: FileKind
    size: int | None
    modified: str | None
    exists: bool | None
    read_only: bool
    identifier: str | None
    """Disk identifier of a VHDX; None for other files."""
    sources: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMachine:
    """One virtual machine: what the cluster and the nodes say, joined by id.

    ``node`` is where it runs or is registered; for a VM that no node reports it's the owner of its role, or None. ``nodes`` are
    all nodes that have it registered (one, if all is well).
    """

    id: str
    name: str
    node: str | None
    nodes: tuple[str, ...]
    highly_available: bool
    role: Role | None
    resources: tuple[VMResource, ...]
    state: str | None
    operational_status: tuple[int, ...]
    generation: int | None
    version: str | None
    path: str | None
    configuration_path: str | None
    notes: str
    tags: tuple[str, ...]
    """Words of the notes that begin with '#', without it, lower case."""
    disks: tuple[Disk, ...]
    files: tuple[OwnedFile, ...]
    checkpoints: tuple[Checkpoint, ...]
    network_adapters: tuple[NetworkAdapter, ...]
    replication_mode: str | None = None
    """None, Primary, Replica, TestReplica or ExtendedReplica, in Windows' words."""
    replication_state: str | None = None
    fibre_channel_adapters: tuple[FibreChannelAdapter, ...] = ()
    memory_startup: int | None = None

    @property
    def size(self) -> int:
        """Bytes of all its files whose size is known."""
        return sum(file.size or 0 for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A node that gave no report: ``reason`` is 'down', 'refused', 'timed_out', 'unreachable' or 'failed'."""

    node: str
    reason: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The merged truth of one moment."""

    cluster: str
    cluster_id: str | None
    taken_at: str
    core_owner: str | None
    functional_level: int | None
    nodes: tuple[ClusterNode, ...]
    volumes: tuple[ClusterVolume, ...]
    clustered_disks: tuple[ClusterDisk, ...]
    virtual_machines: tuple[VirtualMachine, ...]
    unanswered: tuple[Unanswered, ...]
    findings: tuple[Finding, ...]


_PLAIN_PATH = re.compile(r"(?:[A-Za-z]:|\\\\[^\\/:.?]+\\[^\\/:.?][^\\/:]*)(?:\\[^\\/:.][^\\/:]*)+")
"""Paths that normpath would leave as they are; it costs too much to be called for each file of 8,000 VMs."""


def path_key(path: str) -> str:
    """Return the key by which two spellings of one Windows path are equal: lower case, backslashes, no trailing one.

    NTFS and ReFS compare names without case; Windows itself keeps the case, so never show a key to people.
    """
    return path.lower() if _PLAIN_PATH.fullmatch(path) else ntpath.normpath(path).lower()


def vm_id_key(text: str) -> str:
    """Return a VM id as it is written everywhere here: lower case, no braces (VSS writes upper case, WMI braces)."""
    return text.strip().strip("{}").lower()


RECOVERY = "Recovery"
"""The type of a checkpoint that a backup's snapshot is."""
_MARK = re.compile(r"borg-cluster ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)


def run_of_mark(name: str) -> str | None:
    """Return the run whose mark the name of a recovery snapshot is; None for somebody else's."""
    found = _MARK.fullmatch(name)
    return None if found is None else found[1].lower()


def storage_of(path: str, volumes: tuple[ClusterVolume, ...]) -> str:
    """Return what a file lies on, as Windows writes it: a cluster volume's folder, an SMB share, or a drive such as ``D:``.

    Of ``volumes`` the longest folder that fits is the answer, in the cluster's own spelling.
    """
    key = path_key(path)
    folders = [volume.path for volume in volumes if volume.path and key.startswith(path_key(volume.path).rstrip("\\") + "\\")]
    return max(folders, key=lambda folder: (len(folder), folder)) if folders else ntpath.splitdrive(path)[0]
