"""What is kept: the archive's name, its manifest before and after reading.

An archive of this tool is named ``{cluster}-{vm id or volume}-{UTC}``; it is written under that name with ``.checkpoint``
behind it, compared with the manifest, then renamed, so that only a whole one is ever seen under its own name.
"""

from dataclasses import dataclass
from enum import StrEnum

MANIFEST_SCHEMA = 1
CHECKPOINT_SUFFIX = ".checkpoint"
FOLDER = ".borg-cluster"
"""Where the manifest and the inventory lie inside an archive, and our files on a volume."""


class Consistency(StrEnum):
    """The point in time that a VM's archive is."""

    APPLICATION = "application"
    CRASH = "crash"
    OFFLINE = "offline"
    """The VM was off or saved: nothing wrote."""
    NONE = "none"
    """Read from a running VM's live files."""


class ArchiveKind(StrEnum):
    """What an archive holds."""

    VIRTUAL_MACHINE = "virtual_machine"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedFile:
    """A file of an archive as it was just before it was read.

    ``archive_path`` as borg lists it; ``windows_path`` where it lay; ``size`` bytes; ``mtime`` nanoseconds since the epoch.
    """

    archive_path: str
    windows_path: str
    kind: str
    size: int | None
    mtime_ns: int | None
    owner: str | None
    """VM id; None for a volume's file."""
    identifier: str | None
    """Disk identifier (VHDX), so that a replaced disk is noticed."""
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an archive is, kept inside it as .borg-cluster/manifest.json.

    ``vm`` and ``role_setting`` are JSON objects as the report and Get-BorgClusterRoleSetting gave them; ``run_id`` is the batch
    number: the same for all archives of one run.
    """

    schema: int
    kind: ArchiveKind
    cluster: str
    subject: str
    """VM id, or the volume's name."""
    name: str
    """The VM's name, or the volume's."""
    node: str | None
    highly_available: bool | None
    consistency: Consistency
    consistency_reason: str
    job: str
    run_id: str
    created_at: str
    files: tuple[ArchivedFile, ...]
    vm: dict[str, object] | None
    role_setting: dict[str, object] | None
    left_out: tuple[str, ...]
    """Volume archives: archive paths of VM files that are in the VMs' own archives."""
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was really read, for the catalog: the archive's id after its rename and a hash of each file's ordered chunk ids."""

    archive_id: str
    archive_name: str
    original_size: int
    deduplicated_size: int
    seconds: float
    chunk_hashes: dict[str, str]
    changed_while_read: tuple[str, ...]
