"""What a VHDX file says of itself, and whether it is whole: identifier, headers, region table, metadata, block allocation table.

As MS-VHDX lays it out. Pure: bytes come from a ``read(offset, length)`` that the caller gives; it may return less at the end.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

Read = Callable[[int, int], bytes]

MIB = 1 << 20
_KIB = 1 << 10
_IDENTIFIER = b"vhdxfile"
_HEADERS = (64 * _KIB, 128 * _KIB)
_HEADER_SIZE = 4 * _KIB
_REGION_TABLES = (192 * _KIB, 256 * _KIB)
_REGION_TABLE_SIZE = 64 * _KIB
_MAX_ENTRIES = 2047
"""Of a region table and of a metadata table, by the format."""
_BAT = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
_METADATA = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_FILE_PARAMETERS = UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_VIRTUAL_SIZE = UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_DISK_ID = UUID("beca12ab-b2e6-4523-93ef-c309e000c746")
_SECTOR_SIZE = UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f")
_PARENT_LOCATOR = UUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
_HAS_PARENT = 2
_STATE_BITS = 7
_FULLY_PRESENT, _PARTLY_PRESENT = 6, 7
_BAT_SLICE = MIB
_NO_LOG = UUID(int=0)


class VHDXDamaged(Exception):
    """The file is no whole VHDX; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """A differencing file's parent: ``linkages`` are the data write ids that it may have, ``paths`` where it was last seen."""

    linkages: tuple[UUID, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VHDX:
    """What a file says of itself. Sizes are bytes."""

    virtual_size: int
    block_size: int
    sector_size: int
    disk_id: UUID
    data_write_id: UUID
    has_log: bool
    """Writes are pending in its log: whoever opens it next replays them."""
    parent: Parent | None


def inspect(read: Read, length: int) -> VHDX:
    """Return what a VHDX file of ``length`` bytes says of itself. Raises VHDXDamaged."""
    if read(0, len(_IDENTIFIER)) != _IDENTIFIER:
        raise VHDXDamaged("it does not begin with the VHDX file identifier")
    if length % MIB:
        raise VHDXDamaged(f"its length {length} is no multiple of 1 MiB")
    header = _current_header(read)
    regions = _regions(read, length)
    for wanted, name in ((_BAT, "block allocation table"), (_METADATA, "metadata")):
        if wanted not in regions:
            raise VHDXDamaged(f"its region table names no {name}")
    items = _metadata(read, regions[_METADATA])
    try:
        disk = _described(items, header)
    except (struct.error, ValueError, KeyError) as error:
        raise VHDXDamaged(f"its metadata is incomplete: {error}") from error
    _check_blocks(read, regions[_BAT], disk, length)
    return disk


def links(child: VHDX, parent: VHDX) -> bool:
    """Return whether ``parent`` is the very file, unchanged since, that ``child`` holds the differences to."""
    return child.parent is not None and parent.data_write_id in child.parent.linkages


def crc32c(data: bytes) -> int:
    """Return the CRC-32C (Castagnoli) of some bytes."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _CRC_TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _crc_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_CRC_TABLE = tuple(_crc_entry(byte) for byte in range(256))


def _checked(data: bytes, size: int, signature: bytes) -> bool:
    """Return whether a header or table is whole: its checksum is over itself with the checksum's field zero."""
    if len(data) != size or not data.startswith(signature):
        return False
    (checksum,) = struct.unpack_from("<I", data, 4)
    return bool(crc32c(data[:4] + bytes(4) + data[8:]) == checksum)


def _current_header(read: Read) -> bytes:
    headers = [read(offset, _HEADER_SIZE) for offset in _HEADERS]
    whole = [header for header in headers if _checked(header, _HEADER_SIZE, b"head")]
    if not whole:
        raise VHDXDamaged("neither of its headers has the right checksum")
    return max(whole, key=lambda header: int(struct.unpack_from("<Q", header, 8)[0]))


def _regions(read: Read, length: int) -> dict[UUID, tuple[int, int]]:
    """Return (offset, length) of each region of the first table that is whole."""
    tables = (read(offset, _REGION_TABLE_SIZE) for offset in _REGION_TABLES)
    table = next((table for table in tables if _checked(table, _REGION_TABLE_SIZE, b"regi")), None)
    if table is None:
        raise VHDXDamaged("neither of its region tables has the right checksum")
    (count,) = struct.unpack_from("<I", table, 8)
    if count > _MAX_ENTRIES:
        raise VHDXDamaged(f"its region table claims {count} entries")
    regions: dict[UUID, tuple[int, int]] = {}
    for number in range(count):
        guid, offset, size, _ = struct.unpack_from("<16sQII", table, 16 + 32 * number)
        if offset + size > length or offset < MIB:
            raise VHDXDamaged(f"a region lies at {offset}, of {size} bytes, in a file of {length}")
        regions[UUID(bytes_le=guid)] = (offset, size)
    return regions


def _metadata(read: Read, region: tuple[int, int]) -> dict[UUID, bytes]:
    offset, size = region
    table = read(offset, min(size, _REGION_TABLE_SIZE))
    if not table.startswith(b"metadata"):
        raise VHDXDamaged("its metadata table lacks its signature")
    (count,) = struct.unpack_from("<H", table, 10)
    if count > _MAX_ENTRIES or 32 + 32 * count > len(table):
        raise VHDXDamaged(f"its metadata table claims {count} entries")
    items: dict[UUID, bytes] = {}
    for number in range(count):
        guid, at, item_size, _ = struct.unpack_from("<16sIII", table, 32 + 32 * number)
        if at + item_size > size:
            raise VHDXDamaged("an item of its metadata lies outside of it")
        items[UUID(bytes_le=guid)] = read(offset + at, item_size)
    return items


def _described(items: dict[UUID, bytes], header: bytes) -> VHDX:
    block_size, flags = struct.unpack_from("<II", items[_FILE_PARAMETERS])
    if block_size < MIB or block_size & (block_size - 1):
        raise ValueError(f"block size {block_size}")
    return VHDX(
        virtual_size=struct.unpack_from("<Q", items[_VIRTUAL_SIZE])[0],
        block_size=block_size,
        sector_size=struct.unpack_from("<I", items[_SECTOR_SIZE])[0],
        disk_id=UUID(bytes_le=items[_DISK_ID]),
        data_write_id=UUID(bytes_le=header[32:48]),
        has_log=UUID(bytes_le=header[48:64]) != _NO_LOG,
        parent=_parent(items[_PARENT_LOCATOR]) if flags & _HAS_PARENT else None,
    )


def _parent(locator: bytes) -> Parent:
    (count,) = struct.unpack_from("<H", locator, 18)
    pairs: dict[str, str] = {}
    for number in range(count):
        key_at, value_at, key_size, value_size = struct.unpack_from("<IIHH", locator, 20 + 12 * number)
        key = locator[key_at : key_at + key_size].decode("utf-16-le")
        pairs[key] = locator[value_at : value_at + value_size].decode("utf-16-le")
    names = ("parent_linkage", "parent_linkage2")
    return Parent(
        linkages=tuple(UUID(pairs[name]) for name in names if name in pairs),
        paths=tuple(value for key, value in sorted(pairs.items()) if key.endswith("_path")),
    )


def _check_blocks(read: Read, region: tuple[int, int], disk: VHDX, length: int) -> None:
    """Check that every block that the allocation table calls present lies in the file; sector bitmaps are blocks of 1 MiB."""
    offset, size = region
    chunk = (1 << 23) * disk.sector_size // disk.block_size
    blocks = -(-disk.virtual_size // disk.block_size)
    entries = -(-blocks // chunk) * (chunk + 1) if disk.parent else blocks + max(blocks - 1, 0) // chunk
    if entries * 8 > size:
        raise VHDXDamaged("its block allocation table is too small for its virtual size")
    for start in range(0, entries, _BAT_SLICE // 8):
        part = read(offset + 8 * start, 8 * min(_BAT_SLICE // 8, entries - start))
        for number, (entry,) in enumerate(struct.iter_unpack("<Q", part), start=start):
            bitmap = number % (chunk + 1) == chunk
            if entry & _STATE_BITS in {_FULLY_PRESENT, _PARTLY_PRESENT}:
                end = (entry >> 20) * MIB + (MIB if bitmap else disk.block_size)
                if end > length:
                    raise VHDXDamaged(f"block {number} ends at {end}, the file at {length}")
