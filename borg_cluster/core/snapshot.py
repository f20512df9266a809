"""What a consistent backup looks at: recovery snapshots, reference points, changed ranges, and the rights that hold.

The wire again, as in ``report.py``: exactly the JSON of the PowerShell module, no interpretation, no defaults.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenDisk:
    """A disk as a recovery snapshot froze it. Its controller position is its identity inside the VM."""

    controller_type: str
    controller_number: int
    controller_location: int
    path: str
    """The frozen file (the leaf of the frozen chain), which nothing writes to as long as the snapshot is there."""
    chain: tuple[str, ...]
    """From the frozen leaf to the base."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A recovery snapshot of a VM (Msvm_VirtualSystemSettingData of type Microsoft:Hyper-V:Snapshot:Recovery)."""

    id: str
    """GUID; the InstanceID without its prefix."""
    name: str
    """ElementName; ours is ``borg-cluster <run id>``."""
    run_id: str | None
    """Of our mark; None: somebody else's snapshot, which is never touched."""
    created: str | None
    consistency: str | None
    """Application, Crash or Unknown."""
    disks: tuple[FrozenDisk, ...]
    configuration_files: tuple[str, ...]
    """The snapshot's own .vmcx, .vmgs and .vmrs, as far as they are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotReport:
    """A VM's recovery snapshots on the node that has it (Get-BorgClusterSnapshot; and what changes them answers with it)."""

    schema: int
    node: str
    vm_id: str
    taken_at: str
    snapshots: tuple[Snapshot, ...]
    made: str | None
    """Id of the snapshot that this very call made or found made by an earlier call of the same run; else None."""
    state: str
    """The VM's, as in its node's report."""
    merging: bool
    """Windows merges disks of this VM now (operational status 32772)."""
    disk_paths: tuple[str, ...]
    """The live path of each disk: back on its base after the merge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskTracking:
    """A disk's change tracking identifier in a reference point; ``rct_id`` is opaque."""

    path: str
    rct_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePoint:
    """A point in time that changed ranges can be asked from (Msvm_VirtualSystemReferencePoint)."""

    id: str
    run_id: str | None
    """Of our mark, where Windows left it the name of its snapshot; None: somebody else's, or it can't be told."""
    created: str | None
    disks: tuple[DiskTracking, ...]
    complete: bool
    """False: Windows' two parallel arrays differ in length, so that no disk can be told from another: read in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferencePointReport:
    """A VM's reference points (Get-BorgClusterReferencePoint; and what changes them answers with it)."""

    schema: int
    node: str
    vm_id: str
    reference_points: tuple[ReferencePoint, ...]
    made: str | None
    """Id of the one that ConvertTo-BorgClusterReferencePoint made; else None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRange:
    """A range of a virtual disk, in bytes of the virtual disk."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskChangeReport:
    """What changed on a frozen disk since a reference point (Get-BorgClusterDiskChange), the whole disk in one answer."""

    schema: int
    node: str
    vm_id: str
    path: str
    since: str
    """The RCT id that was asked from."""
    virtual_size: int
    ranges: tuple[ChangedRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessCheck:
    """Whether one of our rights holds on the answering node; ``detail`` is for people."""

    right: str
    """cluster_read, cluster_full, hyper_v, wmi_virtualization, wmi_cluster, vss, volume_write or administrator."""
    granted: bool | None
    """None: it could not be found out."""
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReport:
    """The answer of Get-BorgClusterAccess, for ``doctor``."""

    schema: int
    node: str
    identity: str
    checks: tuple[AccessCheck, ...]
