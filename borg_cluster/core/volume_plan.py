"""A volume's archive: everything on it, less the files that VMs' own archives hold. A part of ``backup_plan``; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from borg_cluster.core.archive import CLOCK_SKEW, ArchiveKind, Consistency, archive_name
from borg_cluster.core.assignment import NOTHING_REMEMBERED, Remembered, home_of_volume
from borg_cluster.core.inventory import Inventory, VirtualMachine
from borg_cluster.core.placement import Placed, inside_of, place
from borg_cluster.core.planned import NOWHERE, THIS_RUN, GoodArchive, LeftOut, PlannedArchive, Skipped, Uncovered
from borg_cluster.core.policy import Job, JobKind, Mount, Policy
from borg_cluster.core.selection import NEVER_STORED, choose

_AT_BEST = "crash-consistent for each file at best: files are read one after another"
_RESTING = frozenset({"Off", "Saved"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningRun:
    """What the planning of one run looks at; ``at`` is the time now."""

    inventory: Inventory
    policy: Policy
    good: tuple[GoodArchive, ...]
    at: datetime
    run_id: str
    remembered: Remembered = NOTHING_REMEMBERED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    vm_id: str
    held_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sharing:
    """Who holds what: the VMs' files that mounts reach, the archives that hold them, and why a VM is not covered."""

    placed: tuple[Placed, ...]
    holders: Mapping[str, _Holder]
    doubts: Mapping[str, str]

    def stays(self, placed: Placed) -> bool:
        return placed.file.kind not in NEVER_STORED and placed.file.exists is not False and placed.key not in self.holders


def plan_volumes(
    run: PlanningRun, jobs: tuple[Job, ...], planned: tuple[PlannedArchive, ...], skipped: tuple[Skipped, ...]
) -> tuple[tuple[PlannedArchive, ...], tuple[Skipped, ...], tuple[Uncovered, ...]]:
    """Return the volumes' archives, the volumes without one, and the VMs whose files stay in a volume's archive.

    ``planned`` and ``skipped`` are what became of the VMs in this run.
    """
    chosen, left = _choose(run.policy.mounts, jobs)
    sharing = _share(run, planned, skipped)
    own = tuple(mount for _, mount, _ in chosen)
    archives = tuple(_archive(run, job, mount, reason=reason, own=own, sharing=sharing) for job, mount, reason in chosen)
    return archives, left, tuple(_uncovered(run.policy, own, sharing))


def _choose(mounts: tuple[Mount, ...], jobs: tuple[Job, ...]) -> tuple[list[tuple[Job, Mount, str]], tuple[Skipped, ...]]:
    """Return the mounts to save, each with its job and the reason, and what is not saved."""
    chosen: list[tuple[Job, Mount, str]] = []
    skipped: list[Skipped] = []
    taken: dict[str, str] = {}
    for job in jobs:
        for mount in mounts:
            reason = _wants(job, mount)
            other = taken.get(mount.path.rstrip("/"))
            if reason is None:
                why = "no glob of the job matches its name" if job.volumes else "it is of one node, and the job does not name it"
                skipped.append(_skip(job, mount.name, code="not_selected", reason=why))
            elif other is not None:
                skipped.append(_skip(job, mount.name, code="other_job", reason=f"{other} saves {mount.path} in this run"))
            else:
                taken[mount.path.rstrip("/")] = f"job {job.name}"
                chosen.append((job, mount, reason))
        idle = (glob for glob in job.volumes if not any(_fits(glob, mount) for mount in mounts))
        skipped.extend(_skip(job, glob, code="no_such_volume", reason="no mount has such a name", refused=True) for glob in idle)
    return chosen, tuple(skipped)


def wants_volume(job: Job, mount: Mount) -> bool:
    """Return whether a volumes job saves a mount."""
    return _wants(job, mount) is not None


def _wants(job: Job, mount: Mount) -> str | None:
    """Return why ``job`` wants ``mount``, or None."""
    if not job.volumes:
        return "the job selects every volume" if mount.node is None else None
    return next((f"selected by: {glob}" for glob in job.volumes if _fits(glob, mount)), None)


def _fits(glob: str, mount: Mount) -> bool:
    return mount.name.lower() == glob.lower() or fnmatchcase(mount.name.lower(), glob.lower())


def _skip(job: Job, name: str, *, code: str, reason: str, refused: bool = False) -> Skipped:
    return Skipped(job=job.name, subject=name, name=name, code=code, reason=reason, refused=refused)


def _share(run: PlanningRun, planned: tuple[PlannedArchive, ...], skipped: tuple[Skipped, ...]) -> _Sharing:
    """Find out which archive holds each VM's files: one of this run, or a good one that is young enough."""
    now = {archive.subject: {file.file.archive_path.lower() for file in archive.files} for archive in planned}
    good = {one.vm_id: one for one in run.good}
    refused = {one.subject: f"refused: {one.reason}" for one in skipped if one.refused}
    placed: list[Placed] = []
    holders: dict[str, _Holder] = {}
    doubts: dict[str, str] = {}
    for vm in sorted(run.inventory.virtual_machines, key=lambda vm: (vm.id not in now, vm.id)):
        mine = tuple(place(vm, vm.files, run.policy.mounts))
        placed.extend(mine)
        doubt = None if vm.id in now else _doubt(run, good.get(vm.id))
        if doubt is not None:
            doubts[vm.id] = "; ".join(filter(None, (doubt, refused.get(vm.id))))
            continue
        paths = now.get(vm.id) or {path.lower() for path in good[vm.id].archive_paths}
        holder = _Holder(vm_id=vm.id, held_by=THIS_RUN if vm.id in now else good[vm.id].archive)
        for file in mine:
            # what its own node does not see, its archive can't answer for
            if file.file.exists is not False and file.located.archive_path.lower() in paths:
                holders.setdefault(file.key, holder)
    return _Sharing(placed=tuple(placed), holders=holders, doubts=doubts)


def _doubt(run: PlanningRun, good: GoodArchive | None) -> str | None:
    """Return why a VM's newest good archive doesn't count, or None if it does."""
    if good is None:
        return "it has no archive of its own"
    job = next((job for job in run.policy.jobs if job.name == good.job), None)
    if job is None:
        return f"its newest archive {good.archive} is of job {good.job}, which the configuration no longer has"
    if job.max_age is None:
        return f"its newest archive {good.archive} is of job {good.job}, which has no max_age"
    made = datetime.fromisoformat(good.created_at)
    age = run.at - (made if made.tzinfo else made.replace(tzinfo=UTC))
    if -CLOCK_SKEW <= age <= timedelta(seconds=job.max_age):
        return None
    if age < timedelta(0):
        return f"its newest archive {good.archive} comes from the future"
    promise = _hours(timedelta(seconds=job.max_age))
    return f"its newest archive {good.archive} is {_hours(age)} old; job {job.name} promises {promise}"


def _hours(age: timedelta) -> str:
    return f"{age.total_seconds() / 3600:.1f} h"


def _archive(
    run: PlanningRun, job: Job, mount: Mount, *, reason: str, own: tuple[Mount, ...], sharing: _Sharing
) -> PlannedArchive:
    staying = [placed.vm for placed in sharing.placed if sharing.stays(placed) and inside_of(placed.key, mount.path) is not None]
    live = sorted({vm.name for vm in staying if vm.state not in _RESTING})
    home = home_of_volume(mount, job, run.remembered)
    why = f"it holds live files of {', '.join(live)}" if live else _AT_BEST
    return PlannedArchive(
        kind=ArchiveKind.VOLUME,
        job=job.name,
        repository=home.repository,
        repository_reason=home.reason,
        subject=mount.name,
        name=mount.name,
        node=mount.node,
        archive=archive_name(run.policy.archive_name_format, cluster=run.policy.cluster, subject=mount.name, at=run.at),
        comment=f"volume {mount.name} ({mount.windows}), job {job.name}, run {run.run_id}",
        consistency=Consistency.NONE if live else Consistency.CRASH,
        consistency_reason=why,
        reason=reason,
        files=(),
        roots=((mount.path, mount.name),),
        left_out=(*_left_out(mount, sharing), *_nested(mount, own)),
        warnings=(),
    )


def _left_out(mount: Mount, sharing: _Sharing) -> tuple[LeftOut, ...]:
    left: dict[str, LeftOut] = {}
    for placed in sharing.placed:
        inside = inside_of(placed.key, mount.path)
        if inside is None or placed.key in left:
            continue
        nowhere = _Holder(vm_id=placed.vm.id, held_by=NOWHERE) if placed.file.kind in NEVER_STORED else None
        holder = sharing.holders.get(placed.key, nowhere)
        if holder is not None:
            local = placed.located.local_path
            below = local[len(mount.path.rstrip("/")) + 1 :]
            path = f"{mount.name}/{below}"
            left[placed.key] = LeftOut(local_path=local, archive_path=path, vm_id=holder.vm_id, held_by=holder.held_by)
    return tuple(left[key] for key in sorted(left))


def _nested(mount: Mount, own: tuple[Mount, ...]) -> Iterator[LeftOut]:
    """Yield the folders below that are volumes with archives of their own."""
    for other in own:
        inside = inside_of(other.path.rstrip("/"), mount.path)
        if inside:
            path = f"{mount.name}/{inside}"
            yield LeftOut(local_path=other.path.rstrip("/"), archive_path=path, vm_id="", held_by=f"the archive of {other.name}")


def _uncovered(policy: Policy, own: tuple[Mount, ...], sharing: _Sharing) -> Iterator[Uncovered]:
    staying: dict[str, list[Placed]] = {}
    for placed in sharing.placed:
        if sharing.stays(placed) and any(inside_of(placed.key, mount.path) is not None for mount in own):
            staying.setdefault(placed.vm.id, []).append(placed)
    for vm_id, files in sorted(staying.items(), key=lambda item: (item[1][0].vm.name.lower(), item[0])):
        missing = f"its own archive does not hold {files[0].file.path}" + (f" and {len(files) - 1} more" if files[1:] else "")
        vm = files[0].vm
        wanted = _is_wanted(vm, policy)
        doubt = sharing.doubts.get(vm_id, missing)
        reason = doubt if wanted else "no job wants an archive of its own for it"
        yield Uncovered(subject=vm_id, name=vm.name, reason=reason, by_choice=not wanted)


def _is_wanted(vm: VirtualMachine, policy: Policy) -> bool:
    """Return whether any job of the configuration, due now or not, wants an archive of the VM's own."""
    jobs = (job for job in policy.jobs if job.kind is JobKind.VIRTUAL_MACHINES)
    return any(choose(vm, job.select, policy.mounts).wanted for job in jobs)
