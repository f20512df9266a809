"""What the configuration wants, free of YAML: jobs, selections, retention, checks, mounts, remoting."""

import ntpath
from dataclasses import dataclass, field
from enum import StrEnum

from borg_cluster.core.caps import DEFAULT_CAPS, Caps
from borg_cluster.core.inventory import path_key
from borg_cluster.core.retry import NO_RETRIES, Retries
from borg_cluster.core.settings import (
    NO_CHANGED_BLOCKS,
    NO_MONITORING,
    BorgSettings,
    ChangedBlocks,
    CommandHook,
    Monitoring,
    RemotingSettings,
)

__all__ = [
    "Assignment",
    "BorgSettings",
    "ChangedBlocks",
    "Check",
    "CheckKind",
    "CommandHook",
    "Compaction",
    "Condition",
    "Job",
    "JobKind",
    "Located",
    "Monitoring",
    "Mount",
    "OnFailure",
    "Policy",
    "RemotingSettings",
    "Repository",
    "Retention",
    "Selection",
    "WantedConsistency",
    "locate",
    "work_folder",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A Windows path prefix and where it is reached on this machine.

    ``windows`` is a cluster volume's folder, an SMB share or a folder of one node's own disk; then ``node`` names the node.
    ``path`` is absolute here. ``name`` is the first part of the path inside archives.
    """

    windows: str
    path: str
    name: str
    node: str | None
    writable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A Windows file as it is reached here: ``inside`` is its path below the mount with forward slashes ('' for the mount)."""

    mount: Mount
    inside: str

    @property
    def local_path(self) -> str:
        """The absolute path on this machine."""
        return f"{self.mount.path.rstrip('/')}/{self.inside}".rstrip("/")

    @property
    def archive_path(self) -> str:
        """The path inside archives, wherever it's mounted: ``Volume1/web01/web01.vhdx``."""
        return f"{self.mount.name}/{self.inside}".rstrip("/")


def locate(path: str, mounts: tuple[Mount, ...], *, node: str | None) -> Located | None:
    """Return where a Windows path is reached here, by the longest prefix that fits, or None.

    A mount that names a node serves only paths of that node (``node``, compared without case); one that names none serves all.
    """
    key = path_key(path)
    best: Located | None = None
    for mount in mounts:
        prefix = path_key(mount.windows)
        if mount.node is not None and (node is None or mount.node.lower() != node.lower()):
            continue
        if key != prefix and not key.startswith(prefix.rstrip("\\") + "\\"):
            continue
        if best is None or len(prefix) > len(path_key(best.mount.windows)):
            inside = ntpath.normpath(path)[len(prefix) :].lstrip("\\").replace("\\", "/")
            best = Located(mount=mount, inside=inside)
    return best


class JobKind(StrEnum):
    """One archive a VM, one archive a volume less the VMs' files, or none."""

    VIRTUAL_MACHINES = "virtual_machines"
    VOLUMES = "volumes"
    DISCOVERY = "discovery"
    """No archive: the cluster is asked, so that its history has no gaps between backups."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a VM must meet: all keys that are not None. Globs are fnmatch, without case; ids are GUIDs."""

    name: str | None = None
    id: str | None = None
    node: str | None = None
    volume: str | None = None
    tag: str | None = None
    highly_available: bool | None = None

    def render(self) -> str:
        """Return the condition as people write it: ``name web*, highly_available yes``."""
        words = {True: "yes", False: "no"}
        keys = ("name", "id", "node", "volume", "tag")
        parts = [f"{key} {getattr(self, key)}" for key in keys if getattr(self, key) is not None]
        if self.highly_available is not None:
            parts.append(f"highly_available {words[self.highly_available]}")
        return ", ".join(parts) or "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A VM is selected if any ``include`` condition holds (an empty include: all) and no ``exclude`` condition does."""

    include: tuple[Condition, ...]
    exclude: tuple[Condition, ...]
    opinions: tuple[tuple[str, bool, str], ...] = ()
    """What plugins say of single VMs, over all conditions: VM id, whether it is wanted, the plugin's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A Borg repository: ``path`` as Borg takes it, ``label`` as people name it."""

    path: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many archives a subject keeps, in Borg's words and meaning: ``within`` seconds; -1 keeps one of each period.

    Without any rule nothing is ever removed.
    """

    within: int | None = None
    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    yearly: int = 0

    @property
    def keeps_all(self) -> bool:
        """Whether there is no rule."""
        counts = (self.last, self.hourly, self.daily, self.weekly, self.monthly, self.yearly)
        return self.within is None and not any(counts)


class CheckKind(StrEnum):
    """What a check looks at."""

    REPOSITORY = "repository"
    """Borg's own: the repository's segments."""
    ARCHIVES = "archives"
    """Borg's own: that each archive's parts are all there."""
    DATA = "data"
    """Borg's own: every chunk is read and authenticated."""
    EXTRACT = "extract"
    """The newest archive of a random VM is extracted and compared."""
    BOOT = "boot"
    """A copy of a random VM, from its newest archive, is started without network until it gives a heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check that is made of each repository; ``frequency`` seconds between two, None: in every run."""

    kind: CheckKind
    frequency: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """When space is freed: ``frequency`` as a check's; ``threshold`` percent that a segment must lose to be written anew."""

    frequency: int | None = None
    threshold: int = 10


class WantedConsistency(StrEnum):
    """The point in time that a running VM's archive shall be."""

    APPLICATION = "application"
    """The guest takes part: VSS in Windows, a frozen file system in Linux."""
    CRASH = "crash"
    """All disks at one moment, as after a power failure."""
    NONE = "none"
    """No recovery snapshot: live files, or a plugin's source."""


class OnFailure(StrEnum):
    """What a job does when the wanted consistency can't be had."""

    FAIL = "fail"
    FALL_BACK = "fall_back"
    """The next weaker one is tried, and said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A rule by which VMs (or, by ``volume`` alone, volumes) go into a repository, by its label."""

    condition: Condition
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of the configuration. ``max_age`` seconds: how old a VM's newest good archive may be for this job's promise."""

    name: str
    kind: JobKind
    repository: str
    """The label of the repository; '' if several share it, or none is needed."""
    select: Selection
    """Of VMs for a virtual_machines job; a volumes job uses ``volumes``."""
    volumes: tuple[str, ...]
    """Globs of mount names for a volumes job; empty: every mount that is a cluster volume or share."""
    max_age: int | None
    compression: str | None
    chunker_params: str | None
    extra_borg_options: tuple[str, ...]
    retention: Retention = Retention()
    frequency: int | None = None
    """Seconds between two runs of the job by `run` without names; None: each time."""
    consistency: WantedConsistency = WantedConsistency.APPLICATION
    on_failure: OnFailure = OnFailure.FAIL
    changed_blocks: ChangedBlocks = NO_CHANGED_BLOCKS
    repositories: tuple[str, ...] = ()
    """Labels of those among which its VMs or volumes are shared out, in the configuration's order."""
    assign: tuple[Assignment, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of all repositories that it may write to."""
        return self.repositories or ((self.repository,) if self.repository else ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A whole configuration of one cluster, validated."""

    cluster: str
    seeds: tuple[str, ...]
    """Nodes to try when the cluster's name does not answer, in order."""
    domain: str | None
    """Appended to a node's short name to reach it, where the node's report gives no FQDN."""
    remoting: RemotingSettings
    mounts: tuple[Mount, ...]
    repositories: tuple[Repository, ...]
    borg: BorgSettings
    discovery_max_age: int
    archive_name_format: str
    jobs: tuple[Job, ...]
    commands: tuple[CommandHook, ...]
    keep_parked: int
    """Seconds for which a restore's parked old VM is kept before `borg-cluster release` takes it; 0: it goes at once."""
    stop_action: str
    """How a running VM is stopped for its restore: turn_off, save or shutdown."""
    checks: tuple[Check, ...] = ()
    compaction: Compaction = Compaction()
    monitoring: Monitoring = NO_MONITORING
    release_when_due: bool = False
    """Parked old VMs go by themselves when they have been kept for long enough."""
    written: str = field(default="", compare=False, repr=False)
    """What archives keep of its file; empty if it came from none."""
    caps: Caps = DEFAULT_CAPS
    retries: Retries = NO_RETRIES
    guest_storage: tuple[Condition, ...] = ()
    """VMs that keep data where no report sees it: they are refused."""


def work_folder(path: str, mounts: tuple[Mount, ...], *, node: str | None) -> str | None:
    r"""Return the Windows folder that is ours on the storage that holds ``path`` (``<prefix>\.borg-cluster``), or None.

    Claims (``claims\<vm id>.json``) and the files of a restore (``<restore id>\staged|parked|saved\...``) lie there, so that
    placing and parking are renames on one volume.
    """
    located = locate(path, mounts, node=node)
    return None if located is None else located.mount.windows.rstrip("\\") + "\\.borg-cluster"
