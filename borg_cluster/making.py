"""One archive of a run, from its turn to its end: a VM that is found, claimed and frozen, or a volume; several at once."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC
from threading import Lock

from borg_cluster import __version__
from borg_cluster.archiving import Writing, make_archive
from borg_cluster.borg import Borg
from borg_cluster.command_hook import CommandSkipped, commands_around
from borg_cluster.context import Context
from borg_cluster.core.archive import CHECKPOINT_SUFFIX, MANIFEST_SCHEMA, ArchiveKind, Manifest
from borg_cluster.core.backup_plan import keep_files_of
from borg_cluster.core.event import ArchiveFailed, Warned
from borg_cluster.core.inventory import VirtualMachine
from borg_cluster.core.planned import THIS_RUN, BackupPlan, LeftOut, PlannedArchive, Skipped
from borg_cluster.core.policy import Job, locate
from borg_cluster.core.retry import Fault, fault_of
from borg_cluster.errors import BorgClusterError, FrozenChanged, Refused
from borg_cluster.frozen_files import Frozen
from borg_cluster.reference_points import ReferencePoints
from borg_cluster.retrying import Patience
from borg_cluster.run_record import RunRecord, Unfinished
from borg_cluster.snapshot import Freezer
from borg_cluster.source import open_source
from borg_cluster.whereabouts import Whereabouts, claimed, release

VERB = "create"
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Count:
    """What became of a run so far; several threads add. ``failed`` and ``without`` (no archive of this run) are subjects."""

    context: Context
    done: int = 0
    warnings: int = 0
    failed: set[str] = field(default_factory=set)
    without: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def missing(self) -> frozenset[str]:
        """Return the subjects that have no archive of this run, as far as is known by now."""
        with self._lock:
            return frozenset(self.without)

    def end(self, warnings: int) -> None:
        """Count an archive that stands."""
        with self._lock:
            self.done += 1
            self.warnings += warnings

    def warn(self, subject: str, message: str) -> None:
        """Tell a warning."""
        with self._lock:
            self.warnings += 1
        self.context.emit(Warned(subject=subject, message=message, hint=None))

    def skip(self, subject: str, message: str, archives: tuple[PlannedArchive, ...]) -> None:
        """Tell that a command before it wants no such archives."""
        with self._lock:
            self.without |= {archive.subject for archive in archives}
        self.warn(subject, message)

    def fail(self, subject: PlannedArchive | Skipped, error: Exception) -> None:
        """Tell that a subject has no archive from this run."""
        if isinstance(error, BorgClusterError):
            reason, hint = error.message, error.hint
        else:
            reason, hint = f"{type(error).__name__}: {error}", None
        if not isinstance(error, BorgClusterError | OSError):
            _log.error("%s: unexpected error", subject.name, exc_info=error)
        with self._lock:
            self.failed.add(subject.subject)
            self.without.add(subject.subject)
        self.context.emit(
            ArchiveFailed(
                job=subject.job,
                subject=subject.subject,
                name=subject.name,
                reason=reason,
                hint=hint,
                refused=isinstance(error, Refused),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What the archives of one run are made with; ``dead`` are the records of runs that died."""

    context: Context
    plan: BackupPlan
    record: RunRecord
    dead: tuple[RunRecord, ...]
    whereabouts: Whereabouts
    freezer: Freezer
    repositories: Mapping[str, Borg]
    closed: Mapping[str, BorgClusterError]
    count: Count
    patience: Patience
    stale: set[str] = field(default_factory=set)
    """Archives that were refused by what the inventory says, which may have passed."""
    told: dict[str, tuple[LeftOut, ...]] = field(default_factory=dict)
    """What volumes' archives leave out, as it was warned of."""

    def attempt(self, planned: PlannedArchive) -> float | None:
        """Make one archive; whatever happens to it, the run goes on.

        Returns the seconds after which it is to be tried again; None: it has ended.
        """
        if planned.repository in self.closed:
            self.count.fail(planned, self.closed[planned.repository])
            return None
        machine = planned.kind is ArchiveKind.VIRTUAL_MACHINE
        variables = {
            "run_id": self.plan.run_id,
            "job": planned.job,
            "name": planned.name,
            "vm" if machine else "volume": planned.name,
            "subject": planned.subject,
            "node": planned.node or "",
            "archive": planned.archive,
        }
        scope = "vm" if machine else "volume"
        try:
            self._clear_last_try(planned)
            with commands_around(self.context, verb=VERB, scope=scope, variables=variables):
                warnings = self._archive_vm(planned) if machine else self._archive_volume(planned)
        except CommandSkipped as skipped:
            self.count.skip(planned.subject, f"{planned.name}: {skipped}", (planned,))
        except Exception as error:  # noqa: BLE001 - a plugin's source may raise anything; the others must still be saved
            seconds = self.patience.after(error, key=planned.archive, subject=planned.subject, name=planned.name)
            if seconds is not None:
                if fault_of(error) is Fault.MERGING:
                    self.stale.add(planned.archive)
                return seconds
            self.count.fail(planned, error)
        else:
            self.count.end(len(warnings))
            self._remove_leftovers(planned)
        return None

    def _clear_last_try(self, planned: PlannedArchive) -> None:
        """End what an earlier try of this run left since nobody could tell what became of it: it is looked for, not assumed."""
        for held in tuple(one for one in self.record.snapshots if one.vm_id == planned.subject):
            self.freezer.end(held)
        for claim in tuple(one for one in self.record.claims if one.vm_id == planned.subject):
            release(self.context, self.record, claim, inventory=self.whereabouts.inventory)
        if planned.archive in self.stale:
            self.stale.discard(planned.archive)
            self.whereabouts.look_again(f"the disks of {planned.name} may be merged by now")
        for left in tuple(one for one in self.record.unfinished if one.archive == planned.archive + CHECKPOINT_SUFFIX):
            self._delete(left)

    def _archive_vm(self, planned: PlannedArchive) -> tuple[str, ...]:
        try:
            return self._archive_as_it_is(planned)
        except FrozenChanged as error:
            self.count.warn(planned.subject, f"{planned.name} is read once more: {error.message}")
        self.whereabouts.look_again(f"what was read of {planned.name} was not of one piece")
        self._delete_unfinished(planned, self.record)
        return self._archive_as_it_is(planned)

    def _archive_as_it_is(self, planned: PlannedArchive) -> tuple[str, ...]:
        planned, vm = self.whereabouts.find(planned)
        inventory = self.whereabouts.inventory
        with claimed(self.context, self.record, vm, inventory=inventory, purpose=f"backup by job {planned.job}"):
            if self.freezer.clear(vm):
                self.whereabouts.look_again(f"a recovery snapshot of {vm.name} was ended")
                planned, vm = self.whereabouts.find(planned)
            role_setting = self.whereabouts.role_setting(vm) if vm.highly_available else None
            with self.freezer.frozen(planned, vm, job=self._job(planned), run_id=self.plan.run_id) as frozen:
                return self._archive(frozen, vm=vm, role_setting=role_setting)

    def _archive_volume(self, planned: PlannedArchive) -> tuple[str, ...]:
        kept = keep_files_of(self.count.missing(), planned, self.plan)
        if kept.left_out != planned.left_out:
            back = {file.vm_id for file in set(planned.left_out) - set(kept.left_out)}
            whose = "1 VM whose own archive" if len(back) == 1 else f"{len(back)} VMs whose own archives"
            if kept.left_out != self.told.get(planned.archive):  # not once more with each try
                self.told[planned.archive] = kept.left_out
                self.count.warn(planned.subject, f"holds the files of {whose} failed")
        live = Frozen(archive=self._without_leaves(kept), prove=lambda: None)
        return self._archive(live, vm=None, role_setting=None)

    def _without_leaves(self, planned: PlannedArchive) -> PlannedArchive:
        """Return a volume's archive less the leaves of snapshots that are not merged: the VMs' archives hold what was frozen."""
        leaves: list[LeftOut] = []
        for vm_id, paths in tuple(self.freezer.unmerged.items()):
            if vm_id in self.count.missing():
                continue
            located = (locate(path, self.context.policy.mounts, node=planned.node) for path in paths)
            leaves += [
                LeftOut(local_path=it.local_path, archive_path=it.archive_path, vm_id=vm_id, held_by=THIS_RUN)
                for it in located
                if it is not None
            ]
        return replace(planned, left_out=(*planned.left_out, *leaves))

    def _archive(self, frozen: Frozen, *, vm: VirtualMachine | None, role_setting: dict[str, object] | None) -> tuple[str, ...]:
        planned, snapshot = frozen.archive, frozen.snapshot
        borg = self.repositories[planned.repository]
        job = self._job(planned)
        points = ReferencePoints(self.context, self.freezer)
        with open_source(self.context, planned) as source:
            reuse = None
            if vm is not None:
                reuse = points.plan(planned, source.archive, job=job, snapshot=snapshot, borg=borg.takes_no_child())

            def let_go() -> None:
                points.convert(planned, snapshot, reuse)
                frozen.end()

            versions = {"borg": borg.version()}
            manifest = manifest_of(self.context, self.plan, source.archive, vm=vm, role_setting=role_setting, versions=versions)
            writing = Writing(
                context=self.context,
                borg=borg,
                job=job,
                inventory=self.whereabouts.inventory,
                record=self.record,
                prove=frozen.prove,
                let_go=let_go,
                patience=self.patience,
                reuse=reuse,
                stands=lambda manifest, reading: points.keep(planned, snapshot, reuse, manifest, reading),
            )
            return make_archive(writing, source, manifest)

    def _job(self, planned: PlannedArchive) -> Job:
        return next(job for job in self.context.policy.jobs if job.name == planned.job)

    def _remove_leftovers(self, planned: PlannedArchive) -> None:
        """Delete what dead runs left of this subject, now that a whole archive stands; and what this run's own first try left."""
        for record in (*self.dead, self.record):
            self._delete_unfinished(planned, record)

    def _delete_unfinished(self, planned: PlannedArchive, record: RunRecord) -> None:
        for left in tuple(record.unfinished):
            if (left.repository, left.subject) != (planned.repository, planned.subject):
                continue
            try:
                self._delete(left, record)
            except BorgClusterError as error:
                self.count.warn(planned.subject, f"the unfinished {left.archive} could not be deleted: {error.message}")

    def _delete(self, left: Unfinished, record: RunRecord | None = None) -> None:
        """Delete what there is of an archive that was never finished: itself, and the checkpoints that borg made of it."""
        borg = self.repositories[left.repository]
        for listed in borg.list_archives(f"*{CHECKPOINT_SUFFIX}*"):
            if listed.name == left.archive or listed.name.startswith(f"{left.archive}{CHECKPOINT_SUFFIX}"):
                borg.delete(listed.name)
        (record or self.record).drop_unfinished(left)


def manifest_of(
    context: Context,
    plan: BackupPlan,
    planned: PlannedArchive,
    *,
    vm: VirtualMachine | None,
    role_setting: dict[str, object] | None,
    versions: Mapping[str, str],
) -> Manifest:
    """Return the manifest of an archive but for its files; ``versions`` of what else makes it."""
    return Manifest(
        schema=MANIFEST_SCHEMA,
        kind=planned.kind,
        cluster=plan.cluster,
        subject=planned.subject,
        name=planned.name,
        node=planned.node,
        highly_available=None if vm is None else vm.highly_available,
        consistency=planned.consistency,
        consistency_reason=planned.consistency_reason,
        job=planned.job,
        run_id=plan.run_id,
        created_at=moment(context),
        files=(),
        vm=None if vm is None else _plain(vm),
        role_setting=role_setting,
        left_out=tuple(file.archive_path for file in planned.left_out),
        versions={"borg_cluster": __version__, **versions},
    )


def _plain(vm: VirtualMachine) -> dict[str, object]:
    """Return a VM as a JSON object."""
    plain: dict[str, object] = json.loads(json.dumps(asdict(vm), default=sorted))
    return plain


def moment(context: Context) -> str:
    """Return the time now as manifests have it."""
    return context.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
