"""The law of the plan: over all archives of a run, each pair of file and owner is held exactly once; and so are other files."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import given, settings

from borg_cluster.core.archive import CHECKPOINT_SUFFIX, ArchiveKind
from borg_cluster.core.backup_plan import BackupPlan, GoodArchive, PlannedArchive, keep_files_of, plan_backup
from borg_cluster.core.inventory import FileKind, Inventory, VirtualMachine
from borg_cluster.core.policy import JobKind, Policy, locate
from tests.plan_strategies import AT, runs

NEVER = {FileKind.CHANGE_TRACKING, FileKind.SMART_PAGING}
Run = tuple[Inventory, Policy, tuple[GoodArchive, ...], tuple[str, ...]]


def planned(run: Run) -> BackupPlan:
    inventory, policy, good, jobs = run
    return plan_backup(inventory, policy, jobs=jobs, good=good, at=AT, run_id="run")


def volumes_holding(plan: BackupPlan, path: str) -> int:
    """Return how many volume archives hold a local path: below a root, and not left out, nor any folder above it."""
    return sum(
        1
        for archive in plan.archives
        for root, _ in archive.roots
        if path.startswith(root.rstrip("/") + "/")
        and not any(
            path.lower() == left.local_path.lower() or path.lower().startswith(left.local_path.lower() + "/")
            for left in archive.left_out
        )
    )


def is_on_a_volume(plan: BackupPlan, path: str) -> bool:
    return any(path.startswith(root.rstrip("/") + "/") for archive in plan.archives for root, _ in archive.roots)


def holds(run: Run, plan: BackupPlan, vm: VirtualMachine, path: str) -> int:
    """Return how often a VM's own archives hold a local path: of this run, or good and young enough.

    A path that the VM's own node calls absent stands for nothing, though another path of the same file may be there.
    """
    _, policy, good, _ = run
    own = [archive for archive in plan.archives if archive.subject == vm.id]
    if own:
        return sum(1 for archive in own for file in archive.files if file.local_path.lower() == path.lower())
    places = (locate(file.path, policy.mounts, node=vm.node) for file in vm.files if file.exists is not False)
    paths = {place.archive_path.lower() for place in places if place is not None and place.local_path.lower() == path.lower()}
    for one in good:
        job = next((job for job in policy.jobs if job.name == one.job), None)
        age = AT - datetime.fromisoformat(one.created_at)
        young = job is not None and job.max_age is not None and timedelta(0) <= age <= timedelta(seconds=job.max_age)
        if one.vm_id == vm.id and young:
            return int(bool(paths & {known.lower() for known in one.archive_paths}))
    return 0


@given(runs())
@settings(max_examples=300, deadline=None)
def test_every_file_is_held_once_for_every_owner(run: Run) -> None:
    inventory, policy, _, _ = run
    plan = planned(run)
    owners: dict[str, list[VirtualMachine]] = {}
    uncovered = set()
    for vm in inventory.virtual_machines:
        for file in vm.files:
            place = locate(file.path, policy.mounts, node=vm.node)
            if place is None or file.exists is False:
                continue
            if file.kind in NEVER:
                assert holds_planned(plan, place.local_path) == 0
                assert volumes_holding(plan, place.local_path) == 0
            elif vm not in owners.setdefault(place.local_path.lower(), []):
                owners[place.local_path.lower()].append(vm)
    for path, its in owners.items():
        spelled = next(
            place.local_path
            for vm in its
            for file in vm.files
            if (place := locate(file.path, policy.mounts, node=vm.node)) is not None and place.local_path.lower() == path
        )
        in_own = {vm.id: holds(run, plan, vm, spelled) for vm in its}
        assert set(in_own.values()) <= {0, 1}
        in_volumes = volumes_holding(plan, spelled)
        if any(in_own.values()):
            assert in_volumes == 0
        elif is_on_a_volume(plan, spelled):
            assert in_volumes == 1
            uncovered |= set(in_own)
    assert {one.subject for one in plan.uncovered} == uncovered


def holds_planned(plan: BackupPlan, path: str) -> int:
    return sum(1 for archive in plan.archives for file in archive.files if file.local_path == path)


@given(runs())
@settings(max_examples=150, deadline=None)
def test_nobodys_files_are_held_once_by_the_volume_that_is_saved(run: Run) -> None:
    plan = planned(run)
    for stray in ("/mnt/hv/Volume1/stray", "/mnt/hv/Volume1/sub/stray", "/mnt/x/stray", "/mnt/node1/stray"):
        assert volumes_holding(plan, stray) == int(is_on_a_volume(plan, stray))


@given(runs())
@settings(max_examples=150, deadline=None)
def test_every_wanted_vm_has_one_archive_or_one_refusal(run: Run) -> None:
    inventory, policy, _, jobs = run
    plan = planned(run)
    machines = Counter(archive.subject for archive in plan.archives if archive.kind is ArchiveKind.VIRTUAL_MACHINE)
    refused = Counter(one.subject for one in plan.skipped if one.refused and one.code != "no_such_volume")
    assert max((machines + refused).values(), default=1) == 1
    vm_jobs = {job.name for job in policy.jobs if job.kind is JobKind.VIRTUAL_MACHINES and (not jobs or job.name in jobs)}
    for vm in inventory.virtual_machines:
        told = [one.job for one in plan.skipped if one.subject == vm.id]
        told += [archive.job for archive in plan.archives if archive.subject == vm.id]
        assert Counter(told) == Counter(vm_jobs)
    reasons = (
        [one.reason for one in plan.skipped] + [one.reason for one in plan.uncovered] + [one.reason for one in plan.archives]
    )
    assert all(reasons)


@given(runs())
@settings(max_examples=150, deadline=None)
def test_names_are_distinct_short_and_plain(run: Run) -> None:
    plan = planned(run)
    names = [archive.archive for archive in plan.archives]
    assert len(set(names)) == len(names)
    for name in names:
        assert len((name + CHECKPOINT_SUFFIX).encode()) < 200
        assert not set("/{} \n") & set(name)
        assert name.endswith("-2026-11-22T02:00:00Z")


@given(runs())
@settings(max_examples=150, deadline=None)
def test_a_plan_does_not_depend_on_the_order_of_what_is_known(run: Run) -> None:
    inventory, policy, good, jobs = run
    turned = type(inventory)(
        **{field: getattr(inventory, field) for field in inventory.__dataclass_fields__ if field != "virtual_machines"},
        virtual_machines=tuple(reversed(inventory.virtual_machines)),
    )
    assert plan_backup(turned, policy, jobs=jobs, good=good[::-1], at=AT, run_id="run") == planned(run)


@given(runs())
@settings(max_examples=150, deadline=None)
def test_files_of_an_archive_that_failed_come_back_into_the_volume(run: Run) -> None:
    plan = planned(run)
    machines = [archive for archive in plan.archives if archive.kind is ArchiveKind.VIRTUAL_MACHINE]
    failed = frozenset(archive.subject for archive in machines[::2])
    kept = tuple(
        keep_files_of(failed, archive, plan) if archive.kind is ArchiveKind.VOLUME else archive
        for archive in plan.archives
        if archive.subject not in failed
    )
    after = type(plan)(
        cluster=plan.cluster, run_id=plan.run_id, at=plan.at, archives=kept, skipped=plan.skipped, uncovered=plan.uncovered
    )
    for archive in machines:
        for file in archive.files:
            if archive.subject in failed and is_on_a_volume(plan, file.local_path):
                others = sum(holds_planned_by(one, file.local_path) for one in kept)
                elsewhere = bool(others) or left_by_good(after, file.local_path)
                assert volumes_holding(after, file.local_path) == int(not elsewhere)


def holds_planned_by(archive: PlannedArchive, path: str) -> int:
    return sum(1 for file in archive.files if file.local_path.lower() == path.lower())


def left_by_good(plan: BackupPlan, path: str) -> bool:
    """Return whether an earlier archive of another owner holds the file."""
    left = (one for archive in plan.archives for one in archive.left_out)
    return any(one.local_path.lower() == path.lower() and one.held_by.startswith("old-") for one in left)
