"""Verb: open the recovery snapshots of a job for another process (borgmatic, a script with Borg), and close exactly these.

What is open is kept in a run's record, with its claims: it belongs to the process that will read, not to this one, which ends.
As long as that lives, and for no longer than agreed, nobody sweeps it. Between two sessions the pattern file names only a text.
"""

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from borg_cluster import discover, frozen_files, notes
from borg_cluster.catalog import inventory_to_json
from borg_cluster.comparing import as_it_is
from borg_cluster.context import Context
from borg_cluster.core.archive import FOLDER, INVENTORY_NOTE
from borg_cluster.core.event import Warned
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.pattern import file_roots, for_borgmatic
from borg_cluster.core.planned import BackupPlan, PlannedArchive, PlannedFile
from borg_cluster.core.policy import Job, JobKind
from borg_cluster.errors import AlreadyRunning, FrozenChanged, Refused, UsageError
from borg_cluster.making import manifest_of, moment
from borg_cluster.run_record import HeldSnapshot, RunRecord, job_lock
from borg_cluster.snapshot import Freezer
from borg_cluster.source import Source, look
from borg_cluster.sweep import sweep_at_start
from borg_cluster.whereabouts import Whereabouts, claim, release

_CLOSED = "No snapshot is open: `borg-cluster snapshot open` makes them, and names their files in the pattern file.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job's session lies on disk. ``patterns`` is for Borg, ``for_borgmatic`` the same for borgmatic."""

    folder: Path

    @property
    def patterns(self) -> Path:
        """The pattern file as Borg takes it."""
        return self.folder / "patterns"

    @property
    def for_borgmatic(self) -> Path:
        """The pattern file as borgmatic takes it: it globs roots."""
        return self.folder / "patterns.borgmatic"

    @property
    def room(self) -> Path:
        """Copies of configurations, and the notes, as long as it is open."""
        return self.folder / "open"

    @property
    def seen(self) -> Path:
        """What the frozen files were known by when it was opened; it is there as long as it is open."""
        return self.folder / "seen.json"


def job_of(context: Context, name: str) -> Job:
    """Return a job that makes archives. Raises UsageError for any other name."""
    known = {one.name: one for one in context.policy.jobs if one.kind is not JobKind.DISCOVERY}
    if name not in known:
        hint = f"the jobs are: {', '.join(known) or 'none'}"
        raise UsageError(f"the configuration has no job {name} that makes archives", hint=hint)
    return known[name]


def place_of(context: Context, job: str) -> Place:
    """Return where a job's session lies; its pattern files are made if they are not there. Raises as ``job_of``."""
    job_of(context, job)
    place = Place(folder=(context.state / "snapshots" / context.policy.cluster.replace("/", "_") / job).absolute())
    place.folder.mkdir(parents=True, exist_ok=True)
    if not place.for_borgmatic.exists():
        _write_closed(place)
    return place


def open_session(
    context: Context, plan: BackupPlan, inventory: Inventory, job: Job, *, holder: str, seconds: int
) -> tuple[Place, tuple[str, ...]]:
    """Freeze what a job's plan reads and write the pattern files; return where, and the names of the VMs that are frozen.

    ``holder`` is the process that reads, as claims name it; after ``seconds`` it is over in any case. Nothing stays open if this
    raises: Vetoed, AlreadyRunning, Refused for a VM that can't be saved truthfully, or whatever hinders a snapshot.
    """
    context.plugins.check_create(plan)
    place = place_of(context, job.name)
    refused = next((skipped for skipped in plan.skipped if skipped.refused), None)
    if refused is not None:
        raise Refused(f"{one_line(refused.name)}: {refused.reason}", hint="mend it, or let the job's select: exclude it")
    with job_lock(context.state, cluster=plan.cluster, job=job.name, since=moment(context)), ExitStack() as stack:
        _refuse_open(context, job.name)
        record = RunRecord.begin(context.state, cluster=plan.cluster, run_id=plan.run_id)
        stack.callback(record.close)
        dead = RunRecord.adopt(context.state, cluster=plan.cluster)
        for one in dead:
            stack.callback(one.close)
        opening = _Opening(context, plan, inventory, job, place=place, record=record, holder=holder)
        opening.sweep(dead)
        record.keep_open(job=job.name, holder=holder, seconds=seconds)
        try:
            names = opening.freeze_all()
        except BaseException as error:
            opening.end_all(wait=isinstance(error, Exception))
            raise
    return place, names


def close_session(context: Context, job: str) -> int:
    """End what was opened for a job, and nothing else; return how many snapshots. Without anything open, 0.

    Raises FrozenChanged if what was read did not stay the same, or somebody else ended it: then what was made of it is worth
    nothing.
    """
    place = place_of(context, job)
    record = RunRecord.opened(context.state, cluster=context.policy.cluster, job=job)
    wrong: list[str] = []
    count = 0
    if record is None:
        if place.seen.exists():
            wrong.append("its snapshots were ended before it was closed: nobody seemed to use them any more")
    else:
        with ExitStack() as stack:
            stack.callback(record.close)
            wrong += _changed(place)
            whole = place.seen.exists()
            inventory = context.catalog.latest_inventory(context.policy.cluster) or discover.current_inventory(context)
            freezer = Freezer(context, record=record, inventory=lambda: inventory, warn=lambda vm, text: _warn(context, vm, text))
            for held in tuple(record.snapshots):
                there = freezer.end(held)
                count += there
                if not there and whole:
                    wrong.append(f"the recovery snapshot of {one_line(held.name)} was gone, or could not be ended")
            for one in tuple(record.claims):
                release(context, record, one, inventory=inventory)
            record.end_open()
    _write_closed(place)
    if wrong:
        raise FrozenChanged(f"job {job}: {'; '.join(wrong)}", hint="don't rely on the archive that was just made; make it again")
    return count


def _refuse_open(context: Context, job: str) -> None:
    record = RunRecord.opened(context.state, cluster=context.policy.cluster, job=job)
    if record is None:
        return
    kept, in_use = record.kept_open, record.in_use
    record.close()
    if kept is not None and in_use:
        hint = f"borg-cluster snapshot close --job {job}"
        whom = kept.holder.partition(" begun at ")[0]
        raise AlreadyRunning(f"the snapshots of job {job} are open already, for {whom}, until {kept.until} at most", hint=hint)


def _warn(context: Context, subject: str, message: str) -> None:
    context.emit(Warned(subject=subject, message=message, hint=None))


def _changed(place: Place) -> list[str]:
    """Return which frozen files are not as they were when all was frozen."""
    try:
        seen: dict[str, list[int]] = json.loads(place.seen.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []  # it was never opened whole, and nothing was read
    changed: list[str] = []
    for path, identity in seen.items():
        found = frozen_files.identity(path)
        if found is None or list(found) != identity:
            changed.append(f"{one_line(path)} did not stay the same while it was frozen")
    return changed


def _write_closed(place: Place) -> None:
    """Let the pattern files name a text alone: without a snapshot no live disk must be read, and a dry run wants a file."""
    note = place.folder / "closed" / FOLDER / "CLOSED.txt"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(_CLOSED, encoding="utf-8")
    _write_patterns(place, (f"R {place.folder}/closed/./{FOLDER}",))
    place.seen.unlink(missing_ok=True)
    shutil.rmtree(place.room, ignore_errors=True)


def _write_patterns(place: Place, lines: tuple[str, ...]) -> None:
    for path, told in ((place.patterns, lines), (place.for_borgmatic, for_borgmatic(lines))):
        made = path.with_suffix(".new")
        made.write_text("".join(f"{line}\n" for line in told), encoding="utf-8")
        made.replace(path)


class _Opening:
    """One session that is being opened."""

    def __init__(  # noqa: PLR0913 - what a session is opened with
        self,
        context: Context,
        plan: BackupPlan,
        inventory: Inventory,
        job: Job,
        *,
        place: Place,
        record: RunRecord,
        holder: str,
    ) -> None:
        self.context = context
        self.plan = plan
        self.job = job
        self.place = place
        self.record = record
        self.holder = holder
        self.whereabouts = Whereabouts(context, plan, inventory)
        self.freezer = Freezer(
            context,
            record=record,
            inventory=lambda: self.whereabouts.inventory,
            warn=lambda vm, text: _warn(context, vm, text),
        )
        self.lines: list[str] = []
        self.frozen: list[PlannedFile] = []

    def sweep(self, dead: tuple[RunRecord, ...]) -> None:
        """End what dead runs left."""
        planned = frozenset(one.subject for one in self.plan.archives)
        inventory = lambda: self.whereabouts.inventory  # noqa: E731 - the one that holds when it is asked
        if sweep_at_start(self.context, self.record, dead, freezer=self.freezer, inventory=inventory, planned=planned):
            self.whereabouts.look_again("recovery snapshots of a dead run were ended")

    def freeze_all(self) -> tuple[str, ...]:
        """Freeze each VM and write what is to be read; return the names of those that a snapshot holds."""
        shutil.rmtree(self.place.room, ignore_errors=True)
        self.place.room.mkdir()
        for planned in self.plan.archives:
            if self.job.kind is JobKind.VIRTUAL_MACHINES:
                self._freeze(planned)
            else:
                self._take_volume(planned)
        identities = frozen_files.identities(tuple(self.frozen))
        self.place.seen.write_text(json.dumps(identities), encoding="ascii")
        notes.write(self.place.room, {INVENTORY_NOTE: inventory_to_json(self.whereabouts.inventory)})
        _write_patterns(self.place, (f"R {self.place.room}/./{FOLDER}", *dict.fromkeys(self.lines)))
        return tuple(held.name for held in self.record.snapshots)

    def _freeze(self, planned: PlannedArchive) -> None:
        planned, vm = self.whereabouts.find(planned)
        purpose = f"backup by job {self.job.name}, snapshot open"
        inventory = self.whereabouts.inventory
        claim(self.context, self.record, vm, inventory=inventory, purpose=purpose, holder=self.holder)
        if self.freezer.clear(vm):
            self.whereabouts.look_again(f"a recovery snapshot of {vm.name} was ended")
            planned, vm = self.whereabouts.find(planned)
        role_setting = self.whereabouts.role_setting(vm) if vm.highly_available else None
        held = HeldSnapshot(vm_id=vm.id, name=vm.name, run_id=self.plan.run_id, disk_paths=frozen_files.disk_paths(vm))
        room = self.place.room / vm.id
        room.mkdir()
        frozen = self.freezer.freeze(planned, vm, held, on_failure=self.job.on_failure, room=room).archive
        source = look(frozen, self.context.state / "views")
        try:
            self.lines += file_roots(source.paths)
        except ValueError as error:
            message = f"{one_line(vm.name)}: no pattern file can name {one_line(str(error))}"
            raise Refused(message, hint="rename it, or back it up with `borg-cluster create`") from error
        self.frozen += source.archive.files
        manifest = manifest_of(self.context, self.plan, source.archive, vm=vm, role_setting=role_setting, versions={})
        manifest = replace(manifest, files=tuple(as_it_is(file) for file in source.archive.files))
        self._note(
            vm.id,
            notes.texts(self.context.policy, manifest, self.whereabouts.inventory, _unnamed(source), repository="REPOSITORY"),
        )

    def _take_volume(self, planned: PlannedArchive) -> None:
        source = look(planned, self.context.state / "views")
        if source.paths:
            raise Refused(f"{planned.name}: no pattern file can name {one_line(source.paths[0])}", hint="rename it")
        self.lines += source.patterns or ()

    def _note(self, vm_id: str, texts: dict[str, str]) -> None:
        """Write a VM's notes into a folder of its own: an archive of this session holds several VMs."""
        own = {name: text for name, text in texts.items() if name != INVENTORY_NOTE}
        notes.write(self.place.room, {f"{FOLDER}/{vm_id}{name.removeprefix(FOLDER)}": text for name, text in own.items()})

    def end_all(self, *, wait: bool) -> None:
        """End what was opened so far."""
        for held in tuple(self.record.snapshots):
            self.freezer.end(held, wait=wait)
        for one in tuple(self.record.claims):
            release(self.context, self.record, one, inventory=self.whereabouts.inventory)
        self.record.end_open()
        _write_closed(self.place)


def _unnamed(source: Source) -> Source:
    """Return the source without the name that its archive would have had: whoever makes the archive names it."""
    return replace(source, archive=replace(source.archive, archive="ARCHIVE"))
