"""The plan, case by case: who is in, out or refused, and why; what a volume leaves out, and what stays in it."""

from dataclasses import replace
from typing import Any

import pytest

from borg_cluster.core.archive import ArchiveKind, Consistency
from borg_cluster.core.backup_plan import BackupPlan, GoodArchive, PlannedArchive, keep_files_of, plan_backup
from borg_cluster.core.inventory import FileKind, Finding, FindingCode, Severity, VirtualMachine
from borg_cluster.core.planned import NOWHERE, THIS_RUN
from borg_cluster.core.policy import Condition, Job, JobKind, WantedConsistency
from borg_cluster.core.selection import without_room
from borg_cluster.errors import UsageError
from tests import reports
from tests.plan_strategies import AT, disk, good_archive, inventory, job, machine, owned, policy

V1 = r"C:\ClusterStorage\Volume1"
WEB = machine(1, "web[1]*", (owned(rf"{V1}\web\web.vhdx"), owned(rf"{V1}\web\web.vmcx"), owned(rf"{V1}\web\web.rct")))
OTHER = machine(2, "other", (owned(rf"{V1}\other\other.vhdx"),), highly_available=False, state="Off", tags=("nobackup", "lab"))
NIGHTLY = job("nightly")
WEEKLY = job("weekly", JobKind.VOLUMES, volumes=("Volume1",))


def plan(
    *machines: VirtualMachine,
    jobs: tuple[Job, ...] = (NIGHTLY, WEEKLY),
    run: tuple[str, ...] = (),
    good: tuple[GoodArchive, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> BackupPlan:
    return plan_backup(inventory(*machines, findings=findings), policy(*jobs), jobs=run, good=good, at=AT, run_id="run-1")


def volume(made: BackupPlan) -> PlannedArchive:
    (archive,) = [one for one in made.archives if one.kind is ArchiveKind.VOLUME]
    return archive


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        (Condition(name="WEB*"), {"web[1]*"}),
        (Condition(name="web[1]*"), {"web[1]*"}),
        (Condition(name="web[[]1]?"), {"web[1]*"}),
        (Condition(id="{00000000-0000-0000-0000-000000000002}"), {"other"}),
        (Condition(node="NODE1"), {"web[1]*", "other"}),
        (Condition(node="node2"), set()),
        (Condition(volume="volume?"), {"web[1]*", "other"}),
        (Condition(highly_available=False), {"other"}),
        (Condition(tag="#Lab"), {"other"}),
        (Condition(name="web*", highly_available=False), set()),
    ],
)
def test_a_condition_selects_by_all_its_keys(condition: Condition, names: set[str]) -> None:
    made = plan(WEB, OTHER, jobs=(job("nightly", include=(condition,)),))
    assert {archive.name for archive in made.archives} == names
    assert {archive.reason for archive in made.archives} <= {f"selected by: {condition.render()}"}
    assert {one.code for one in made.skipped} <= {"not_selected"}


def test_an_exclusion_goes_before_any_inclusion() -> None:
    made = plan(WEB, OTHER, jobs=(job("nightly", include=(Condition(name="*"),), exclude=(Condition(tag="nobackup"),)),))
    assert [archive.name for archive in made.archives] == ["web[1]*"]
    (skipped,) = made.skipped
    assert (skipped.name, skipped.code, skipped.reason, skipped.refused) == (
        "other",
        "excluded",
        "excluded by: tag nobackup",
        False,
    )


def test_a_node_is_known_by_its_short_name_too() -> None:
    full = machine(1, "web", (owned(rf"{V1}\a.vhdx"),), node="node2.example.test", nodes=("node2.example.test",))
    made = plan(full, jobs=(job("nightly", include=(Condition(node="node2"),)),))
    assert len(made.archives) == 1


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"nodes": ()}, "no_node_reports_it", "no node reports it"),
        ({"files": ()}, "no_files", "no file"),
        ({"state": "OffCritical"}, "storage_critical", "OffCritical"),
        ({"disks": (disk("x", disk_number=3),)}, "pass_through", "SCSI 0:0"),
        ({"disks": (disk("x", shared=True),)}, "shared_disk", "shared"),
        ({"disks": (disk("x", chain_error="0xC03A000D"),)}, "chain_broken", "0xC03A000D"),
        ({"disks": (disk(r"C:\gone.vhdx", exists=False),)}, "disk_missing", r"C:\gone.vhdx"),
        ({"files": (owned(rf"{V1}\gone.vmcx", exists=False), owned(rf"{V1}\a.vhdx"))}, "configuration_missing", "gone.vmcx"),
        ({"files": (owned(r"Q:\far.vhdx"), owned(rf"{V1}\a.vhdx"))}, "not_mapped", r"Q:\far.vhdx"),
        ({"files": (owned(r"Q:\a.vhdx"), owned(r"Q:\b.vhdx"))}, "not_mapped", r"Q:\a.vhdx and 1 more of its files"),
    ],
)
def test_what_can_not_be_saved_truthfully_is_refused(changes: dict[str, Any], code: str, words: str) -> None:
    fields = {"files": WEB.files} | changes
    made = plan(machine(1, "web", fields.pop("files"), **fields))
    (skipped,) = [one for one in made.skipped if one.subject == WEB.id]
    assert (skipped.code, skipped.refused) == (code, True)
    assert words in skipped.reason
    assert [archive.kind for archive in made.archives] == [ArchiveKind.VOLUME]


def test_a_job_that_takes_none_of_what_there_is_is_idle() -> None:
    nobody = job("mistyped", include=(Condition(name="wbe*"),))
    made = plan(WEB, OTHER, jobs=(NIGHTLY, nobody, WEEKLY))
    assert made.idle == ("mistyped",)
    refused = plan(machine(1, "web", WEB.files, state="OffCritical"), jobs=(NIGHTLY,))
    assert refused.idle == (), "what it takes is refused, and told as such"


@pytest.mark.parametrize(
    ("free", "where", "lacks"),
    [(1 << 29, V1, True), (1 << 30, V1, False), (None, V1, False), (1 << 29, r"C:\ClusterStorage\Volume11", False)],
)
def test_a_vm_is_in_danger_where_a_volume_of_its_own_disks_is_known_to_have_no_room(
    free: int | None, where: str, lacks: bool
) -> None:
    vm = machine(1, "web", WEB.files, disks=(disk(rf"{V1.lower()}\web\web.vhdx"), disk("pass-through", disk_number=3)))
    found = without_room(vm, (replace(reports.volume(), path=where, free=free),))
    assert (found is not None) == lacks
    if found is not None:
        assert found.startswith(f"{where} has 0.5 GiB left")


def test_storage_that_only_the_configuration_knows_of_refuses_the_vms_that_it_names() -> None:
    told = replace(policy(NIGHTLY), guest_storage=(Condition(tag="lab"), Condition(name="nobody")))
    made = plan_backup(inventory(WEB, OTHER), told, jobs=(), good=(), at=AT, run_id="run-1")
    assert [archive.name for archive in made.archives] == ["web[1]*"]
    (refused,) = [one for one in made.skipped if one.refused]
    assert (refused.name, refused.code) == ("other", "guest_storage")
    assert "guest_storage of the configuration: tag lab" in refused.reason


def test_a_finding_refuses_with_its_own_words_and_every_reason_is_told() -> None:
    finding = Finding(code=FindingCode.CHECKPOINT_ORPHANED, severity=Severity.ERROR, subject=WEB.id, message="orphan web_1.avhdx")
    doubtful = machine(1, "web", WEB.files, state="PausedCritical")
    (skipped,) = [one for one in plan(doubtful, findings=(finding,)).skipped if one.refused]
    assert skipped.code == "storage_critical"
    assert skipped.reason.endswith("; orphan web_1.avhdx")


def test_an_iso_that_is_gone_is_a_warning() -> None:
    made = plan(machine(1, "web", (*WEB.files, owned(rf"{V1}\gone.iso", exists=False))), jobs=(NIGHTLY,))
    assert made.archives[0].warnings == (rf"{V1}\gone.iso is listed but not there",)
    assert len(made.archives[0].files) == 2


@pytest.mark.parametrize(
    ("state", "consistency"),
    [
        ("Running", None),
        ("Paused", None),
        ("Off", Consistency.OFFLINE),
        ("Saved", Consistency.OFFLINE),
        (None, None),
    ],
)
@pytest.mark.parametrize("wanted", WantedConsistency)
def test_consistency_is_what_the_job_wants_of_a_vm_that_is_not_off(
    state: str | None, consistency: Consistency | None, wanted: WantedConsistency
) -> None:
    (archive,) = plan(machine(1, "web", WEB.files, state=state), jobs=(replace(NIGHTLY, consistency=wanted),)).archives
    assert archive.consistency is (consistency or Consistency(wanted.value))
    assert archive.consistency_reason


def test_the_first_of_two_jobs_takes_a_vm() -> None:
    made = plan(WEB, jobs=(NIGHTLY, job("again")))
    assert [(archive.name, archive.job) for archive in made.archives] == [("web[1]*", "nightly")]
    (skipped,) = made.skipped
    assert (skipped.job, skipped.code, skipped.refused) == ("again", "other_job", False)
    assert "nightly" in skipped.reason


def test_a_vm_archive_lists_files_as_archives_call_them() -> None:
    (archive,) = plan(WEB, jobs=(NIGHTLY,)).archives
    assert [(file.local_path, file.file.archive_path) for file in archive.files] == [
        ("/mnt/hv/Volume1/web/web.vhdx", "Volume1/web/web.vhdx"),
        ("/mnt/hv/Volume1/web/web.vmcx", "Volume1/web/web.vmcx"),
    ]
    assert archive.archive == f"hv.example.test-{WEB.id}-2026-11-22T02:00:00Z"
    assert "web[1]*" in archive.comment


def test_a_volume_leaves_out_what_this_run_holds_and_what_nobody_needs() -> None:
    left = {one.archive_path: one.held_by for one in volume(plan(WEB)).left_out}
    assert left == {"Volume1/web/web.vhdx": THIS_RUN, "Volume1/web/web.vmcx": THIS_RUN, "Volume1/web/web.rct": NOWHERE}


@pytest.mark.parametrize(
    ("good", "staying"),
    [
        ((), "it has no archive of its own"),
        ((good_archive(WEB, hours=25),), None),
        ((good_archive(WEB, hours=27),), "27.0 h old; job nightly promises 26.0 h"),
        ((good_archive(WEB, hours=-2),), "comes from the future"),
        ((good_archive(WEB, hours=1, job="dropped"),), "of job dropped, which the configuration no longer has"),
        ((good_archive(WEB, hours=1, less=2),), r"does not hold C:\ClusterStorage\Volume1\web\web.vmcx"),
    ],
)
def test_a_volume_alone_leaves_out_what_young_archives_really_hold(good: tuple[GoodArchive, ...], staying: str | None) -> None:
    made = plan(WEB, run=("weekly",), good=good)
    (archive,) = made.archives
    assert all(one.held_by in {f"old-{WEB.id}", NOWHERE} for one in archive.left_out)
    if staying is None:
        assert len(archive.left_out) == 3
        assert made.uncovered == ()
        assert archive.consistency is Consistency.CRASH
    else:
        (uncovered,) = made.uncovered
        assert staying in uncovered.reason
        assert archive.consistency is Consistency.NONE
        assert "web[1]*" in archive.consistency_reason


def test_a_job_without_max_age_promises_nothing() -> None:
    made = plan(WEB, jobs=(job("nightly", max_age=None), WEEKLY), run=("weekly",), good=(good_archive(WEB, hours=1),))
    assert "which has no max_age" in made.uncovered[0].reason


def test_a_refused_vm_stays_in_the_volume_and_says_so_twice() -> None:
    made = plan(machine(1, "web", WEB.files, state="OffCritical"))
    (uncovered,) = made.uncovered
    assert "refused: its state is OffCritical" in uncovered.reason
    assert {one.held_by for one in volume(made).left_out} == {NOWHERE}


def test_a_shared_parent_is_in_each_vms_archive_and_not_in_the_volumes() -> None:
    parent = owned(rf"{V1}\golden.vhdx", kind=FileKind.PARENT_DISK)
    one, two = machine(1, "one", (parent, owned(rf"{V1}\1.vhdx"))), machine(2, "two", (parent, owned(rf"{V1}\2.vhdx")))
    made = plan(one, two)
    assert [sum(file.file.archive_path.endswith("golden.vhdx") for file in archive.files) for archive in made.archives] == [
        1,
        1,
        0,
    ]
    assert "Volume1/golden.vhdx" in {left.archive_path for left in volume(made).left_out}
    half = plan(one, two, jobs=(job("nightly", include=(Condition(name="one"),)), WEEKLY))
    assert "Volume1/golden.vhdx" in {left.archive_path for left in volume(half).left_out}
    neither = plan(one, two, run=("weekly",))
    assert volume(neither).left_out == ()
    failed = frozenset({one.id})
    assert "Volume1/golden.vhdx" in {left.archive_path for left in keep_files_of(failed, volume(made), made).left_out}
    assert "Volume1/1.vhdx" not in {left.archive_path for left in keep_files_of(failed, volume(made), made).left_out}
    both = frozenset({one.id, two.id})
    assert keep_files_of(both, volume(made), made).left_out == ()


def test_one_folder_under_two_names_is_saved_once_and_a_volume_below_apart() -> None:
    made = plan(WEB, jobs=(job("weekly", JobKind.VOLUMES),))
    assert [archive.name for archive in made.archives] == ["Volume1", "Volume 2 {}", "sub"]
    assert {(one.name, one.code) for one in made.skipped} == {("vms", "other_job"), ("node1-d", "not_selected")}
    assert next(one.reason for one in made.skipped if one.name == "node1-d") == "it is of one node, and the job does not name it"
    first = made.archives[0]
    assert [(left.local_path, left.vm_id) for left in first.left_out if left.held_by == "the archive of sub"] == [
        ("/mnt/hv/Volume1/sub", "")
    ]
    named = plan(jobs=(job("weekly", JobKind.VOLUMES, volumes=("node1-D",)),))
    assert [archive.roots for archive in named.archives] == [(("/mnt/node1", "node1-d"),)]


def test_a_volume_that_is_not_there_is_refused() -> None:
    (skipped, *_) = [one for one in plan(jobs=(job("weekly", JobKind.VOLUMES, volumes=("Volum3*",)),)).skipped if one.refused]
    assert (skipped.code, skipped.name) == ("no_such_volume", "Volum3*")


def test_an_unknown_job_names_the_near_one() -> None:
    with pytest.raises(UsageError, match="has no job nigthly") as error:
        plan(run=("nigthly",))
    assert error.value.hint == "did you mean nightly?"


def test_names_stay_apart_when_the_format_does_not_tell_them_apart() -> None:
    made = plan_backup(
        inventory(WEB, OTHER), policy(NIGHTLY, archive_name_format="a b/{x}-{now}"), jobs=(), good=(), at=AT, run_id=""
    )
    first, second = (archive.archive for archive in made.archives)
    assert first == "a_b__x_-2026-11-22T02:00:00Z"
    assert second == f"{first}_2"
