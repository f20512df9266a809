"""Guests' disks for tests: file systems made by the real mkfs tools, in partitions, in the disks of simulated VMs."""

import os
import shutil
import struct
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from borg_cluster.simulator.state import SimulatedCluster

MIB = 1 << 20
SECTOR = 512
LINUX = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
BASIC = UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
SPACES = UUID("e75caf8f-f680-4cee-afa3-b001e56efc2d")
RECOVERY = UUID("de94bba4-06d1-4d40-a16a-bfd50179d6ac")
_SYSTEM = "/usr/sbin:/sbin"


def tool(name: str) -> str:
    """Return the path of a program; the test is skipped, with the reason, where it isn't installed."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SYSTEM}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(name: str, *arguments: str | Path) -> None:
    """Run a program, which must go well."""
    subprocess.run(
        [tool(name), *(os.fspath(word) for word in arguments)], check=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def ext4(image: Path, source: Path, size: int, *, options: Sequence[str] = ()) -> bytes:
    """Return an ext4 file system of ``size`` bytes with what a folder holds. Its free space is not zero, as on any used disk."""
    image.write_bytes(os.urandom(size))
    run("mkfs.ext4", "-q", "-F", "-E", "nodiscard", *options, "-d", source, image)
    return image.read_bytes()


def gpt(*parts: tuple[UUID, bytes], size: int) -> bytes:
    """Return a disk of ``size`` bytes with a GPT and these partitions, each at a whole MiB."""
    disk = bytearray(size)
    table = bytearray(128 * 128)
    at = MIB
    for number, (kind, content) in enumerate(parts):
        last = (at + len(content)) // SECTOR - 1
        name = f"part {number}".encode("utf-16-le").ljust(72, b"\0")
        struct.pack_into("<16s16sQQQ72s", table, 128 * number, kind.bytes_le, os.urandom(16), at // SECTOR, last, 0, name)
        disk[at : at + len(content)] = content
        at += -(-len(content) // MIB) * MIB
    struct.pack_into("<B3sB3sII", disk, 446, 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, size // SECTOR - 1)
    disk[510:512] = b"\x55\xaa"
    for here, other, entries in ((1, size // SECTOR - 1, 2), (size // SECTOR - 1, 1, size // SECTOR - 33)):
        header = bytearray(92)
        guid, checksum = bytes(16), zlib.crc32(table)
        fields = (b"EFI PART", 0x10000, 92, 0, 0, here, other, 34, size // SECTOR - 34, guid, entries, 128, 128, checksum)
        struct.pack_into("<8sIIIIQQQQ16sQIII", header, 0, *fields)
        struct.pack_into("<I", header, 16, zlib.crc32(header))
        disk[here * SECTOR : here * SECTOR + 92] = header
        disk[entries * SECTOR : entries * SECTOR + len(table)] = table
    return bytes(disk)


def put(cluster: SimulatedCluster, vm_id: str, content: bytes, *, disk: int = 0) -> None:
    """Let a VM's guest write a whole disk; what is zero already is left out."""
    for at in range(0, len(content), MIB):
        piece = content[at : at + MIB]
        if piece.strip(b"\0"):
            cluster.guest_write(vm_id, disk=disk, offset=at, data=piece)
