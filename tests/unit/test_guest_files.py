"""A guest's file system is hostile: its reader is watched, and nothing that it says leads out of the folder."""

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from borg_cluster.core.file_system import FileSystem
from borg_cluster.errors import BorgClusterError, Refused
from borg_cluster.guest_files import parse_path
from borg_cluster.guest_files.file_system import Answer, Complaint, Entry, GuestVolume, NotInVolume, open_volume
from borg_cluster.guest_files.writing import Writer, Written, refuse_what_is_there
from tests import guest_disks
from tests.guest_disks import MIB

pytest.importorskip("pyfsext", reason="the extra 'files' is not installed")

PATIENT, IMPATIENT = 60.0, 0.05


def child(code: str) -> tuple[str, ...]:
    """Return a reader that does as it likes; ``say(kind, content)`` sends a frame."""
    return (
        sys.executable,
        "-c",
        "import os, struct, json\n"
        "def say(kind, content=b''): os.write(1, struct.pack('<cI', kind, len(content)) + content)\n" + code,
    )


def listed(program: tuple[str, ...], *, patience: float = PATIENT) -> list[Entry | Complaint]:
    with open_volume(FileSystem.EXT, lambda _, length: bytes(length), MIB, patience=patience, program=program) as volume:
        return list(volume.list(()))


DEAF = """
import threading
threading.Thread(target=lambda: [os.read(0, 1 << 16) for _ in iter(int, 1)], daemon=True).start()
"""
ENTRY = {"path": [], "kind": "file", "size": 1, "mtime_ns": 0, "target": None, "refused": None}


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("os.kill(os.getpid(), 11)", "it crashed"),
        ("say(b'J', b'{')", "makes no sense"),
        ("say(b'J', b'[1]')", "makes no sense"),
        ("say(b'J', b'\\xff')", "makes no sense"),
        (f"say(b'J', json.dumps({ENTRY | {'size': -1}}).encode())", "makes no sense"),
        (f"say(b'J', json.dumps({ENTRY | {'kind': 'door'}}).encode())", "makes no sense"),
        (f"say(b'J', json.dumps({ENTRY | {'mtime_ns': 'x'}}).encode())", "makes no sense"),
        ("os.write(1, struct.pack('<cI', b'J', 2**32 - 1))", "makes no sense"),
        ("say(b'?')", "makes no sense"),
        ("say(b'R', b'short')", "asks for nothing"),
        ("say(b'R', struct.pack('<QI', 0, 2**32 - 1))", "bytes at once"),
        (DEAF + "while True: say(b'R', struct.pack('<QI', 0, 0))", "reads for ever"),
    ],
)
def test_a_reader_that_goes_astray_is_stopped(monkeypatch: pytest.MonkeyPatch, code: str, told: str) -> None:
    monkeypatch.setattr("borg_cluster.guest_files.file_system._MOST_WANTS", 50)
    with pytest.raises(BorgClusterError, match=told) as caught:
        listed(child(code))
    assert "damaged, or hostile" in caught.value.message


def test_a_reader_that_hangs_is_stopped() -> None:
    with pytest.raises(BorgClusterError, match="does not come to an end"):
        listed(child("while True: pass"), patience=IMPATIENT)


def test_the_reader_can_do_nothing_but_answer(tmp_path: Path) -> None:
    """What the process may do is asked in the process itself, after it has given up its rights."""
    probe = (
        "import sys, resource\n"
        "sys.argv = ['', 'json', '1']\n"
        "from borg_cluster.guest_reader import __main__ as reader\n"
        "reader.confine()\n"
        "told = {'uid': os.geteuid(), 'environment': list(os.environ), 'memory': resource.getrlimit(resource.RLIMIT_AS)[0]}\n"
        "try:\n"
        f"    open({str(tmp_path / 'x')!r}, 'w')\n"
        "except OSError as error:\n"
        "    told['open'] = error.errno\n"
        "try:\n"
        "    os.fork()\n"
        "except OSError as error:\n"
        "    told['fork'] = error.errno\n"
        "say(b'X', json.dumps({'code': 'probe', 'message': json.dumps(told)}).encode())"
    )
    with pytest.raises(BorgClusterError) as caught:
        listed(child(probe))
    told = json.loads(caught.value.message)
    assert told["open"]
    assert told["memory"] == 2 << 30
    assert set(told["environment"]) <= {"LC_CTYPE"}
    if os.geteuid() == 0:
        assert told["uid"] == 65534
        assert told["fork"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("ext4")
    (folder / "source/dir/deep").mkdir(parents=True)
    for number in range(40):
        (folder / f"source/dir/file-{number}").write_bytes(b"x" * number * 100)
    (folder / "source/link").symlink_to("dir/file-3")
    (folder / "source/loop").symlink_to("loop")
    return guest_disks.ext4(folder / "image", folder / "source", 2 * MIB)


def opened(image: bytes, use: Callable[[GuestVolume], None]) -> None:
    with open_volume(FileSystem.EXT, lambda at, length: image[at : at + length], len(image)) as volume:
        use(volume)


def test_links_on_the_way_are_followed_and_circles_end(image: bytes) -> None:
    def look(volume: GuestVolume) -> None:
        (entry,) = volume.list(("link",))
        assert isinstance(entry, Entry)
        assert (entry.kind, entry.size) == ("file", 300)
        assert b"".join(piece for piece in volume.get(("dir", "..", "link")) if isinstance(piece, bytes)) == b"x" * 300
        with pytest.raises(NotInVolume, match="too many symbolic links"):
            list(volume.list(("loop", "x")))
        with pytest.raises(NotInVolume, match="there is no 'nowhere'"):
            list(volume.list(("dir", "nowhere")))

    opened(image, look)


def read_all(volume: GuestVolume) -> None:
    """List everything, and read what isn't said to be huge."""
    small = [entry for entry in volume.list((), recursive=True) if isinstance(entry, Entry) and 0 < entry.size < MIB]
    for entry in small[:10]:
        for _ in volume.get(entry.path):
            pass


def test_a_damaged_file_system_ends_with_a_list_or_a_plain_error(image: bytes) -> None:
    """Damage by chance, in what is metadata: each try ends, and none with anything but our own error."""
    chance = random.Random(3)  # noqa: S311 - no secret
    whole = 0
    for _ in range(12):
        damaged = bytearray(image)
        for _ in range(600):
            damaged[1024 + chance.randrange(100 << 10)] = chance.randrange(256)

        try:
            opened(bytes(damaged), read_all)
            whole += 1
        except BorgClusterError as error:
            assert error.message.count("\n") == 0  # noqa: PT017 - either way is right
    assert 0 < whole < 12, "all or nothing was damaged"


def entry(*path: str, kind: str = "file", size: int = 0, target: str | None = None, refused: str | None = None) -> Entry:
    return Entry(path=path, kind=kind, size=size, mtime_ns=10**18, target=target, refused=refused)


def written(folder: Path, *answers: Answer, name: str = "out", overwrite: bool = False) -> Written:
    return Writer(folder, name, overwrite=overwrite, heed=lambda *_: None).write(iter(answers))


def below(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        yield path.relative_to(folder).as_posix()


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../x", "nul\0", "\ud800", "x" * 256])
def test_a_name_that_no_file_can_have_is_told_and_left_out(tmp_path: Path, name: str) -> None:
    done = written(tmp_path, entry(kind="folder"), entry(name, size=1), b"x", entry("good", size=1), b"g")

    assert list(below(tmp_path)) == ["out", "out/good"]
    assert len(done.skipped) == 1
    assert done.files == 1


def test_a_folder_with_the_name_of_a_link_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    done = written(
        tmp_path,
        entry(kind="folder"),
        entry("a", kind="folder"),
        entry("a", "real", kind="folder"),
        entry("b", kind="link", target="a/real"),
        entry("b", kind="folder"),
        entry("b", "planted", size=1),
        b"x",
        entry("c", size=1),
        b"c",
    )

    assert list(below(tmp_path)) == ["out", "out/a", "out/a/real", "out/b", "out/c", "victim"]
    assert [path for path, _ in done.skipped] == ["out/b"]


@pytest.mark.parametrize(
    ("target", "made"),
    [
        ("x", True),
        ("../x", True),
        ("../../x", False),
        ("/etc/passwd", False),
        ("d/../../x", False),
        ("../d/..", False),
        ("", False),
        (r"C:\Windows", False),
    ],
)
def test_links_are_made_only_where_they_stay_below(tmp_path: Path, target: str, made: bool) -> None:
    done = written(tmp_path, entry(kind="folder"), entry("d", kind="folder"), entry("d", "l", kind="link", target=target))

    assert (tmp_path / "out/d/l").is_symlink() is made
    assert bool(done.skipped) is not made


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    broken = Complaint(path=("a",), message="it can't be read after 2 bytes of 4", broken=True)
    done = written(tmp_path, entry(kind="folder"), entry("a", size=4), b"xx", broken, entry("b", size=1), b"b")

    assert list(below(tmp_path)) == ["out", "out/b"]
    assert done.skipped == [("out/a", "it can't be read after 2 bytes of 4")]
    (tmp_path / "out/b").write_bytes(b"mine")
    again = written(tmp_path, entry(size=4), b"xx", broken, name="out/b", overwrite=True)
    assert (tmp_path / "out/b").read_bytes() == b"mine"
    assert again.files == 0


def test_what_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a").write_bytes(b"mine")
    (tmp_path / "away").write_bytes(b"away")
    (tmp_path / "out/b").symlink_to("../away")
    with pytest.raises(Refused, match="is there already"):
        refuse_what_is_there(tmp_path, "out", overwrite=False)
    with pytest.raises(Refused, match="is no folder"):
        refuse_what_is_there(tmp_path / "nowhere", "x", overwrite=True)
    refuse_what_is_there(tmp_path, "out", overwrite=True)
    done = written(tmp_path, entry(kind="folder"), entry("a", size=1), b"n", entry("b", size=1), b"n", overwrite=True)

    assert (done.files, done.skipped) == (2, [])
    assert (tmp_path / "out/a").read_bytes() == (tmp_path / "out/b").read_bytes() == b"n"
    assert not (tmp_path / "out/b").is_symlink()
    assert (tmp_path / "away").read_bytes() == b"away", "a link is replaced, not followed"
    assert [path.stat().st_mtime_ns for path in (tmp_path / "out", tmp_path / "out/a")] == [10**18, 10**18]


def test_a_file_for_which_there_is_no_room_ends_it(tmp_path: Path) -> None:
    with pytest.raises(BorgClusterError, match="there is room for"):
        written(tmp_path, entry(size=1 << 62))
    assert list(below(tmp_path)) == []


def test_what_is_refused_inside_is_told(tmp_path: Path) -> None:
    done = written(tmp_path, entry(kind="folder"), entry("e", size=5, refused="it is encrypted (EFS)"))

    assert done.skipped == [("out/e", "it is encrypted (EFS)")]


@pytest.mark.parametrize(
    ("text", "drive", "names"),
    [
        (r"C:\Users\ann", "C", ("Users", "ann")),
        ("c:/Users//ann/", "C", ("Users", "ann")),
        ("D:", "D", ()),
        (r"\Users\ann", None, ("Users", "ann")),
        ("/etc/./hosts", None, ("etc", "hosts")),
        (r"/a\b", None, (r"a\b",)),
        ("/", None, ()),
        ("é:/x", None, ("é:", "x")),
    ],
)
def test_paths_are_taken_as_the_guest_writes_them(text: str, drive: str | None, names: tuple[str, ...]) -> None:
    assert (parse_path(text).drive, parse_path(text).names) == (drive, names)
