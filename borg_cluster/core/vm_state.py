"""What a restore looks at: one VM's state as one node tells it, and the answers of the commands that change it.

The wire again, as in ``report.py``: no interpretation, no defaults. ``Get-BorgClusterVMState`` holds everything that decides
any restore step in one answer, and each changing command answers with what it changed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleState:
    """The role of a VM as the cluster tells it; the same from every node."""

    id: str
    name: str
    state: str
    owner_node: str | None
    vm_resource_state: str | None
    """None: the resource is missing."""
    configuration_resource_state: str | None
    offline_action: int | None
    migration_state: int | None
    depends_on_disks: tuple[str, ...]
    """Names of clustered disks, no CSVs, that stop with the role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The VM as it is registered on the answering node."""

    name: str
    state: str
    operational_status: tuple[int, ...]
    is_clustered: bool | None
    configuration_path: str
    """Full path of the .vmcx."""
    disk_paths: tuple[str, ...]
    checkpoint_ids: tuple[str, ...]
    has_saved_state: bool
    heartbeat: str | None
    """Windows' own word of the heartbeat component, found by its id: OkApplicationsHealthy, OkApplicationsUnknown, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A path on the answering node."""

    path: str
    exists: bool
    is_folder: bool
    length: int | None
    modified: str | None
    in_use: bool | None
    """True: it can't be opened for writing now. None: not known, or it isn't there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VMState:
    """One node's answer about one VM (Get-BorgClusterVMState), and of every command that changes a role or registration."""

    schema: int
    node: str
    vm_id: str
    taken_at: str
    role: RoleState | None
    """None: no resource of the cluster names this VM."""
    registration: Registration | None
    """None: it is not registered on this node."""
    files: tuple[FileState, ...]
    """One for each path that was asked for, in that order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSetting:
    """Settings of one of a role's two resources that Remove-ClusterGroup loses (hyperv.md's section A.8)."""

    parameters: dict[str, int | str | None]
    """Private parameters: OfflineAction, ShutdownAction, DefaultMoveType, CheckHeartbeat, CheckApplicationHealth."""
    properties: dict[str, int | None]
    """Common properties: PendingTimeout, DeadlockTimeout, RestartAction, RestartDelay, RestartPeriod, RestartThreshold,
    RetryPeriodOnFailure, EmbeddedFailureAction, SeparateMonitor, LooksAlivePollInterval, IsAlivePollInterval."""
    possible_owners: tuple[str, ...]
    extra_dependencies: tuple[str, ...]
    """Names of the resources that it depends on, beside the VM's own pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSetting:
    """Everything that Remove-ClusterGroup loses and Set-BorgClusterRoleSetting puts back (Get-BorgClusterRoleSetting)."""

    schema: int
    vm_id: str
    name: str
    description: str
    properties: dict[str, int | str | None]
    """Group properties: Priority, AutoFailbackType, FailbackWindowStart, FailbackWindowEnd, FailoverThreshold, FailoverPeriod,
    ColdStartSetting, PersistentState, LockedFromMoving, ResiliencyPeriod, PreferredSite, FaultDomain, PlacementOptions.
    A property that this Windows version lacks is left out."""
    preferred_owners: tuple[str, ...]
    """In order."""
    anti_affinity_class_names: tuple[str, ...]
    group_sets: tuple[str, ...]
    affinity_rules: tuple[str, ...]
    vm_resource: ResourceSetting | None
    configuration_resource: ResourceSetting | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingFailure:
    """A setting that could not be put back."""

    setting: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSettingResult:
    """The answer of Set-BorgClusterRoleSetting: what was changed, what failed, and what holds now."""

    schema: int
    vm_id: str
    applied: tuple[str, ...]
    failed: tuple[SettingFailure, ...]
    setting: RoleSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineActionResult:
    """The answer of Set-BorgClusterOfflineAction."""

    schema: int
    vm_id: str
    previous: int | None
    current: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimState:
    """A claim file as it lies on the cluster; ``claim_id`` None: the VM is unclaimed (or no longer claimed)."""

    schema: int
    vm_id: str
    path: str
    claim_id: str | None
    holder: str | None
    purpose: str | None
    since: str | None
    acquired: bool
    """True only from New-BorgClusterClaim: the claim on disk is the caller's (made now, or made by it before)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """The answer of the commands that copy, rename, remove or grant: the state of each path afterwards."""

    schema: int
    node: str
    restore_id: str | None
    files: tuple[FileState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incompatibility:
    """One finding of Compare-VM."""

    message_id: int
    source_type: str
    """VMNetworkAdapter, HardDiskDrive, DvdDrive, VirtualMachine, ...: decides, not the number."""
    source_name: str | None
    message: str
    """Windows' own, possibly localized text; for people."""
    mended_by: str | None
    """What was done about it, such as 'disconnected'; None: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterResult:
    """The answer of Register-BorgClusterVM."""

    schema: int
    vm_id: str
    registered: bool
    incompatibilities: tuple[Incompatibility, ...]
    state: VMState
