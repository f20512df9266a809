"""The layout of VHDX files, version 2, as MS-VHDX has it: files are made and described here.

Layout of every file made here: identifier and headers and region tables in the first MiB, then 1 MiB of (empty) log, 1 MiB of
metadata, the block allocation table, and the blocks. Files are written densely, as NTFS needs them.
"""

import struct
import uuid
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.simulator.crc32c import crc32c

MIB = 1 << 20
_KIB64 = 1 << 16
HEADERS = (_KIB64, 2 * _KIB64)
_REGION_TABLES = (3 * _KIB64, 4 * _KIB64)
_HEADER = struct.Struct("<4sIQ16s16s16sHHIQ")
START = 5 * _KIB64
"""Bytes of a file up to the end of the second region table."""
_METADATA_IN_USE = 2 * _KIB64
_LOG_AT, _METADATA_AT, _BAT_AT = MIB, 2 * MIB, 3 * MIB
_REGION_BAT = uuid.UUID("2DC27766-F623-4200-9D64-115E9BFD4A08")
_REGION_METADATA = uuid.UUID("8B7CA206-4790-4B9A-B8FE-575F050F886E")
_FILE_PARAMETERS = uuid.UUID("CAA16737-FA36-4D43-B3B6-33F0AA44E76B")
_DISK_SIZE = uuid.UUID("2FA54224-CD1B-4876-B211-5DBED83BF4B8")
_DISK_ID = uuid.UUID("BECA12AB-B2E6-4523-93EF-C309E000C746")
_LOGICAL_SECTOR = uuid.UUID("8141BF1D-A96F-4709-BA47-F233A8FAAB5F")
_PHYSICAL_SECTOR = uuid.UUID("CDA348C7-445D-4471-9CC9-E9885251C556")
_PARENT_LOCATOR = uuid.UUID("A8D35F2D-B30B-454D-ABF7-D3D84834AB0C")
_LOCATOR_TYPE = uuid.UUID("B04AEFB7-D19E-4A81-B789-25B8E9445913")
_REQUIRED, _OF_VIRTUAL_DISK = 4, 2
NOT_PRESENT, UNMAPPED, FULLY_PRESENT, PARTLY_PRESENT = 0, 3, 6, 7
_LEAVE_ALLOCATED, _HAS_PARENT = 1, 2


class DiskDamaged(Exception):
    """The file isn't a valid VHDX, or uses what this code never writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentLink:
    """A differencing file's parent locator."""

    linkage: uuid.UUID
    """The parent's data write GUID when the child was made: it changes with each later change of the parent's data."""
    relative_path: str
    absolute_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskInfo:
    """What a VHDX file says of itself. Sizes are bytes."""

    type: str
    """Fixed, Dynamic or Differencing."""
    size: int
    block_size: int
    logical_sector_size: int
    identifier: uuid.UUID
    data_write: uuid.UUID
    parent: ParentLink | None
    bat_offset: int

    @property
    def chunk(self) -> int:
        """Payload blocks that share a sector bitmap; its entry in the block allocation table follows theirs."""
        return _chunk(self.logical_sector_size, self.block_size)

    def bat_position(self, block: int) -> int:
        """Return the file offset of a payload block's entry in the block allocation table."""
        return self.bat_offset + 8 * (block + block // self.chunk)

    def bitmap_position(self, block: int) -> int:
        """Return the file offset of the entry of the sector bitmap that a payload block has a part in."""
        return self.bat_offset + 8 * (block // self.chunk * (self.chunk + 1) + self.chunk)


def _chunk(sector_size: int, block_size: int) -> int:
    return (1 << 23) * sector_size // block_size


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDisk:
    """What a file is to be made like. Sizes are bytes; a block is 1 MiB or a power of two of it, a sector 512 or 4096."""

    size: int
    block_size: int = MIB
    sector_size: int = 512
    fixed: bool = False
    identifier: uuid.UUID
    data_write: uuid.UUID
    parent: ParentLink | None = None


def create(path: Path, disk: NewDisk) -> None:
    """Make a VHDX file; a fixed one is filled with zeros. Raises FileExistsError when it is there already."""
    blocks = -(-disk.size // disk.block_size)
    chunk = _chunk(disk.sector_size, disk.block_size)
    entries = -(-blocks // chunk) * (chunk + 1) if disk.parent else blocks + (blocks - 1) // chunk
    bat_length = -(-entries * 8 // MIB) * MIB
    with path.open("xb") as file:
        file.write(_first_mebibyte(disk, bat_length))
        file.write(bytes(MIB))  # the log
        file.write(_metadata(disk))
        first_block = _BAT_AT + bat_length
        bat = bytearray(bat_length)
        if disk.fixed:
            for block in range(blocks):
                struct.pack_into("<Q", bat, 8 * (block + block // chunk), first_block + block * disk.block_size | FULLY_PRESENT)
        file.write(bat)
        for _ in range(blocks if disk.fixed else 0):
            file.write(bytes(disk.block_size))


def _first_mebibyte(disk: NewDisk, bat_length: int) -> bytes:
    content = bytearray(MIB)
    content[0:8] = b"vhdxfile"
    creator = "borg-cluster simulator".encode("utf-16-le")
    content[8 : 8 + len(creator)] = creator
    for number, at in enumerate(HEADERS):
        content[at : at + 4096] = header_bytes(number, disk.data_write)
    regions = bytearray(_KIB64)
    struct.pack_into("<4sIII", regions, 0, b"regi", 0, 2, 0)
    struct.pack_into("<16sQII", regions, 16, _REGION_BAT.bytes_le, _BAT_AT, bat_length, 1)
    struct.pack_into("<16sQII", regions, 48, _REGION_METADATA.bytes_le, _METADATA_AT, MIB, 1)
    struct.pack_into("<I", regions, 4, crc32c(regions))
    for at in _REGION_TABLES:
        content[at : at + _KIB64] = regions
    return bytes(content)


def header_bytes(sequence: int, data_write: uuid.UUID) -> bytes:
    """Return one header of the file; the one with the higher sequence number counts."""
    header = bytearray(4096)
    guid = data_write.bytes_le
    _HEADER.pack_into(header, 0, b"head", 0, sequence, guid, guid, bytes(16), 0, 1, MIB, _LOG_AT)
    struct.pack_into("<I", header, 4, crc32c(header))
    return bytes(header)


def _metadata(disk: NewDisk) -> bytes:
    flags = (_LEAVE_ALLOCATED if disk.fixed else 0) | (_HAS_PARENT if disk.parent else 0)
    items = [
        (_FILE_PARAMETERS, _REQUIRED, struct.pack("<II", disk.block_size, flags)),
        (_DISK_SIZE, _REQUIRED | _OF_VIRTUAL_DISK, struct.pack("<Q", disk.size)),
        (_DISK_ID, _REQUIRED | _OF_VIRTUAL_DISK, disk.identifier.bytes_le),
        (_LOGICAL_SECTOR, _REQUIRED | _OF_VIRTUAL_DISK, struct.pack("<I", disk.sector_size)),
        (_PHYSICAL_SECTOR, _REQUIRED | _OF_VIRTUAL_DISK, struct.pack("<I", 4096)),
    ]
    if disk.parent:
        items.append((_PARENT_LOCATOR, _REQUIRED, _locator(disk.parent)))
    region = bytearray(MIB)
    struct.pack_into("<8sHH", region, 0, b"metadata", 0, len(items))
    at = _KIB64
    for index, (item, item_flags, value) in enumerate(items):
        struct.pack_into("<16sIII", region, 32 + 32 * index, item.bytes_le, at, len(value), item_flags)
        region[at : at + len(value)] = value
        at += -(-len(value) // 8) * 8
    return bytes(region)


def reparent(path: Path, parent: ParentLink) -> None:
    """Link a differencing file to another parent; raises DiskDamaged or OSError."""
    value = _locator(parent)
    with path.open("r+b") as file:
        at = _regions(file.read(START))[_REGION_METADATA][0]
        file.seek(at)
        region = bytearray(file.read(_METADATA_IN_USE))
        count = struct.unpack_from("<H", region, 10)[0]
        rows = [32 + 32 * row for row in range(count)]
        entry = next((row for row in rows if region[row : row + 16] == _PARENT_LOCATOR.bytes_le), None)
        if entry is None:
            raise DiskDamaged(f"{path} has no parent")
        place = struct.unpack_from("<I", region, entry + 16)[0]  # the last item, so that it may grow
        struct.pack_into("<I", region, entry + 20, len(value))
        region[place : place + len(value)] = value
        file.seek(at)
        file.write(region)


def _locator(parent: ParentLink) -> bytes:
    pairs = [
        ("parent_linkage", f"{{{parent.linkage}}}"),
        ("relative_path", parent.relative_path),
        ("absolute_win32_path", parent.absolute_path),
    ]
    head = bytearray(struct.pack("<16sHH", _LOCATOR_TYPE.bytes_le, 0, len(pairs)))
    texts = bytearray()
    start = 20 + 12 * len(pairs)
    for key, value in pairs:
        key_bytes, value_bytes = key.encode("utf-16-le"), value.encode("utf-16-le")
        key_at = start + len(texts)
        head += struct.pack("<IIHH", key_at, key_at + len(key_bytes), len(key_bytes), len(value_bytes))
        texts += key_bytes + value_bytes
    return bytes(head + texts)


def read_info(path: Path) -> DiskInfo:
    """Read what the file says of itself; raises DiskDamaged or OSError."""
    with path.open("rb") as file:
        start = file.read(START)
        header = start[current_header(start) :]
        regions = _regions(start)
        file.seek(regions[_REGION_METADATA][0])
        items = _items(file.read(min(regions[_REGION_METADATA][1], _METADATA_IN_USE)))
    try:
        block_size, flags = struct.unpack("<II", items[_FILE_PARAMETERS])
        kind = "Differencing" if flags & _HAS_PARENT else "Fixed" if flags & _LEAVE_ALLOCATED else "Dynamic"
        return DiskInfo(
            type=kind,
            size=struct.unpack("<Q", items[_DISK_SIZE])[0],
            block_size=block_size,
            logical_sector_size=struct.unpack("<I", items[_LOGICAL_SECTOR])[0],
            identifier=uuid.UUID(bytes_le=items[_DISK_ID]),
            data_write=uuid.UUID(bytes_le=header[32:48]),
            parent=_parent(items[_PARENT_LOCATOR]) if kind == "Differencing" else None,
            bat_offset=regions[_REGION_BAT][0],
        )
    except (KeyError, struct.error) as problem:
        raise DiskDamaged(f"{path}: {problem}") from problem


def current_header(start: bytes) -> int:
    """Return the offset of the header that counts in the first ``START`` bytes of a file; raises DiskDamaged."""
    if not start.startswith(b"vhdxfile") or len(start) < START:
        raise DiskDamaged("no VHDX signature")
    valid = {}
    for at in HEADERS:
        header = bytearray(start[at : at + 4096])
        checksum = struct.unpack_from("<I", header, 4)[0]
        header[4:8] = bytes(4)
        if header.startswith(b"head") and crc32c(header) == checksum:
            valid[struct.unpack_from("<Q", header, 8)[0]] = at
    if not valid:
        raise DiskDamaged("no valid header")
    return valid[max(valid)]


def _regions(start: bytes) -> dict[uuid.UUID, tuple[int, int]]:
    for at in _REGION_TABLES:
        table = bytearray(start[at : at + _KIB64])
        checksum = struct.unpack_from("<I", table, 4)[0]
        table[4:8] = bytes(4)
        if table.startswith(b"regi") and crc32c(table) == checksum:
            count = struct.unpack_from("<I", table, 8)[0]
            rows = [struct.unpack_from("<16sQII", table, 16 + 32 * row) for row in range(count)]
            return {uuid.UUID(bytes_le=guid): (offset, length) for guid, offset, length, _ in rows}
    raise DiskDamaged("no valid region table")


def _items(region: bytes) -> dict[uuid.UUID, bytes]:
    if not region.startswith(b"metadata"):
        raise DiskDamaged("no metadata")
    count = struct.unpack_from("<H", region, 10)[0]
    rows = [struct.unpack_from("<16sIII", region, 32 + 32 * row) for row in range(count)]
    return {uuid.UUID(bytes_le=guid): region[offset : offset + length] for guid, offset, length, _ in rows}


def _parent(locator: bytes) -> ParentLink:
    count = struct.unpack_from("<H", locator, 18)[0]
    pairs = {}
    for row in range(count):
        key_at, value_at, key_length, value_length = struct.unpack_from("<IIHH", locator, 20 + 12 * row)
        key = locator[key_at : key_at + key_length].decode("utf-16-le")
        pairs[key] = locator[value_at : value_at + value_length].decode("utf-16-le")
    return ParentLink(
        linkage=uuid.UUID(pairs["parent_linkage"]),
        relative_path=pairs["relative_path"],
        absolute_path=pairs["absolute_win32_path"],
    )
