"""What a VM is, as its configuration file says it: the .vmcx really holds it, and registering the VM reads it back.

The .vmrs holds a saved state, or none; a saved state fits only the disks that it was saved with.
"""

import json
import struct
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

from borg_cluster.simulator.plain import from_plain

_VMCX_MAGIC = b"VMCXSIM1"
_VMRS_MAGIC = b"VMRSSIM1"
_HEAD = struct.Struct("<8sII")
_PAGE = 4096
RECOVERY = "Recovery"


class DefinitionDamaged(Exception):
    """A configuration file can't be read."""


@dataclass(slots=True, kw_only=True)
class DiskSlot:
    """A disk at a controller position. ``path`` is the leaf's; None with ``disk_number``: a pass-through disk."""

    controller_type: str = "SCSI"
    controller_number: int = 0
    controller_location: int = 0
    path: str | None = None
    disk_number: int | None = None
    shared: bool = False

    @property
    def position(self) -> tuple[str, int, int]:
        """The disk's identity inside its VM."""
        return (self.controller_type, self.controller_number, self.controller_location)


@dataclass(slots=True, kw_only=True)
class DvdDrive:
    """A DVD drive, with or without a medium."""

    controller_number: int = 0
    controller_location: int = 63
    path: str | None = None


@dataclass(slots=True, kw_only=True)
class Adapter:
    """A network adapter; ``switch_name`` None: not connected."""

    id: str
    name: str = "Network Adapter"
    switch_name: str | None = None
    mac_address: str | None = None


@dataclass(slots=True, kw_only=True)
class FibreChannelPort:
    """A virtual Fibre Channel adapter; ``san_name`` None: its virtual SAN is gone."""

    id: str
    san_name: str | None = None


@dataclass(slots=True, kw_only=True)
class CheckpointEntry:
    """A checkpoint and the (frozen) disk files that hold its content."""

    id: str
    name: str
    type: str = "Standard"
    parent_id: str | None = None
    created: str | None = None
    disks: list[DiskSlot] = field(default_factory=list)
    consistency: str | None = None
    """Application or Crash, of a recovery snapshot."""
    rct_ids: list[str] = field(default_factory=list)
    """Of a recovery snapshot: where each disk's change tracking was cut, in the order of ``disks``."""
    merge_left: int | None = None
    """Not None: it is removed, nobody lists it any more, and its disks are merged after so many further commands."""
    tries_left: int = 0
    """So often its merge is still tried in vain, since its files are open."""


@dataclass(slots=True, kw_only=True)
class ReferenceDisk:
    """A disk in a reference point; ``path`` is what was frozen, and so the disk's path once it is merged."""

    path: str
    rct_id: str


@dataclass(slots=True, kw_only=True)
class ReferencePointEntry:
    """A reference point, which a recovery snapshot was converted to; ``name`` is its ElementName."""

    id: str
    name: str = ""
    created: str | None = None
    disks: list[ReferenceDisk] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Definition:
    """The whole definition of a VM."""

    id: str
    name: str
    generation: int = 2
    version: str = "10.0"
    memory_startup: int = 1 << 30
    notes: str = ""
    checkpoint_type: str = "Production"
    automatic_start_action: str = "Nothing"
    snapshot_location: str | None = None
    smart_paging_path: str | None = None
    replication_mode: str | None = "None"
    replication_state: str | None = "Disabled"
    replication_health: str | None = "NotApplicable"
    disks: list[DiskSlot] = field(default_factory=list)
    dvds: list[DvdDrive] = field(default_factory=list)
    adapters: list[Adapter] = field(default_factory=list)
    fibre_channel: list[FibreChannelPort] = field(default_factory=list)
    checkpoints: list[CheckpointEntry] = field(default_factory=list)
    """Of every type, recovery snapshots among them, and removed ones whose disks are not merged yet."""
    reference_points: list[ReferencePointEntry] = field(default_factory=list)
    vss: bool = True
    """The guest takes part in backups: its integration service runs, and its VSS or file-system freeze answers."""
    gives_heartbeat: bool = True
    """The guest, once it is up, gives a heartbeat."""

    def present(self) -> list[CheckpointEntry]:
        """Return the checkpoints of every type that are there, without those that are being merged."""
        return [one for one in self.checkpoints if one.merge_left is None]

    def user_checkpoints(self) -> list[CheckpointEntry]:
        """Return the checkpoints that people take and see."""
        return [one for one in self.present() if one.type != RECOVERY]

    def snapshots(self) -> list[CheckpointEntry]:
        """Return the recovery snapshots."""
        return [one for one in self.present() if one.type == RECOVERY]

    def merging(self) -> list[CheckpointEntry]:
        """Return the removed checkpoints whose disks are not merged yet."""
        return [one for one in self.checkpoints if one.merge_left is not None]

    def disk_paths(self) -> list[str]:
        """Return the leaves of all disks that are files."""
        return [slot.path for slot in self.disks if slot.path is not None]

    def iso_paths(self) -> list[str]:
        """Return the media of all DVD drives."""
        return [drive.path for drive in self.dvds if drive.path is not None]


def write_definition(path: Path, definition: Definition) -> None:
    """Write a .vmcx in place, so that an open file stays the same file."""
    text = json.dumps(asdict(definition), ensure_ascii=False).encode()
    _write_pages(path, _HEAD.pack(_VMCX_MAGIC, len(text), zlib.crc32(text)) + text)


def read_definition(path: Path) -> Definition:
    """Read a .vmcx; raises DefinitionDamaged or OSError."""
    definition = from_plain(Definition, json.loads(_content(path, _VMCX_MAGIC)))
    if not isinstance(definition, Definition):
        raise DefinitionDamaged(str(path))
    return definition


def write_saved_state(path: Path, disks: list[str]) -> None:
    """Write a .vmrs with a saved state; ``disks`` are the data write GUIDs of the leaves, in the definition's order."""
    text = json.dumps(disks).encode()
    memory = text * (1 + (1 << 18) // max(1, len(text)))
    _write_pages(path, _HEAD.pack(_VMRS_MAGIC, len(text), zlib.crc32(text)) + text + memory)


def write_no_saved_state(path: Path) -> None:
    """Write a .vmrs without a saved state."""
    _write_pages(path, _HEAD.pack(_VMRS_MAGIC, 0, 0))


def read_saved_state(path: Path) -> list[str] | None:
    """Return the data write GUIDs of a saved state, None when there is none; raises DefinitionDamaged."""
    if not path.exists():
        return None
    text = _content(path, _VMRS_MAGIC)
    return [str(one) for one in json.loads(text)] if text else None


def _write_pages(path: Path, content: bytes) -> None:
    padded = content + bytes(-len(content) % _PAGE)
    with path.open("r+b" if path.exists() else "xb") as file:
        file.write(padded)
        file.truncate()


def _content(path: Path, magic: bytes) -> bytes:
    content = path.read_bytes()
    if len(content) < _HEAD.size:
        raise DefinitionDamaged(f"{path} is too short")
    found, length, checksum = _HEAD.unpack_from(content)
    text = content[_HEAD.size : _HEAD.size + length]
    if found != magic or zlib.crc32(text) != checksum:
        raise DefinitionDamaged(f"{path} is damaged")
    return text
