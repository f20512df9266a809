"""`borg-cluster files`: single files out of a VM's archived disks, which are never extracted; more of it in the lane."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.files_site import MTIME_NS, VM, ask, open_guests
from tests.guest_disks import MIB

pytest.importorskip("pyfsext", reason="the extra 'files' is not installed")


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_guests(tmp_path_factory.mktemp("guests")) as opened:
        yield opened


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


def test_without_its_library_the_extra_is_named(guests: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    done = guests.run("files", VM, "ls", "/only", "--disk", "SCSI:0:1")

    assert (done.code, done.err) == (
        4,
        """error: the files of ext4 can't be read: libfsext-python is not installed
hint: pip install 'borg-cluster[files]', which brings libfsext-python
""",
    )
