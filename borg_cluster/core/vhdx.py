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
HEADERS = (64 * _KIB, 128 * _KIB)
HEADER_SIZE = 4 * _KIB
_REGION_TABLES = (192 * _KIB, 256 * _KIB)
_REGION_TABLE_SIZE = 64 * _KIB
_MAX_ENTRIES = 2047
"""Of a region table and of a metadata table, by the format."""
BAT = UUID("2dc27766-f623-4200-9d64-115e9bfd4a08")
METADATA = UUID("8b7ca206-4790-4b9a-b8fe-575f050f886e")
_FILE_PARAMETERS = UUID("caa16737-fa36-4d43-b3b6-33f0aa44e76b")
_VIRTUAL_SIZE = UUID("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
_DISK_ID = UUID("beca12ab-b2e6-4523-93ef-c309e000c746")
_SECTOR_SIZE = UUID("8141bf1d-a96f-4709-ba47-f233a8faab5f")
_PARENT_LOCATOR = UUID("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
_KNOWN_ITEMS = {_FILE_PARAMETERS, _VIRTUAL_SIZE, _DISK_ID, _SECTOR_SIZE, _PARENT_LOCATOR}
_HAS_PARENT = 2
STATE_BITS = 7
FULLY_PRESENT, PARTLY_PRESENT = 6, 7
_BAT_SLICE = MIB
NO_LOG = UUID(int=0)


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
    inspect_start(read)
    if length % MIB:
        raise VHDXDamaged(f"its length {length} is no multiple of 1 MiB")
    header = current_header(read)
    regions = regions_of(read, length)
    for wanted, name in ((BAT, "block allocation table"), (METADATA, "metadata")):
        if wanted not in regions:
            raise VHDXDamaged(f"its region table names no {name}")
    items = items_of(read, regions[METADATA])
    try:
        disk = described(items, header)
    except (struct.error, ValueError, KeyError) as error:
        raise VHDXDamaged(f"its metadata is incomplete: {error}") from error
    _check_blocks(read, regions[BAT], disk, length)
    return disk


def inspect_start(read: Read) -> None:
    """Raise VHDXDamaged unless a file begins as VHDX files do."""
    if read(0, len(_IDENTIFIER)) != _IDENTIFIER:
        raise VHDXDamaged("it does not begin with the VHDX file identifier")


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


def current_header(read: Read) -> bytes:
    """Return the header that counts: of those that are whole, the one with the higher sequence number. Raises VHDXDamaged."""
    headers = [read(offset, HEADER_SIZE) for offset in HEADERS]
    whole = [header for header in headers if _checked(header, HEADER_SIZE, b"head")]
    if not whole:
        raise VHDXDamaged("neither of its headers has the right checksum")
    return max(whole, key=lambda header: int(struct.unpack_from("<Q", header, 8)[0]))


def regions_of(read: Read, length: int) -> dict[UUID, tuple[int, int]]:
    """Return (offset, length) of each region of the first table that is whole. Raises VHDXDamaged."""
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


def items_of(read: Read, region: tuple[int, int]) -> dict[UUID, bytes]:
    """Return the items of the metadata region at (offset, length). Raises VHDXDamaged."""
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
        if item_size > MIB:
            raise VHDXDamaged(f"an item of its metadata has {item_size} bytes")
        if UUID(bytes_le=guid) not in _KNOWN_ITEMS:
            continue
        items[UUID(bytes_le=guid)] = read(offset + at, item_size)
    return items


def described(items: dict[UUID, bytes], header: bytes) -> VHDX:
    """Return what metadata and header say. Raises struct.error, ValueError or KeyError: something is missing."""
    block_size, flags = struct.unpack_from("<II", items[_FILE_PARAMETERS])
    if block_size < MIB or block_size & (block_size - 1):
        raise ValueError(f"block size {block_size}")
    return VHDX(
        virtual_size=struct.unpack_from("<Q", items[_VIRTUAL_SIZE])[0],
        block_size=block_size,
        sector_size=struct.unpack_from("<I", items[_SECTOR_SIZE])[0],
        disk_id=UUID(bytes_le=items[_DISK_ID]),
        data_write_id=UUID(bytes_le=header[32:48]),
        has_log=UUID(bytes_le=header[48:64]) != NO_LOG,
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
            if entry & STATE_BITS in {FULLY_PRESENT, PARTLY_PRESENT}:
                end = (entry >> 20) * MIB + (MIB if bitmap else disk.block_size)
                if end > length:
                    raise VHDXDamaged(f"block {number} ends at {end}, the file at {length}")
