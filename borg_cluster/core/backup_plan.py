"""What to save: plan_backup(inventory, policy, ...) -> BackupPlan. Pure."""

from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches

from borg_cluster.core.archive import ArchivedFile, ArchiveKind, Consistency, archive_name, distinct_names
from borg_cluster.core.assignment import NOTHING_REMEMBERED, Remembered, home_of_vm
from borg_cluster.core.inventory import Inventory, VirtualMachine
from borg_cluster.core.placement import Placed, place
from borg_cluster.core.planned import (
    THIS_RUN,
    BackupPlan,
    GoodArchive,
    LeftOut,
    PlannedArchive,
    PlannedFile,
    Skipped,
    Uncovered,
)
from borg_cluster.core.policy import Job, JobKind, Policy, WantedConsistency
from borg_cluster.core.selection import NEVER_STORED, choose, refuse, stored_files
from borg_cluster.core.volume_plan import PlanningRun, plan_volumes
from borg_cluster.errors import UsageError

__all__ = [
    "BackupPlan",
    "GoodArchive",
    "LeftOut",
    "PlannedArchive",
    "PlannedFile",
    "Skipped",
    "Uncovered",
    "consistency_of",
    "keep_files_of",
    "plan_backup",
]

_POINTS = {
    WantedConsistency.APPLICATION: "a recovery snapshot for which the guest writes out what it holds",
    WantedConsistency.CRASH: "a recovery snapshot of all disks at one moment",
    WantedConsistency.NONE: "read from live files, as its job says (consistency: none)",
}


def plan_backup(  # noqa: PLR0913 - all that a plan is made of
    inventory: Inventory,
    policy: Policy,
    *,
    jobs: tuple[str, ...],
    good: tuple[GoodArchive, ...],
    at: datetime,
    run_id: str,
    remembered: Remembered = NOTHING_REMEMBERED,
) -> BackupPlan:
    """Return what a run of ``jobs`` (empty: all of the configuration) will save, in the configuration's order, VMs first.

    ``good`` are the newest good archives of the cluster's VMs; ``at`` is the time now (with a time zone);
    ``remembered`` tells where subjects are, for jobs that share them out among repositories. Raises UsageError for
    a job that the configuration does not have.
    """
    now = at.astimezone(UTC)
    run = PlanningRun(inventory=inventory, policy=policy, good=good, at=now, run_id=run_id, remembered=remembered)
    wanted = _jobs(policy, jobs)
    archives, skipped = _plan_virtual_machines(run, tuple(job for job in wanted if job.kind is JobKind.VIRTUAL_MACHINES))
    volume_jobs = tuple(job for job in wanted if job.kind is JobKind.VOLUMES)
    volumes, skipped_volumes, uncovered = plan_volumes(run, volume_jobs, archives, skipped)
    every = (*archives, *volumes)
    names = distinct_names(tuple(archive.archive for archive in every))
    return BackupPlan(
        cluster=policy.cluster,
        run_id=run_id,
        at=run.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        archives=tuple(replace(archive, archive=name) for archive, name in zip(every, names, strict=True)),
        skipped=(*skipped, *skipped_volumes),
        uncovered=uncovered,
    )


def consistency_of(state: str | None, wanted: WantedConsistency) -> tuple[Consistency, str]:
    """Return the consistency that an archive of a VM in ``state`` (Windows' word) shall have by its job, and why."""
    if state in {"Off", "Saved"}:
        return Consistency.OFFLINE, f"the virtual machine is {state.lower()}: nothing writes"
    return Consistency(wanted.value), _POINTS[wanted]


def keep_files_of(failed: frozenset[str], planned: PlannedArchive, plan: BackupPlan) -> PlannedArchive:
    """Return a volume's archive with the files of VMs kept in whose archives were planned in this run but not made.

    ``failed`` are VM ids. A file that another VM's archive of this run holds as well stays left out.
    """
    made = (one for one in plan.archives if one.kind is ArchiveKind.VIRTUAL_MACHINE and one.subject not in failed)
    held = {file.local_path.lower() for archive in made for file in archive.files}
    left_out = tuple(
        file
        for file in planned.left_out
        if file.held_by != THIS_RUN or file.vm_id not in failed or file.local_path.lower() in held
    )
    return replace(planned, left_out=left_out)


def _jobs(policy: Policy, names: tuple[str, ...]) -> tuple[Job, ...]:
    known = [job.name for job in policy.jobs]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the jobs are: {', '.join(known) or 'none'}"
            raise UsageError(f"the configuration has no job {name}", hint=hint)
    chosen = tuple(job for job in policy.jobs if not names or job.name in names)
    if all(job.kind is JobKind.DISCOVERY for job in policy.jobs):
        raise UsageError("the configuration has no job that makes archives", hint="jobs: says what is backed up; see README.md")
    looks = next((job.name for job in chosen if job.kind is JobKind.DISCOVERY), None)
    if names and looks is not None:
        raise UsageError(f"the job {looks} makes no archives: it asks the cluster", hint=f"borg-cluster run {looks}")
    return chosen


def _plan_virtual_machines(run: PlanningRun, jobs: tuple[Job, ...]) -> tuple[tuple[PlannedArchive, ...], tuple[Skipped, ...]]:
    archives: list[PlannedArchive] = []
    skipped: list[Skipped] = []
    taken: dict[str, str] = {}
    vms = sorted(run.inventory.virtual_machines, key=lambda vm: (vm.name.lower(), vm.id))
    for job in jobs:
        for vm in vms:
            choice = choose(vm, job.select, run.policy.mounts)
            other = taken.get(vm.id)
            if not choice.wanted:
                skipped.append(_skip(job, vm, code=choice.code, reason=choice.reason))
            elif other is not None:
                skipped.append(_skip(job, vm, code="other_job", reason=f"job {other} takes care of it in this run"))
            else:
                taken[vm.id] = job.name
                refusal = refuse(vm, run.inventory.findings, run.policy)
                if refusal is None:
                    archives.append(_vm_archive(run, job, vm, reason=choice.reason))
                else:
                    skipped.append(_skip(job, vm, code=refusal.code, reason=refusal.reason, refused=True))
    return tuple(archives), tuple(skipped)


def _skip(job: Job, vm: VirtualMachine, *, code: str, reason: str, refused: bool = False) -> Skipped:
    return Skipped(job=job.name, subject=vm.id, name=vm.name, code=code, reason=reason, refused=refused)


def _vm_archive(run: PlanningRun, job: Job, vm: VirtualMachine, *, reason: str) -> PlannedArchive:
    consistency, why = consistency_of(vm.state, job.consistency)
    home = home_of_vm(vm, job, run.remembered, run.policy.mounts)
    files: dict[str, PlannedFile] = {}
    for placed in place(vm, stored_files(vm), run.policy.mounts):
        files.setdefault(placed.key, _planned_file(placed))
    return PlannedArchive(
        kind=ArchiveKind.VIRTUAL_MACHINE,
        job=job.name,
        repository=home.repository,
        repository_reason=home.reason,
        subject=vm.id,
        name=vm.name,
        node=vm.node,
        archive=archive_name(run.policy.archive_name_format, cluster=run.policy.cluster, subject=vm.id, at=run.at),
        comment=f"{vm.name} on {vm.node}, job {job.name}, run {run.run_id}",
        consistency=consistency,
        consistency_reason=why,
        reason=reason,
        files=tuple(files.values()),
        roots=(),
        left_out=(),
        warnings=_warnings(vm),
    )


def _warnings(vm: VirtualMachine) -> tuple[str, ...]:
    absent = (file.path for file in vm.files if file.exists is False and file.kind not in NEVER_STORED)
    warnings = [f"{path} is listed but not there" for path in absent]
    if len(vm.nodes) > 1:
        warnings.append(f"it is registered on several nodes: {', '.join(vm.nodes)}")
    return tuple(warnings)


def _planned_file(placed: Placed) -> PlannedFile:
    file = placed.file
    archived = ArchivedFile(
        archive_path=placed.located.archive_path,
        windows_path=file.path,
        kind=file.kind.value,
        size=file.size,
        mtime_ns=None,
        owner=placed.vm.id,
        identifier=file.identifier,
        read_only=file.read_only,
    )
    return PlannedFile(local_path=placed.located.local_path, file=archived)
