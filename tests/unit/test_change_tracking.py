"""Which archive the next one may build on, and each reason why none: decided before anything is read."""

from dataclasses import replace

import pytest

from borg_cluster.core.archive import ArchivedFile
from borg_cluster.core.change_tracking import (
    Full,
    KnownPoint,
    TrackedDisk,
    Wanted,
    choose_base,
    chunker_for,
    forced,
    judge_changes,
    match_disks,
    tracked,
)
from borg_cluster.core.snapshot import (
    ChangedRange,
    DiskChangeReport,
    DiskTracking,
    FrozenDisk,
    ReferencePoint,
    ReferencePointReport,
)

PATH = r"C:\ClusterStorage\Volume1\db\db.vhdx"
FROZEN = FrozenDisk(controller_type="SCSI", controller_number=0, controller_location=0, path=PATH, chain=(PATH,))
TRACKED = TrackedDisk(
    controller_type="SCSI", controller_number=0, controller_location=0, path=PATH, chain=(PATH,), rct_id="rctX:1"
)
POINT = KnownPoint(
    cluster="c",
    vm_id="v",
    repository="main",
    point_id="p2",
    archive="a2",
    archive_id="2",
    run_id="r2",
    number=2,
    disks=(TRACKED,),
)
OLDER = replace(POINT, point_id="p1", archive="a1", archive_id="1", number=1)
FILE = ArchivedFile(
    archive_path="Volume1/db/db.vhdx",
    windows_path=PATH,
    kind="disk",
    size=100,
    mtime_ns=1,
    owner="v",
    identifier="disk-1",
    read_only=False,
)
IDS = {"a1": "1", "a2": "2"}


def listed(*points: str, complete: bool = True) -> ReferencePointReport:
    made = tuple(ReferencePoint(id=one, run_id=None, created=None, disks=(), complete=complete) for one in points)
    return ReferencePointReport(schema=1, node="n", vm_id="v", reference_points=made, made=None)


def test_the_newest_point_that_is_whole_is_the_base() -> None:
    assert choose_base((POINT, OLDER), listed("p1", "p2", "foreign"), IDS, frozenset()) == POINT
    assert choose_base((POINT, OLDER), listed("p1"), IDS, frozenset()) == OLDER
    assert choose_base((POINT, OLDER), listed("p1", "p2"), IDS, frozenset({"a2"})) == OLDER


@pytest.mark.parametrize(
    ("known", "report", "ids", "suspect", "why"),
    [
        ((), listed(), IDS, (), "no earlier archive"),
        ((POINT,), None, IDS, (), "could not be asked"),
        ((POINT,), listed("foreign"), IDS, (), "its reference point is gone"),
        ((replace(POINT, number=0),), listed("p2"), IDS, (), "the catalog was lost"),
        ((POINT,), listed("p2", complete=False), IDS, (), "unequal length"),
        ((POINT,), listed("p2"), {}, (), "was removed"),
        ((POINT,), listed("p2"), {"a2": "other"}, (), "not the one that was made"),
        ((POINT,), listed("p2"), IDS, ("a2",), "suspect"),
    ],
)
def test_without_a_base_the_reason_is_told(
    known: tuple[KnownPoint, ...],
    report: ReferencePointReport | None,
    ids: dict[str, str],
    suspect: tuple[str, ...],
    why: str,
) -> None:
    assert why in str(choose_base(known, report, ids, frozenset(suspect)))


def test_the_same_disk_is_asked_for_its_changes() -> None:
    wanted = Wanted(archive_path=FILE.archive_path, path=PATH, since="rctX:1", size=90, identifier="disk-1")
    assert match_disks(POINT, (FROZEN,), (FILE,), (replace(FILE, size=90),)) == ((wanted,), ())
    assert match_disks(POINT, (replace(FROZEN, path=PATH.upper()),), (FILE,), (replace(FILE, size=90),))[1] == ()
    assert match_disks(POINT, (FROZEN,), (), (FILE,)) == ((), ()), "no file of this archive"


@pytest.mark.parametrize(
    ("frozen", "now", "before", "why"),
    [
        (replace(FROZEN, controller_location=1), FILE, FILE, "in another place"),
        (replace(FROZEN, controller_type="IDE"), FILE, FILE, "in another place"),
        (replace(FROZEN, chain=(PATH, r"C:\base.vhdx")), FILE, FILE, "chain of its checkpoints"),
        (FROZEN, replace(FILE, identifier="disk-2"), FILE, "was replaced"),
        (FROZEN, FILE, replace(FILE, archive_path="Volume1/other"), "does not hold it"),
        (FROZEN, FILE, replace(FILE, size=None), "does not hold it"),
    ],
)
def test_another_disk_is_read_in_full(frozen: FrozenDisk, now: ArchivedFile, before: ArchivedFile, why: str) -> None:
    wanted, (full,) = match_disks(POINT, (frozen,), (now,), (before,))
    assert wanted == ()
    assert isinstance(full, Full)
    assert why in full.reason


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (r"C:\ClusterStorage\Volume1\db\db.vhd", "only VHDX"),
        (r"C:\ClusterStorage\Volume1\db\db.vhds", "only VHDX"),
        (r"C:\ClusterStorage\Volume2\db\db.vhdx", "its storage moved"),
    ],
)
def test_another_path_or_kind_is_read_in_full(path: str, why: str) -> None:
    _, (full,) = match_disks(POINT, (replace(FROZEN, path=path, chain=(path,)),), (replace(FILE, windows_path=path),), (FILE,))
    assert why in full.reason


def test_changes_of_something_else_are_not_believed() -> None:
    wanted = Wanted(archive_path=FILE.archive_path, path=PATH, since="rctX:1", size=90, identifier="disk-1")
    ranges = (ChangedRange(offset=0, length=65536),)
    report = DiskChangeReport(schema=1, node="n", vm_id="v", path=PATH, since="rctX:1", virtual_size=1 << 20, ranges=ranges)
    assert judge_changes(wanted, report) == ranges
    assert "something else" in str(judge_changes(wanted, replace(report, since="rctX:2")))
    assert "something else" in str(judge_changes(wanted, replace(report, path="C:\\other.vhdx")))
    for wrong in (ChangedRange(offset=-1, length=1), ChangedRange(offset=0, length=0), ChangedRange(offset=1 << 20, length=1)):
        assert "Windows told a change at" in str(judge_changes(wanted, replace(report, ranges=(wrong,))))


def test_a_new_point_keeps_what_both_tell_of() -> None:
    disks = (DiskTracking(path=PATH.lower(), rct_id="rctX:1"),)
    point = ReferencePoint(id="p", run_id=None, created=None, disks=disks, complete=True)
    other = replace(FROZEN, path=r"C:\other.vhdx", controller_location=1)
    assert tracked((FROZEN, other), point) == (TRACKED,)


def test_a_full_read_comes_round_for_each_vm_and_not_for_all_at_once() -> None:
    turns = {
        vm_id: [number for number in range(1, 61) if forced(vm_id, number, 30)] for vm_id in (f"vm-{one}" for one in range(50))
    }
    assert all(len(found) == 2 and found[1] - found[0] == 30 for found in turns.values())
    assert len({found[0] for found in turns.values()}) > 15
    assert forced("vm", 30, 0) is None


def test_only_chunks_of_a_fixed_size_are_taken_over() -> None:
    assert chunker_for(None, "fixed,1048576") == ("fixed,1048576", None)
    assert chunker_for("fixed,4194304", "fixed,1048576") == ("fixed,4194304", None)
    for other in ("buzhash,19,23,21,4095", "default", "fixed,4194304,4096"):
        assert "not fixed,SIZE" in str(chunker_for(other, "x")[1])
