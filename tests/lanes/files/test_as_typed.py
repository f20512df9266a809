"""`borg-cluster files` as it is typed: whole folders, stdout, hostile names, and what is refused."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.files_site import BIG, HOSTILE, VM, open_guests
from tests.guest_disks import MIB

pytest.importorskip("pyfsext", reason="the extra 'files' is not installed")


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_guests(tmp_path_factory.mktemp("guests")) as opened:
        yield opened


def test_everything_below_is_listed_by_its_whole_path_and_no_name_is_obeyed(guests: Shop) -> None:
    done = guests.run("files", VM, "latest", "ls", "-R", "/big/..", "--disk", "SCSI:0:0", "--partition", "1")

    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert "-             20 2020-01-02 03:04:05Z etc/hosts" in lines
    assert any(line.endswith(r"""etc/sub/ü $(touch x) 'a' "b"\n{now}""") for line in lines)
    assert any(line.endswith("etc/outside -> /etc/passwd") for line in lines)


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


@pytest.mark.parametrize("words", [(), ("ls",), ("x", "ls", "/a", "/b"), ("x", "get"), ("x", "y", "z")])
def test_a_command_line_that_says_nothing_is_usage(guests: Shop, words: tuple[str, ...]) -> None:
    assert guests.run("files", *words).code == 64
