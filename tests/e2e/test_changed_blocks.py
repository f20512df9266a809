"""Archives made from the changed blocks only, by real Borg: standard in every way, whole without their base, right or refused."""

import os
import shutil
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster.changed_blocks import PROGRAM
from borg_cluster.core.vhdx import MIB
from borg_cluster.simulator import vhdx as maker
from borg_cluster.simulator import vhdx_content as content
from tests.changed_site import ChangedSite

SIZE = 24 * MIB
KILLING = str(Path(__file__).parents[1] / "killing.py")
NOTHING: tuple[int, tuple[tuple[int, int], ...]] = (SIZE, ())


def make_disk(path: Path, **changes: object) -> Path:
    disk = {"size": SIZE, "identifier": uuid.UUID(int=1), "data_write": uuid.UUID(int=2)} | changes
    maker.create(path, maker.NewDisk(**disk))  # type: ignore[arg-type]  # keyword by keyword, as each test says
    for block in range(0, 16, 2):
        write(path, block * MIB, os.urandom(MIB))
    return path


def write(path: Path, offset: int, data: bytes) -> tuple[int, int]:
    """Write as a guest; return what change tracking would tell."""
    content.write([path], offset, data, data_write=uuid.uuid4())
    start = offset // 65536 * 65536
    return start, -(-(offset + len(data)) // 65536) * 65536 - start


@pytest.fixture
def site(tmp_path: Path) -> ChangedSite:
    made = ChangedSite(tmp_path)
    make_disk(made.folder / "a.vhdx")
    return made


def test_an_archive_of_changed_blocks_is_a_standard_archive_and_outlives_its_base(tmp_path: Path) -> None:
    site = ChangedSite(tmp_path, encryption="repokey-blake2")
    first, second = make_disk(site.folder / "a.vhdx"), make_disk(site.folder / "b.vhdx", block_size=4 * MIB)
    (site.folder / "vm.vmcx").write_bytes(b"configuration")
    base = site.plain()
    before = (site.run("info", "--json", f"::{base}"), first.read_bytes())
    for _ in range(2):  # each generation is the base of the next
        changes = {
            "a.vhdx": [write(first, 4 * MIB + 9, b"overwritten"), write(first, 5 * MIB, b"a new block")],
            "b.vhdx": [write(second, 23 * MIB, os.urandom(5))],
        }
        made = site.changed(site_base := base, {name: (SIZE, ranges) for name, ranges in changes.items()})
        assert all(one.reason is None and one.taken > 0 for one in made.outcomes.values())
        assert made.outcomes["a.vhdx"].read + made.outcomes["a.vhdx"].taken == first.stat().st_size
        base = made.name
    plain = site.plain()
    assert site.difference(base, plain) == ""
    assert site_base != base
    for name in list(site.bases):
        if name != base:
            site.run("delete", f"::{name}")
    site.run("compact")
    assert site.content(base, "a.vhdx") == first.read_bytes() != before[1]
    assert site.content(base, "b.vhdx") == second.read_bytes()
    site.run("check", "--verify-data")
    site.run("delete", f"::{base}")
    site.run("compact", "--threshold", "0")
    left = sum(file.stat().st_size for file in (tmp_path / "repository" / "data").rglob("*") if file.is_file())
    assert left < 4096, "no chunk has a reference too many"


Change = Callable[[ChangedSite, Path], object]


def _replace(_: ChangedSite, disk: Path) -> None:
    disk.unlink()
    make_disk(disk, identifier=uuid.uuid4())


def _no_disk(_: ChangedSite, disk: Path) -> None:
    disk.write_bytes(b"conectix".ljust(9 * MIB, b"\1"))


def _loop_log(_: ChangedSite, disk: Path) -> None:
    from tests.vhdx_files import put_log  # noqa: PLC0415 - here alone

    put_log(disk, [])


def _other_base(site: ChangedSite, _: Path) -> None:
    site.bases["a1"] = replace(site.bases["a1"], archive_id="0" * 64)


def _other_manifest(site: ChangedSite, _: Path) -> None:
    site.bases["a1"] = replace(site.bases["a1"], run_id="another")


def _other_size(site: ChangedSite, _: Path) -> None:
    site.sizes["a1"]["vm/a.vhdx"] += 1


def _other_chunker(site: ChangedSite, _: Path) -> None:
    site.chunker = "fixed,524288"


def _header(site: ChangedSite, _: Path) -> None:
    site.chunker = "fixed,1048576,4096"


def _no_cache(site: ChangedSite, _: Path) -> None:
    site.extra = ("--no-cache-sync",)
    shutil.rmtree(site.room / ".cache")


def _delete(site: ChangedSite, _: Path) -> None:
    site.run("delete", "::a1")


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "doubts",
    [
        # one after the other, so that one base serves them all: those that come last spoil it
        (
            (_other_base, "is not the one that was made"),
            (_other_manifest, "of another run or VM"),
            (_other_size, "manifest says otherwise"),
            (_other_chunker, "other chunker parameters"),
            (_header, "not fixed,SIZE"),
            (_no_cache, "no chunks cache"),
            (_replace, "the disk was replaced"),
            (_loop_log, "no entry that is whole"),
            (_no_disk, "does not begin with the VHDX"),
            (_delete, "is gone"),
        )
    ],
)
def test_in_doubt_all_is_read_and_the_reason_told(site: ChangedSite, doubts: tuple[tuple[Change, str], ...]) -> None:
    disk = site.folder / "a.vhdx"
    base = site.plain()
    known = (site.bases[base], dict(site.sizes[base]), site.chunker)
    for change, why in doubts:
        change(site, disk)
        made = site.changed(base, {"a.vhdx": NOTHING})
        outcome = made.outcomes["a.vhdx"]
        assert why in str(outcome.reason)
        assert (outcome.taken, outcome.read) == (0, disk.stat().st_size)
        site.bases[base], site.sizes[base], site.chunker = known[0], dict(known[1]), known[2]
        site.extra = ()
    assert site.content(made.name, "a.vhdx") == disk.read_bytes()


def test_a_wrong_change_list_is_found_out(site: ChangedSite) -> None:
    disk = site.folder / "a.vhdx"
    base = site.plain()
    write(disk, 6 * MIB, b"nobody tells of this")
    made = site.changed(base, {"a.vhdx": NOTHING})
    assert site.content(made.name, "a.vhdx") != disk.read_bytes(), "the one thing that Borg can't notice"
    made = site.changed(base, {"a.vhdx": NOTHING}, verify=1.0, check=False)
    assert made.code == 2
    assert made.outcomes["a.vhdx"].wrong == (7 * MIB,)
    assert any("told unchanged" in str(message.get("message")) for message in made.messages)
    made = site.changed(base, {"a.vhdx": NOTHING}, full="one in 7")
    assert made.outcomes["a.vhdx"].wrong == (7 * MIB,)
    assert made.outcomes["a.vhdx"].reason == "one in 7"
    assert site.content(made.name, "a.vhdx") == disk.read_bytes()
    site.run("check", "--verify-data")


def test_a_borg_that_was_not_tried_reads_as_usual(site: ChangedSite) -> None:
    base = site.plain()
    for said, patch in (
        ("has not been tried", "borg.__version__ = '1.4.99'"),
        ("not as it was published", "from borg.cache import LocalCache as it; it.seen_chunk = it.add_chunk"),
    ):
        looked = "from borg_cluster.changed_blocks import guard; print(guard.refusal(), file=sys.stderr)"
        site.child = (sys.executable, "-c", f"import sys, borg; {patch}; {looked}")
        made = site.changed(base, {"a.vhdx": NOTHING}, check=False)
        assert any(said in str(message.get("text")) for message in made.messages)
    run = "from borg_cluster.changed_blocks.__main__ import main; main(sys.argv[1:])"
    site.child = (sys.executable, "-c", f"import sys, borg; borg.__version__ = '1.4.99'; {run}")
    made = site.changed(base, {"a.vhdx": NOTHING})
    assert "1.4.99" in str(made.outcomes["a.vhdx"].reason)
    assert site.content(made.name, "a.vhdx") == (site.folder / "a.vhdx").read_bytes()


@pytest.mark.parametrize(
    ("event", "number", "name"),
    [
        ("borg.cache:LocalCache.chunk_incref", 3, "SIGKILL"),
        ("borg.repository:Repository.put", 2, "SIGTERM"),
    ],
)
def test_killed_it_leaves_a_sound_repository_and_the_next_run_is_right(
    site: ChangedSite, event: str, number: int, name: str
) -> None:
    killed_once(site, event, number, name)


def killed_once(site: ChangedSite, event: str, number: int, name: str) -> None:
    disk = site.folder / "a.vhdx"
    base = site.plain()
    changes = [write(disk, 4 * MIB + 9, b"overwritten"), write(disk, 5 * MIB, os.urandom(MIB)), write(disk, 23 * MIB, b"new")]
    site.environment["KILLED"] = str(site.room / "killed")
    site.child = (sys.executable, KILLING, event, str(number), name)
    assert site.changed(base, {"a.vhdx": (SIZE, changes)}, check=False).code != 0
    assert (site.room / "killed").exists(), "the signal was sent"
    site.child = PROGRAM
    site.run("check", "--verify-data")
    made = site.changed(base, {"a.vhdx": (SIZE, changes)})
    assert made.outcomes["a.vhdx"].taken > 0
    assert site.content(made.name, "a.vhdx") == disk.read_bytes()
    site.run("check", "--verify-data")
