"""VHDX files for tests: logs written by hand, and qemu's own files where it is installed."""

import os
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from borg_cluster.core.vhdx import MIB, Read
from borg_cluster.core.vhdx_map import VHDXMap, open_map
from borg_cluster.core.vhdx_reader import DiskReader
from borg_cluster.simulator.crc32c import crc32c
from borg_cluster.simulator.vhdx import HEADERS, START, current_header

LOG_GUID = UUID(int=77)
LOG_AT = MIB
Write = tuple[int, bytes | int]
"""A file offset, and a sector of 4096 bytes, or how many zeros."""

needs_qemu = pytest.mark.skipif(
    not (shutil.which("qemu-img") and shutil.which("qemu-io")), reason="qemu-img and qemu-io are not installed (qemu-utils)"
)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Read, int]]:
    handle = os.open(path, os.O_RDONLY)
    try:
        yield lambda offset, length: os.pread(handle, length, offset), path.stat().st_size
    finally:
        os.close(handle)


def mapped(path: Path) -> VHDXMap:
    content = path.read_bytes()
    return open_map(lambda offset, length: content[offset : offset + length], len(content))


def virtual(*chain: Path) -> bytes:
    """Return all of a virtual disk; the leaf comes first."""
    reader = DiskReader([mapped(path) for path in chain])
    return reader.read(0, reader.size)


def log_entry(sequence: int, writes: Sequence[Write], *, tail: int = 0, flushed: int = MIB, last: int = MIB) -> bytes:
    """Return an entry of the log as the format has it."""
    head = struct.pack("<Q", sequence)
    descriptors, sectors = b"", b""
    for offset, content in writes:
        if isinstance(content, int):
            descriptors += struct.pack("<4sIQQQ", b"zero", 0, content, offset, sequence)
            continue
        descriptors += struct.pack("<4s4s8sQQ", b"desc", content[-4:], content[:8], offset, sequence)
        sectors += b"data" + head[4:] + content[8:-4] + head[:4]
    room = -(-(64 + len(descriptors)) // 4096) * 4096
    length = room + len(sectors)
    fields = (b"loge", 0, length, tail, sequence, len(writes), 0, LOG_GUID.bytes_le, flushed, last)
    entry = bytearray(struct.pack("<4sIIIQII16sQQ", *fields) + descriptors)
    entry = entry.ljust(room, b"\0") + sectors
    struct.pack_into("<I", entry, 4, crc32c(entry))
    return bytes(entry)


def put_log(path: Path, entries: Iterable[tuple[int, bytes]], *, guid: UUID = LOG_GUID) -> None:
    """Write entries at offsets inside the log, which is a ring of 1 MiB, and let the header name it."""
    with path.open("r+b") as file:
        for at, entry in entries:
            first = entry[: MIB - at]
            file.seek(LOG_AT + at)
            file.write(first)
            file.seek(LOG_AT)
            file.write(entry[len(first) :])
        file.seek(0)
        at = current_header(file.read(START))
        file.seek(at)
        header = bytearray(file.read(4096))
        header[48:64] = guid.bytes_le
        header[4:8] = bytes(4)
        struct.pack_into("<I", header, 4, crc32c(header))
        file.seek(at)
        file.write(header)


def qemu_create(path: Path, size: int, **options: object) -> Path:
    words = ["-o", ",".join(f"{key}={value}" for key, value in options.items())] if options else []
    subprocess.run(["qemu-img", "create", "-q", "-f", "vhdx", *words, str(path), str(size)], check=True)
    return path


def qemu_write(path: Path, writes: Iterable[tuple[int, int, int]], *, check: bool = True) -> None:
    """Write (offset, length, byte) with qemu-io."""
    words = [word for offset, length, byte in writes for word in ("-c", f"write -P {byte} {offset} {length}")]
    subprocess.run(["qemu-io", "-f", "vhdx", *words, str(path)], check=check, stdout=subprocess.DEVNULL)


def qemu_content(path: Path, room: Path) -> bytes:
    """Return the virtual content as qemu has it, its own replay of the log included."""
    copy, raw = room / "copy.vhdx", room / "raw"
    shutil.copyfile(path, copy)
    subprocess.run(["qemu-img", "check", "-q", "-r", "all", "-f", "vhdx", str(copy)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["qemu-img", "convert", "-f", "vhdx", "-O", "raw", str(copy), str(raw)], check=True)
    return raw.read_bytes()


def qemu_interrupted_write(path: Path, offset: int, length: int, byte: int) -> None:
    """Write with qemu-io, and fail as soon as it writes the block allocation table: what it would say is in the log then."""
    table = mapped(path).table // 512
    image = f"driver=vhdx,file.driver=blkdebug,file.image.driver=file,file.image.filename={path}"
    fault = f"file.inject-error.0.event=none,file.inject-error.0.iotype=write,file.inject-error.0.sector={table}"
    words = ["qemu-io", "--image-opts", "-c", f"write -P {byte} {offset} {length}", f"{image},{fault}"]
    done = subprocess.run(words, capture_output=True, check=False, text=True)
    assert "write failed" in done.stdout + done.stderr


def qemu_killed_write(path: Path, blocks: int, after: int) -> int:
    """Write a bit of many blocks with qemu-io, and kill it when the header has named a log so often; return its exit code."""
    words = [word for block in range(blocks) for word in ("-c", f"write -P {block % 255 + 1} {block * MIB} 4096")]
    process = subprocess.Popen(["qemu-io", "-f", "vhdx", "-t", "writethrough", *words, str(path)], stdout=subprocess.DEVNULL)
    with opened(path) as (read, _):
        seen = 0
        while process.poll() is None:
            seen += any(any(read(offset + 48, 16)) for offset in HEADERS)
            if seen >= after:
                process.kill()
                break
    return process.wait()
