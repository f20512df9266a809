"""What a night costs: a disk of which some changed, by plain Borg, by restic, and from the changed blocks only.

All on the same disk in one run, each after the system's cache was dropped (where that is allowed). Run as
``python -m benchmarks.nightly``; it needs some 30 GiB below --room. Reads are the process's own (/proc/PID/io): all that it
read, its own modules and Borg's index too, and what of that came from the disk.
"""

import argparse
import json
import os
import random
import shutil
import struct
import sys
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.core.changed_file import joined
from borg_cluster.simulator import vhdx as maker
from tests.changed_site import ChangedSite

MIB, GIB = 1 << 20, 1 << 30
BLOCK = 32 * MIB
DEFAULT = "1 MiB"
FOR_SCATTERED = "512 KiB"
"""The size of chunks that is offered for disks where little is written everywhere."""
FIXED = {DEFAULT: MIB, FOR_SCATTERED: MIB // 2, "4 MiB": 4 * MIB}
SYNTHETIC = str(Path(__file__).with_name("synthetic.py"))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one process: seconds, seconds of CPU, MiB read in all and from the disk, MiB written, MiB of memory at most."""

    wall: float
    cpu: float
    read: float
    from_disk: float
    stored: float
    memory: float


def drop_caches() -> bool:
    """Let the system forget what it has read; return whether it did."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3")
    except OSError:
        return False
    return True


def measure(words: Sequence[str], environment: dict[str, str], folder: Path) -> Cost:
    """Run a program to its end; return what it cost. Raises RuntimeError if it failed."""
    import time  # noqa: PLC0415 - a benchmark's clock

    drop_caches()
    said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
    begun = time.monotonic()
    actions = [(os.POSIX_SPAWN_DUP2, said.fileno(), 1), (os.POSIX_SPAWN_DUP2, said.fileno(), 2)]
    here = os.getcwd()  # noqa: PTH109
    os.chdir(folder)
    pid = os.posix_spawnp(words[0], list(words), environment, file_actions=actions)
    os.chdir(here)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # its counts can be read until it is waited for
    wall = time.monotonic() - begun
    counts = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    _, status, used = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status):
        said.seek(0)
        raise RuntimeError(said.read().decode(errors="replace")[-2000:])
    return Cost(
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        read=int(counts["rchar"]) / MIB,
        from_disk=int(counts["read_bytes"]) / MIB,
        stored=int(counts["write_bytes"]) / MIB,
        memory=used.ru_maxrss / 1024,
    )


def make_disk(path: Path, size: int, *, random_part: float, fixed: bool) -> None:
    """Make a disk with blocks of 32 MiB; what is not random is holes."""
    maker.create(path, maker.NewDisk(size=size, block_size=BLOCK, identifier=uuid.uuid4(), data_write=uuid.uuid4()))
    info = maker.read_info(path)
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        for block in range(size // BLOCK):
            filled = (block * 7919) % 1000 < random_part * 1000
            if not (filled or fixed):
                continue
            file.seek(info.bat_position(block))
            file.write(struct.pack("<Q", end | 6))
            if filled:
                file.seek(end)
                file.write(os.urandom(BLOCK))
            end += BLOCK
        file.truncate(end)


def change(path: Path, offsets: Sequence[int], length: int) -> list[tuple[int, int]]:
    """Write into present blocks of a disk; return the changed ranges (offset, length) in granules of 64 KiB."""
    info = maker.read_info(path)
    with path.open("r+b") as file:
        for offset in offsets:
            block, inside = divmod(offset, BLOCK)
            file.seek(info.bat_position(block))
            (entry,) = struct.unpack("<Q", file.read(8))
            file.seek((entry >> 20 << 20) + inside)
            file.write(os.urandom(length))
    return [(start, end - start) for start, end in joined((offset, offset + length) for offset in offsets)]


def scenarios(path: Path, size: int) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Change the disk as a day would, one way after the other."""
    info = maker.read_info(path)
    with path.open("rb") as file:
        present = [block for block in range(size // BLOCK) if any(os.pread(file.fileno(), 8, info.bat_position(block)))]
    chance = random.Random(1)  # noqa: S311 - places of writes

    def places(share: float, length: int) -> list[int]:
        slots = [block * BLOCK + at for block in present for at in range(0, BLOCK, length)]
        return chance.sample(slots, int(size * share) // length)

    yield "0 %", []
    yield "1 % clustered", change(path, places(0.01, 4 * MIB), 4 * MIB)
    yield "1 % scattered", change(path, places(0.01, MIB // 16), MIB // 16)
    yield "10 %", change(path, places(0.10, 4 * MIB), 4 * MIB)


def touched(ranges: Sequence[tuple[int, int]], chunk: int) -> float:
    """Return the MiB of the chunks in which something changed."""
    return len({at // chunk for start, length in ranges for at in range(start, start + length, MIB // 16)}) * chunk / MIB


def row(name: str, what: str, cost: Cost) -> None:
    print(
        f"{name:15} {what:34} {cost.wall:8.2f} {cost.cpu:8.2f} {cost.read:9.0f} {cost.from_disk:9.0f} {cost.stored:8.0f}"
        f" {cost.memory:7.0f}",
        flush=True,
    )


def head(title: str) -> None:
    columns = f"{'wall s':>8} {'CPU s':>8} {'read MiB':>9} {'disk MiB':>9} {'written':>8} {'memory':>7}"
    print(f"\n{title}\n{'changed':15} {'how':34} {columns}")


class Bench:
    """One disk and the goals that were met on it."""

    def __init__(self, room: Path, encryption: str) -> None:
        self.room = room
        self.encryption = encryption
        self.goals: list[str] = []

    def goal(self, name: str, value: float, limit: float, *, most: bool) -> None:
        held = value <= limit if most else value >= limit
        self.goals.append(f"{'held  ' if held else 'MISSED'} {name}: {value:.2f} ({'at most' if most else 'at least'} {limit})")

    def site(self, name: str, chunker: str) -> ChangedSite:
        folder = self.room / name
        folder.mkdir()
        site = ChangedSite(folder, encryption=self.encryption, chunker=chunker, extra=("--files-cache", "mtime,size"))
        site.environment |= {"BORG_FILES_CACHE_TTL": "99", "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
        return site

    def ours(self, site: ChangedSite, base: str, size: int, ranges: list[tuple[int, int]]) -> tuple[Cost, str]:
        name = site.next_name()
        request = site.request(base, {"disk.vhdx": (size, ranges)})
        cost = measure((*site.child, str(request), *site.words(name)), site.environment, site.room)
        return cost, site.noted(name)

    def plain(self, site: ChangedSite) -> tuple[Cost, str]:
        name = site.next_name()
        os.utime(site.folder / "disk.vhdx")  # a running VM's disk never looks unchanged
        cost = measure((*site.borg, *site.words(name)), site.environment, site.room)
        return cost, site.noted(name)

    def fixed(self, label: str, disk: Path, size: int) -> float:
        """Compare ours with plain Borg at one chunk size; return the wall seconds at 0 %."""
        site = self.site(f"fixed-{FIXED[label]}", f"fixed,{FIXED[label]}")
        disk.rename(site.folder / "disk.vhdx")
        disk = site.folder / "disk.vhdx"
        cost, base = self.plain(site)
        row("first", f"borg, fixed {label}", cost)
        floor = 0.0
        for name, ranges in scenarios(disk, size):
            ours, made = self.ours(site, base, size, ranges)
            row(name, f"changed blocks, {label}", ours)
            site.run("delete", f"::{made}")
            plain, base = self.plain(site)
            row(name, f"borg, fixed {label}", plain)
            floor = floor or ours.wall
            if name == "1 % clustered" and label == DEFAULT:
                self.goal(f"1 % clustered, times faster than plain, {label}", plain.wall / ours.wall, 7, most=False)
            if name == "1 % scattered" and label == FOR_SCATTERED:
                self.goal(f"1 % scattered, times faster than plain, {label}", plain.wall / ours.wall, 4, most=False)
            if ranges:
                self.goal(f"{name}, {label}: read over changed chunks", ours.read / touched(ranges, FIXED[label]), 1.3, most=True)
        disk.rename(self.room / "disk.vhdx")
        shutil.rmtree(site.room)
        return floor

    def buzhash(self, disk: Path, size: int) -> None:
        site = self.site("buzhash", "buzhash,19,23,21,4095")
        disk.rename(site.folder / "disk.vhdx")
        cost, _ = self.plain(site)
        row("first", "borg, default chunker", cost)
        for name, _ in scenarios(site.folder / "disk.vhdx", size):
            cost, _ = self.plain(site)
            row(name, "borg, default chunker", cost)
        (site.folder / "disk.vhdx").rename(disk)
        shutil.rmtree(site.room)

    def restic(self, disk: Path, size: int) -> None:
        if shutil.which("restic") is None:
            print("restic is not installed: apt-get install restic")
            return
        folder = self.room / "restic"
        (folder / "vm").mkdir(parents=True)
        disk.rename(folder / "vm" / "disk.vhdx")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "RESTIC_PASSWORD": "x",
            "RESTIC_REPOSITORY": str(folder / "r"),
        }
        measure(("restic", "init"), environment, folder)
        row("first", "restic", measure(("restic", "backup", "vm"), environment, folder))
        for name, _ in scenarios(folder / "vm" / "disk.vhdx", size):
            os.utime(folder / "vm" / "disk.vhdx")
            row(name, "restic", measure(("restic", "backup", "vm"), environment, folder))
        (folder / "vm" / "disk.vhdx").rename(disk)
        shutil.rmtree(folder)

    def large(self, size: int, floor: float) -> None:
        """Compare 0 % at a larger disk, of which little is filled, with ``floor`` seconds."""
        site = self.site("large", f"fixed,{FIXED[DEFAULT]}")
        make_disk(site.folder / "disk.vhdx", size, random_part=0.03, fixed=True)
        cost, base = self.plain(site)
        row("first", f"borg, fixed {DEFAULT}", cost)
        cost, _ = self.ours(site, base, size, [])
        row("0 %", f"changed blocks, {DEFAULT}", cost)
        self.goal(f"0 % at {size // GIB} GiB over 0 % at the smaller disk, wall", cost.wall / floor, 2, most=True)
        shutil.rmtree(site.room)

    def memory(self, size: int) -> None:
        """Measure the memory for a disk's chunk list, with chunks that only seem to be there."""
        for label, chunk in FIXED.items():
            site = self.site(f"memory-{chunk}", f"fixed,{chunk}")
            make_disk(site.folder / "disk.vhdx", size, random_part=0.0, fixed=True)
            name = site.next_name()
            words = (sys.executable, SYNTHETIC, "plain", *site.words(name))
            row("first", f"borg, {label}, seeming chunks", measure(words, site.environment, site.room))
            cost, _ = self.ours(site, site.noted(name), size, [])
            row("0 %", f"changed blocks, {label}", cost)
            print(f"memory for {size // GIB} GiB in chunks of {label}: {cost.memory:.0f} MiB", flush=True)
            shutil.rmtree(site.room)


def main() -> int:
    """Run what was asked for; return the exit code: 1 if a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--room", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--size", type=int, default=8, help="GiB of the disk")
    parser.add_argument("--large", type=int, default=64, help="GiB of the larger disk")
    parser.add_argument("--huge", type=int, default=1024, help="GiB of the disk for memory")
    parser.add_argument("--parts", default="fixed,buzhash,restic,large,memory")
    parser.add_argument("--encryption", default="repokey-blake2")
    options = parser.parse_args()
    room = Path(tempfile.mkdtemp(prefix="nightly-", dir=options.room))
    try:
        return _run(room, options, set(options.parts.split(",")))
    finally:
        shutil.rmtree(room)


def _run(room: Path, options: argparse.Namespace, parts: set[str]) -> int:
    bench = Bench(room, options.encryption)
    size = options.size * GIB
    disk = room / "disk.vhdx"
    print(json.dumps({"cpus": os.cpu_count(), "cache dropped": drop_caches(), "encryption": options.encryption}))
    head(f"{options.size} GiB, 95 % random")
    make_disk(disk, size, random_part=0.95, fixed=False)
    floor = 0.0
    if "fixed" in parts:
        floor = bench.fixed(DEFAULT, disk, size)
    if "large" in parts and floor:
        head(f"{options.large} GiB, 3 % random")
        bench.large(options.large * GIB, floor)
    for label in FIXED if "fixed" in parts else ():
        if label != DEFAULT:
            bench.fixed(label, disk, size)
    if "memory" in parts:
        head(f"{options.huge} GiB of chunks that only seem to be there")
        bench.memory(options.huge * GIB)
    if "buzhash" in parts:
        bench.buzhash(disk, size)
    if "restic" in parts:
        bench.restic(disk, size)
    print("\n".join(("", *bench.goals)))
    return int(any(goal.startswith("MISSED") for goal in bench.goals))


if __name__ == "__main__":
    sys.exit(main())
