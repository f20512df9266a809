"""A site for `borg-cluster files`: a VM whose disks hold real file systems, archived."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from borg_cluster.simulator.making import DiskSpec
from tests import guest_disks
from tests.e2e.conftest import Shop, open_shop
from tests.guest_disks import MIB

VM = "files[1]* 'a' \"$(x)\"\n{now}"
JOB = """
  guests:
    kind: virtual_machines
    select: {include: [{name: "files[[]1]*"}]}
    chunker_params: "12,18,16,4095"
"""
BIG = random.Random(5).randbytes(9 * MIB)  # noqa: S311 - content, no secret
HOSTILE = "ü $(touch x) 'a' \"b\"\n{now}"
MTIME_NS = 1577934245_000000000


def fill(folder: Path) -> Path:
    """Make what the first file system holds."""
    (folder / "etc/sub").mkdir(parents=True)
    (folder / "etc/hosts").write_bytes(b"127.0.0.1 localhost\n")
    os.utime(folder / "etc/hosts", ns=(MTIME_NS, MTIME_NS))
    (folder / "etc/sub" / HOSTILE).write_bytes(b"hostile")
    (folder / "etc/inside").symlink_to("sub")
    (folder / "etc/outside").symlink_to("/etc/passwd")
    (folder / "etc/up").symlink_to("sub/../../../passwd")
    os.link(folder / "etc/hosts", folder / "etc/hard")
    (folder / "etc/empty").touch()
    with (folder / "etc/sparse").open("wb") as file:
        file.truncate(5 * MIB)
        file.seek(2 * MIB)
        file.write(b"in the middle")
    (folder / "big").write_bytes(BIG)
    return folder


@contextmanager
def open_guests(folder: Path) -> Iterator[Shop]:
    """Open a site with an archive of one VM, below a folder.

    Its first disk has a GPT with ext4 and a BitLocker volume, and a checkpoint since which it was written; the second one holds
    ext4 without partitions; the third nothing.
    """
    system = guest_disks.ext4(folder / "system", fill(folder / "source"), 16 * MIB)
    (folder / "data/only").mkdir(parents=True)
    (folder / "data/only/here").write_bytes(b"data")
    (folder / "data/etc").mkdir()
    data = guest_disks.ext4(folder / "data.img", folder / "data", 2 * MIB)
    bitlocker = (b"\xeb\x58\x90-FVE-FS-").ljust(MIB, b"\0")
    disk = guest_disks.gpt((guest_disks.LINUX, system), (guest_disks.BASIC, bitlocker), size=20 * MIB)
    with open_shop(folder / "shop") as shop:
        with shop.site.configuration.open("a", encoding="utf-8") as file:
            file.write(JOB)
        disks = (DiskSpec(size=20 * MIB, content=0), DiskSpec(size=2 * MIB, content=0), DiskSpec(size=2 * MIB, content=0))
        vm_id = shop.cluster.add_vm(VM, node="node1", volume="Volume1", disks=disks)
        half = disk.index(b"127.0.0.1 localhost\n") // MIB * MIB  # this part is written after the checkpoint only
        guest_disks.put(shop.cluster, vm_id, disk[:half] + bytes(MIB) + disk[half + MIB :])
        shop.cluster.take_checkpoint(vm_id)
        shop.cluster.guest_write(vm_id, offset=half, data=disk[half : half + MIB])
        guest_disks.put(shop.cluster, vm_id, data, disk=1)
        done = shop.run("create", "guests")
        assert done.code in {0, 1}, done.err
        yield shop


def ask(shop: Shop, *words: str) -> list[dict[str, object]]:
    """Return what `files VM ls` lists."""
    document = shop.ask("files", VM, "ls", *words)
    return [{"path": entry["path"], "kind": entry["kind"], "size": entry["size"]} for entry in document["entries"]]
