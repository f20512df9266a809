"""Verb: carry out a BackupPlan. What becomes of one archive never stops the others; virtual machines come before volumes."""

import json
import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from datetime import UTC

from borg_cluster import __version__
from borg_cluster.archiving import Writing, make_archive
from borg_cluster.borg import Borg
from borg_cluster.command_hook import CommandSkipped, commands_around
from borg_cluster.context import Context
from borg_cluster.core.archive import MANIFEST_SCHEMA, ArchiveKind, Manifest
from borg_cluster.core.backup_plan import keep_files_of
from borg_cluster.core.event import ArchiveFailed, Noted, Warned
from borg_cluster.core.inventory import Inventory, VirtualMachine
from borg_cluster.core.planned import THIS_RUN, BackupPlan, LeftOut, PlannedArchive, Skipped
from borg_cluster.core.policy import Job, locate
from borg_cluster.errors import BorgClusterError, FrozenChanged, Refused
from borg_cluster.run_record import RunRecord, job_lock
from borg_cluster.snapshot import Freezer
from borg_cluster.source import open_source
from borg_cluster.sweep import sweep_at_start
from borg_cluster.whereabouts import Whereabouts, claimed

_VERB = "create"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOutcome:
    """How a run ended: archives that stand, archives that were wanted and are not there (refused ones too), warnings."""

    done: int
    failed: int
    warnings: int


def create(context: Context, plan: BackupPlan, inventory: Inventory) -> CreateOutcome:
    """Carry ``plan`` out, which was made of ``inventory``; all that happens is emitted as it happens.

    Raises, before anything is started, Vetoed, AlreadyRunning, RepositoryRefused, or Refused by a command before it.
    """
    context.plugins.check_create(plan)
    since = _moment(context)
    jobs = {archive.job for archive in plan.archives} | {skipped.job for skipped in plan.skipped}
    with ExitStack() as stack:
        for job in (job for job in context.policy.jobs if job.name in jobs):
            stack.enter_context(job_lock(context.state, cluster=plan.cluster, job=job.name, since=since))
        record = RunRecord.begin(context.state, cluster=plan.cluster, run_id=plan.run_id)
        stack.callback(record.close)
        dead = RunRecord.adopt(context.state, cluster=plan.cluster)
        for one in dead:
            stack.callback(one.close)
        return _Run(context, plan, inventory, record=record, dead=dead).carry_out()


class _Run:
    """One run under way."""

    def __init__(
        self, context: Context, plan: BackupPlan, inventory: Inventory, *, record: RunRecord, dead: tuple[RunRecord, ...]
    ) -> None:
        self.context = context
        self.plan = plan
        self.record = record
        self.dead = dead
        self.whereabouts = Whereabouts(context, plan, inventory)
        self.freezer = self._freezer(record)
        self.jobs: dict[str, Job] = {job.name: job for job in context.policy.jobs}
        labels = {archive.repository for archive in plan.archives}
        self.repositories = {
            repository.label: Borg(context.policy.borg, repository, secret=context.plugins.secret)
            for repository in context.policy.repositories
            if repository.label in labels
        }
        self.done = 0
        self.failed: set[str] = set()
        self.warnings = 0

    def carry_out(self) -> CreateOutcome:
        """Do all of it, the commands around it included."""
        try:
            with ExitStack() as stack:
                variables = {"run_id": self.plan.run_id}
                scopes = [
                    stack.enter_context(commands_around(self.context, verb=_VERB, scope=scope, variables=variables))
                    for scope in ("configuration", "cluster", "action")
                ]
                for label, borg in self.repositories.items():
                    told = {**variables, "repository": borg.repository.path, "repository_label": label}
                    scopes.append(
                        stack.enter_context(commands_around(self.context, verb=_VERB, scope="repository", variables=told))
                    )
                    borg.check_repository()
                self._carry_out()
                for scope in scopes:
                    scope.error = f"{len(self.failed)} failed" if self.failed else None
        except CommandSkipped as skipped:
            self._warn(self.plan.cluster, str(skipped))
        return CreateOutcome(done=self.done, failed=len(self.failed), warnings=self.warnings)

    def _carry_out(self) -> None:
        self._sweep()
        for skipped in self.plan.skipped:
            if skipped.refused:
                self._fail(skipped, Refused(skipped.reason))
        for uncovered in self.plan.uncovered:
            message = f"{uncovered.name} stays in its volume's archive: {uncovered.reason}"
            if uncovered.by_choice:
                self.context.emit(Noted(subject=uncovered.subject, message=message))
            else:
                self._warn(uncovered.subject, message)
        for planned in sorted(self.plan.archives, key=lambda planned: planned.kind is ArchiveKind.VOLUME):
            self._attempt(planned)

    def _sweep(self) -> None:
        """End what dead runs left: their machines run on leaves that grow. The claims that this run takes see to its own VMs."""
        ended = sweep_at_start(
            self.context,
            self.record,
            self.dead,
            freezer=self.freezer,
            inventory=lambda: self.whereabouts.inventory,
            planned=frozenset(one.subject for one in self.plan.archives),
        )
        if ended:
            self.whereabouts.look_again("recovery snapshots of a dead run were ended")

    def _freezer(self, record: RunRecord) -> Freezer:
        return Freezer(self.context, record=record, inventory=lambda: self.whereabouts.inventory, warn=self._warn)

    def _attempt(self, planned: PlannedArchive) -> None:
        """Make one archive; whatever happens to it, the run goes on."""
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
            with commands_around(self.context, verb=_VERB, scope=scope, variables=variables):
                warnings = self._archive_vm(planned) if machine else self._archive_volume(planned)
        except CommandSkipped as skipped:
            self._warn(planned.subject, f"{planned.name}: {skipped}")
        except Exception as error:  # noqa: BLE001 - a plugin's source may raise anything; the others must still be saved
            self._fail(planned, error)
        else:
            self.done += 1
            self.warnings += len(warnings)
            self._remove_leftovers(planned)

    def _archive_vm(self, planned: PlannedArchive) -> tuple[str, ...]:
        try:
            return self._archive_as_it_is(planned)
        except FrozenChanged as error:
            self._warn(planned.subject, f"{planned.name} is read once more: {error.message}")
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
            job = self.jobs[planned.job]
            with self.freezer.frozen(planned, vm, job=job, run_id=self.plan.run_id) as frozen:
                return self._archive(frozen.archive, vm=vm, role_setting=role_setting, prove=frozen.prove)

    def _archive_volume(self, planned: PlannedArchive) -> tuple[str, ...]:
        kept = keep_files_of(frozenset(self.failed), planned, self.plan)
        if kept.left_out != planned.left_out:
            back = {file.vm_id for file in set(planned.left_out) - set(kept.left_out)}
            whose = "1 VM whose own archive" if len(back) == 1 else f"{len(back)} VMs whose own archives"
            self._warn(planned.subject, f"holds the files of {whose} failed")
        return self._archive(self._without_leaves(kept), vm=None, role_setting=None, prove=lambda: None)

    def _without_leaves(self, planned: PlannedArchive) -> PlannedArchive:
        """Return a volume's archive less the leaves of snapshots that are not merged: the VMs' archives hold what was frozen."""
        leaves: list[LeftOut] = []
        for vm_id, paths in self.freezer.unmerged.items():
            located = (locate(path, self.context.policy.mounts, node=planned.node) for path in paths if vm_id not in self.failed)
            leaves += [
                LeftOut(local_path=it.local_path, archive_path=it.archive_path, vm_id=vm_id, held_by=THIS_RUN)
                for it in located
                if it is not None
            ]
        return replace(planned, left_out=(*planned.left_out, *leaves))

    def _archive(
        self,
        planned: PlannedArchive,
        *,
        vm: VirtualMachine | None,
        role_setting: dict[str, object] | None,
        prove: Callable[[], None],
    ) -> tuple[str, ...]:
        borg = self.repositories[planned.repository]
        with open_source(self.context, planned) as source:
            manifest = self._manifest(source.archive, borg, vm=vm, role_setting=role_setting)
            writing = Writing(
                context=self.context,
                borg=borg,
                job=self.jobs[planned.job],
                inventory=self.whereabouts.inventory,
                record=self.record,
                prove=prove,
            )
            return make_archive(writing, source, manifest)

    def _manifest(
        self, planned: PlannedArchive, borg: Borg, *, vm: VirtualMachine | None, role_setting: dict[str, object] | None
    ) -> Manifest:
        """Return the manifest but for its files."""
        return Manifest(
            schema=MANIFEST_SCHEMA,
            kind=planned.kind,
            cluster=self.plan.cluster,
            subject=planned.subject,
            name=planned.name,
            node=planned.node,
            highly_available=None if vm is None else vm.highly_available,
            consistency=planned.consistency,
            consistency_reason=planned.consistency_reason,
            job=planned.job,
            run_id=self.plan.run_id,
            created_at=_moment(self.context),
            files=(),
            vm=None if vm is None else _plain(vm),
            role_setting=role_setting,
            left_out=tuple(file.archive_path for file in planned.left_out),
            versions={"borg_cluster": __version__, "borg": borg.version()},
        )

    def _remove_leftovers(self, planned: PlannedArchive) -> None:
        """Delete what dead runs left of this subject, now that a whole archive stands; and what this run's own first try left."""
        for record in (*self.dead, self.record):
            self._delete_unfinished(planned, record)

    def _delete_unfinished(self, planned: PlannedArchive, record: RunRecord) -> None:
        for left in tuple(record.unfinished):
            if (left.repository, left.subject) != (planned.repository, planned.subject):
                continue
            try:
                self.repositories[left.repository].delete(left.archive)
            except BorgClusterError as error:
                if error.fields.get("msgid") != "Archive.DoesNotExist":  # borg rolled it back itself
                    self._warn(planned.subject, f"the unfinished {left.archive} could not be deleted: {error.message}")
                    continue
            record.drop_unfinished(left)

    def _fail(self, subject: PlannedArchive | Skipped, error: Exception) -> None:
        if isinstance(error, BorgClusterError):
            reason, hint = error.message, error.hint
        else:
            reason, hint = f"{type(error).__name__}: {error}", None
        if not isinstance(error, BorgClusterError | OSError):
            _log.error("%s: unexpected error", subject.name, exc_info=error)
        self.failed.add(subject.subject)
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

    def _warn(self, subject: str, message: str) -> None:
        self.warnings += 1
        self.context.emit(Warned(subject=subject, message=message, hint=None))


def _plain(vm: VirtualMachine) -> dict[str, object]:
    """Return a VM as a JSON object."""
    plain: dict[str, object] = json.loads(json.dumps(asdict(vm), default=sorted))
    return plain


def _moment(context: Context) -> str:
    return context.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
