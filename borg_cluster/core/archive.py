"""What is kept: the archive's name, its manifest before and after reading.

An archive of this tool is named ``{cluster}-{vm id or volume}-{UTC}``; it is written under that name with ``.checkpoint``
behind it, compared with the manifest, then renamed, so that only a whole one is ever seen under its own name.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

MANIFEST_SCHEMA = 1
CHECKPOINT_SUFFIX = ".checkpoint"
FOLDER = ".borg-cluster"
"""Where the notes lie inside an archive, and our files on a volume."""
MANIFEST_NOTE = f"{FOLDER}/manifest.json"
INVENTORY_NOTE = f"{FOLDER}/inventory.json"
CONFIGURATION_NOTE = f"{FOLDER}/config.yaml"
PATTERNS_NOTE = f"{FOLDER}/patterns"
RUNBOOK_NOTE = f"{FOLDER}/RESTORE.txt"

CLOCK_SKEW = timedelta(minutes=5)
"""So far in the future a time may lie and still be of now."""

_LONGEST = 199
"""Characters of an archive's name, the suffix included. Borg fails over 255 only when all is read."""
_LONGEST_PART = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_UNSAFE_BETWEEN = re.compile(r"[/{}]|[^!-~]")


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


def archive_name(template: str, *, cluster: str, subject: str, at: datetime) -> str:
    """Return an archive's name by ``archive_name_format``; ``{now}`` is ``at`` in UTC to the second.

    ``cluster`` and ``subject`` may hold anything; what is not a letter, digit, dot, dash or underscore is replaced and a hash
    keeps two names apart. The name with its suffix is shorter than 200 characters.
    """
    now = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {"cluster": _part(cluster), "subject": _part(subject), "now": now}
    parts = re.split(r"\{(cluster|subject|now)\}", template)
    name = "".join(values[part] if index % 2 else _UNSAFE_BETWEEN.sub("_", part) for index, part in enumerate(parts))
    return _shorten(name, _LONGEST - len(CHECKPOINT_SUFFIX)).removesuffix(CHECKPOINT_SUFFIX) or "_"


def distinct_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names with a number behind each that came before, so that a format without {subject} loses no archive."""
    taken: dict[str, None] = {}
    for name in names:
        number = 1
        distinct = name
        while distinct in taken:
            number += 1
            distinct = f"{_shorten(name, _LONGEST - len(CHECKPOINT_SUFFIX) - 6)}_{number}"
        taken[distinct] = None
    return tuple(taken)


def _part(text: str) -> str:
    safe = _UNSAFE.sub("_", text)
    return _shorten(safe if safe == text and text else f"{safe}-{_digest(text)}", _LONGEST_PART)


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 9]}-{_digest(text)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
