"""Verb: carry out a BackupPlan. What becomes of one archive never stops the others, nor does a repository that doesn't open.

Archives are made at the same time, as many as the caps allow, one a repository. A volume's turn comes when those of the VMs that
lie on it have ended: snapshots make files, and the files of a VM whose own archive failed stay in its volume's.
"""

from contextlib import ExitStack
from dataclasses import dataclass, replace

from borg_cluster.borg import Borg
from borg_cluster.command_hook import CommandSkipped, commands_around
from borg_cluster.context import Context
from borg_cluster.core.archive import ArchiveKind, Consistency
from borg_cluster.core.caps import Item
from borg_cluster.core.event import Event, Followed, Noted
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.placement import inside_of
from borg_cluster.core.planned import BackupPlan, PlannedArchive
from borg_cluster.core.policy import Repository
from borg_cluster.errors import BorgClusterError, Refused, UsageError
from borg_cluster.making import VERB, Count, Making, moment
from borg_cluster.retrying import Patience
from borg_cluster.run_record import RunRecord, job_lock
from borg_cluster.snapshot import Freezer
from borg_cluster.sweep import sweep_at_start
from borg_cluster.whereabouts import Whereabouts
from borg_cluster.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOutcome:
    """How a run ended: archives that stand, archives that were wanted and are not there (refused ones too), warnings.

    ``unopened`` are the labels of repositories that did not open; ``retries`` counts what was tried again.
    """

    done: int
    failed: int
    warnings: int
    unopened: tuple[str, ...] = ()
    retries: int = 0


def create(context: Context, plan: BackupPlan, inventory: Inventory) -> CreateOutcome:
    """Carry ``plan`` out, which was made of ``inventory``; all that happens is emitted as it happens.

    Raises, before anything is started, Vetoed, AlreadyRunning, Refused by a command before it, or RepositoryRefused if none of
    the repositories opens.
    """
    context.plugins.check_create(plan)
    since = moment(context)
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
        self.workers: Workers | None = None
        self.keys = {archive.subject: archive.archive for archive in plan.archives}
        self.tell = context.emit
        self.context = replace(context, emit=self._hear)
        context = self.context
        self.plan = plan
        self.record = record
        self.dead = dead
        self.whereabouts = Whereabouts(context, plan, inventory)
        self.count = Count(context)
        self.closed: dict[str, BorgClusterError] = {}
        self.later: dict[str, float] = {}
        """Seconds after which a repository that did not open is to be tried again, by label."""
        self.patience = Patience(self.context)
        self.freezer = self._freezer(record)

    def carry_out(self) -> CreateOutcome:
        """Do all of it, the commands around it included."""
        try:
            with ExitStack() as stack:
                variables = {"run_id": self.plan.run_id}
                scopes = [
                    stack.enter_context(commands_around(self.context, verb=VERB, scope=scope, variables=variables))
                    for scope in ("configuration", "cluster", "action")
                ]
                self._sweep()  # whether a repository opens or not
                self._carry_out(self._open(stack))
                for scope in scopes:
                    scope.error = f"{len(self.count.failed)} failed" if self.count.failed else None
        except CommandSkipped as skipped:
            self.count.warn(self.plan.cluster, str(skipped))
        count = self.count
        return CreateOutcome(
            done=count.done,
            failed=len(count.failed),
            warnings=count.warnings,
            unopened=tuple(self.closed),
            retries=self.patience.had,
        )

    def _hear(self, event: Event) -> None:
        """Count a VM that moved for the node where it is now."""
        if isinstance(event, Followed) and self.workers is not None and event.subject in self.keys:
            self.workers.moved(self.keys[event.subject], event.now)
        self.tell(event)

    def _open(self, stack: ExitStack) -> dict[str, Borg]:
        """Return the repositories that open. One that doesn't costs its own archives. Raises RepositoryRefused if none does."""
        labels = {archive.repository for archive in self.plan.archives}
        opened: dict[str, Borg] = {}
        for repository in (one for one in self.context.policy.repositories if one.label in labels):
            borg = Borg(self.context.policy.borg, repository, secret=self.context.plugins.secret, stop=self.context.stop)
            try:
                self._around(stack, repository)
                borg.check_repository()
            except CommandSkipped as skipped:
                self.count.skip(repository.label, str(skipped), self._archives_of(repository.label))
                continue
            except UsageError:
                raise
            except BorgClusterError as error:
                seconds = self._again(repository.label, error)
                if seconds is None:
                    continue
                self.later[repository.label] = seconds
            opened[repository.label] = borg
        if self.closed and len(self.closed) == len(labels):
            raise next(iter(self.closed.values()))
        return opened

    def _again(self, label: str, error: BorgClusterError) -> float | None:
        """Return the seconds after which a repository is to be opened again; None: it counts as closed from now on."""
        seconds = self.patience.after(error, key=f"open {label}", subject=label, name=label)
        if seconds is None:
            self.closed[label] = error
        return seconds

    def _around(self, stack: ExitStack, repository: Repository) -> None:
        """Run the commands before a repository, and those after it at the end, which are told whether its archives stand."""
        told = {"run_id": self.plan.run_id, "repository": repository.path, "repository_label": repository.label}
        scope = stack.enter_context(commands_around(self.context, verb=VERB, scope="repository", variables=told))

        def judge() -> None:
            failed = sum(archive.subject in self.count.failed for archive in self._archives_of(repository.label))
            scope.error = f"{failed} failed" if failed else None

        stack.callback(judge)

    def _archives_of(self, label: str) -> tuple[PlannedArchive, ...]:
        return tuple(archive for archive in self.plan.archives if archive.repository == label)

    def _carry_out(self, repositories: dict[str, Borg]) -> None:
        for skipped in self.plan.skipped:
            if skipped.refused:
                self.count.fail(skipped, Refused(skipped.reason))
        for job in self.plan.idle:
            self.count.warn(job, f"{job} takes none of what there is, and saves nothing: borg-cluster plan {job} says why")
        for uncovered in self.plan.uncovered:
            message = f"{uncovered.name} stays in its volume's archive: {uncovered.reason}"
            if uncovered.by_choice:
                self.context.emit(Noted(subject=uncovered.subject, message=message))
            else:
                self.count.warn(uncovered.subject, message)
        for label, error in self.closed.items():
            for archive in self._archives_of(label):
                self.count.fail(archive, error)
        self._work_off({one.archive: one for one in self.plan.archives if one.repository in repositories}, repositories)

    def _work_off(self, archives: dict[str, PlannedArchive], repositories: dict[str, Borg]) -> None:
        ordered = sorted(archives.values(), key=lambda planned: planned.kind is ArchiveKind.VOLUME)
        opening = {f"repository {label}": label for label in self.later}
        items = (
            *(Item(key=key, repository=label, node=None, volumes=()) for key, label in opening.items()),
            *(_item(planned, ordered, frozenset(opening)) for planned in ordered),
        )
        later = {key: self.later[label] for key, label in opening.items()}
        stop, clock = self.context.stop, self.context.clock
        self.workers = Workers(items, self.context.policy.caps, stop=stop, clock=clock, later=later)
        making = Making(
            context=self.context,
            plan=self.plan,
            record=self.record,
            dead=self.dead,
            whereabouts=self.whereabouts,
            freezer=self.freezer,
            repositories=repositories,
            closed=self.closed,
            count=self.count,
            patience=self.patience,
        )

        def do(key: str) -> float | None:
            return making.attempt(archives[key]) if key in archives else self._reopen(repositories[opening[key]])

        self.workers.work_off(do)

    def _reopen(self, borg: Borg) -> float | None:
        try:
            borg.check_repository()
        except BorgClusterError as error:
            return self._again(borg.repository.label, error)
        return None

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
        return Freezer(self.context, record=record, inventory=lambda: self.whereabouts.inventory, warn=self.count.warn)


def _item(planned: PlannedArchive, archives: list[PlannedArchive], opening: frozenset[str]) -> Item:
    """Return an archive as the caps see it. A volume's comes after those of all VMs that have a file on it.

    ``opening`` are the items of repositories that are to be opened first.
    """
    if planned.kind is ArchiveKind.VIRTUAL_MACHINE:
        after: frozenset[str] = frozenset()
    else:
        folders = tuple(folder for folder, _ in planned.roots)
        after = frozenset(one.archive for one in archives if any(_lies_in(one, folder) for folder in folders))
    return Item(
        key=planned.archive,
        repository=planned.repository,
        node=planned.node,
        volumes=tuple({file.file.archive_path.partition("/")[0] for file in planned.files} or {planned.name}),
        snapshot=planned.consistency in {Consistency.APPLICATION, Consistency.CRASH} and bool(planned.files),
        after=after | (opening & {f"repository {planned.repository}"}),
    )


def _lies_in(planned: PlannedArchive, folder: str) -> bool:
    return any(inside_of(file.local_path, folder) is not None for file in planned.files)
