"""`borg-cluster files`: single files out of a VM's archived disks, which are never extracted."""

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster.simulator.making import DiskSpec
from tests import guest_disks
from tests.e2e.conftest import Shop, open_shop
from tests.guest_disks import MIB

pytest.importorskip("pyfsext", reason="the extra 'files' is not installed")

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


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A site with an archive of one VM.

    Its first disk has a GPT with ext4 and a BitLocker volume, and a checkpoint since which it was written; the second one holds
    ext4 without partitions; the third nothing.
    """
    folder = tmp_path_factory.mktemp("guests")
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


def test_disks_and_partitions_are_listed_with_what_is_on_them(guests: Shop) -> None:
    volumes = guests.ask("files", VM, "ls")["volumes"]

    assert [(one["disk"], one["partition"], one["file_system"], one["problem"]) for one in volumes] == [
        ("SCSI:0:0", 1, "ext4", None),
        ("SCSI:0:0", 2, "BitLocker", "it is encrypted with BitLocker"),
        ("SCSI:0:1", 0, "ext4", None),
        ("SCSI:0:2", 0, "unknown", "no file system is known by its first bytes"),
    ]
    assert "BitLocker" in guests.run("files", VM, "ls").out


def test_a_folder_is_listed_and_little_is_read_for_it(guests: Shop) -> None:
    assert sorted(ask(guests, "/etc", "--disk", "scsi:0:0", "--partition", "1"), key=str) == sorted(
        (
            {"path": "empty", "kind": "file", "size": 0},
            {"path": "hard", "kind": "file", "size": 20},
            {"path": "hosts", "kind": "file", "size": 20},
            {"path": "inside", "kind": "link", "size": 0},
            {"path": "outside", "kind": "link", "size": 0},
            {"path": "sparse", "kind": "file", "size": 5 * MIB},
            {"path": "sub", "kind": "folder", "size": 0},
            {"path": "up", "kind": "link", "size": 0},
        ),
        key=str,
    )
    document = guests.ask("files", VM, "ls")
    assert document["disk_bytes"] > 20 * MIB
    assert document["bytes_fetched"] < document["disk_bytes"] / 4


def test_everything_below_is_listed_by_its_whole_path_and_no_name_is_obeyed(guests: Shop) -> None:
    done = guests.run("files", VM, "latest", "ls", "-R", "/big/..", "--disk", "SCSI:0:0", "--partition", "1")

    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert "-             20 2020-01-02 03:04:05Z etc/hosts" in lines
    assert any(line.endswith(r"""etc/sub/ü $(touch x) 'a' "b"\n{now}""") for line in lines)
    assert any(line.endswith("etc/outside -> /etc/passwd") for line in lines)


def test_the_only_volume_that_has_a_path_is_meant(guests: Shop) -> None:
    assert ask(guests, "/only") == [{"path": "here", "kind": "file", "size": 4}]
    assert ask(guests, "/etc/inside/../hosts") == [{"path": "/etc/inside/../hosts", "kind": "file", "size": 20}]
    both = guests.run("files", VM, "ls", "/etc")
    assert (both.code, both.err) == (
        4,
        "error: 2 volumes have /etc: SCSI:0:0 partition 1, SCSI:0:1\nhint: say which: --disk SCSI:0:0 --partition 1\n",
    )
    none = guests.run("files", VM, "ls", "/nowhere")
    assert (none.code, none.err) == (
        4,
        "error: no volume has /nowhere\nhint: looked for on SCSI:0:0 partition 1, SCSI:0:1\n",
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("ls", "/", "--disk", "SCSI:0:0", "--partition", "2"),
            "SCSI:0:0 partition 2 can't be read: it is encrypted with BitLocker",
        ),
        (("ls", "/", "--disk", "SCSI:0:2"), "SCSI:0:2 can't be read: no file system is known"),
        (("ls", "/", "--disk", "IDE:0:0"), "has no disk IDE:0:0"),
        (("ls", "/", "--disk", "SCSI:0:0", "--partition", "9"), "there is no partition 9"),
        (("ls", r"C:\Windows"), "no volume of"),
        (("get", "/etc/hosts/x", "--disk", "SCSI:0:0", "--partition", "1", "-"), "'hosts' is no folder"),
        (("get", "/etc", "-", "--disk", "SCSI:0:0", "--partition", "1"), "it is no file"),
    ],
)
def test_what_can_not_be_had_is_refused_by_name(guests: Shop, words: tuple[str, ...], told: str) -> None:
    done = guests.run("files", VM, *words)

    assert done.code == 4
    assert told in done.err
    assert done.err.count("\n") <= 2


def test_a_file_comes_out_as_it_was(guests: Shop, tmp_path: Path) -> None:
    document = guests.ask("files", VM, "get", "/etc/hosts", str(tmp_path))
    file = tmp_path / "hosts"

    assert file.read_bytes() == b"127.0.0.1 localhost\n"
    assert file.stat().st_mtime_ns == MTIME_NS
    assert (document["files"], document["size"], document["destination"]) == (1, 20, str(file))
    assert document["bytes_fetched"] < document["disk_bytes"] / 4
    again = guests.run("files", VM, "get", "/etc/hosts", str(tmp_path))
    assert (again.code, "--overwrite" in again.err) == (4, True)
    file.write_text("mine")
    assert guests.run("files", VM, "get", "/etc/hosts", str(tmp_path), "--overwrite").code == 0
    assert file.read_bytes() == b"127.0.0.1 localhost\n"
    assert [path.name for path in tmp_path.iterdir()] == ["hosts"]


def test_a_folder_comes_out_with_all_in_it_but_links_that_leave_it(guests: Shop, tmp_path: Path) -> None:
    done = guests.run("files", VM, "get", "/etc", str(tmp_path / "out"), "--disk", "SCSI:0:0", "--partition", "1")

    assert done.code == 1, done.err
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == ["empty", "hard", "hosts", "inside", "sparse", "sub"]
    assert (out / "inside").readlink() == Path("sub")
    assert (out / "sub" / HOSTILE).read_bytes() == b"hostile"
    assert (out / "hard").read_bytes() == (out / "hosts").read_bytes()
    sparse = (out / "sparse").read_bytes()
    assert sparse == bytes(2 * MIB) + b"in the middle" + bytes(3 * MIB - 13)
    assert "out/outside  it is a link to /etc/passwd" in done.err
    assert "out/up  it is a link to sub/../../../passwd" in done.err


def test_a_file_goes_to_stdout_and_a_reader_may_go_away(guests: Shop) -> None:
    command = [sys.executable, "-m", "borg_cluster", "files", VM, "get", "/big", "-"]
    done = subprocess.run(command, env=guests.environment, capture_output=True, check=True)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(BIG).digest()

    process = subprocess.Popen(command, env=guests.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(10) == BIG[:10]
    process.stdout.close()
    assert (process.wait(), process.stderr.read()) == (128 + 13, b"")
    process.stderr.close()


def test_without_its_library_the_extra_is_named(guests: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = guests.run("files", VM, "ls", "/only", "--disk", "SCSI:0:1")

    assert (done.code, done.err) == (
        4,
        """error: the files of ext4 can't be read: libfsext-python is not installed
hint: pip install 'borg-cluster[files]', which brings libfsext-python
""",
    )


@pytest.mark.parametrize("words", [(), ("ls",), ("x", "ls", "/a", "/b"), ("x", "get"), ("x", "y", "z")])
def test_a_command_line_that_says_nothing_is_usage(guests: Shop, words: tuple[str, ...]) -> None:
    assert guests.run("files", *words).code == 64
