"""One archive, from an open source to its place in the catalog.

It is written under a ``.checkpoint`` name, which Borg hides; what Borg's own list says is compared with what was to be read; only
then it gets its name. So an archive that can be seen is whole.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from borg_cluster import notes
from borg_cluster.borg import Borg, Heed, Telling
from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.borg_created import Created, Elsewhere
from borg_cluster.borg_items import StoredFile
from borg_cluster.borg_process import Call, Ended
from borg_cluster.catalog import Takeover
from borg_cluster.comparing import as_it_is, changed_files, compare_files, compare_roots
from borg_cluster.context import Context
from borg_cluster.core.archive import (
    CHECKPOINT_SUFFIX,
    ArchiveKind,
    Consistency,
    Manifest,
    Reading,
    distinct_names,
)
from borg_cluster.core.event import ArchiveFinished, ArchiveStarted, Progress
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.policy import Job
from borg_cluster.errors import BorgClusterError, BorgFailed, FrozenChanged
from borg_cluster.reference_points import Reuse
from borg_cluster.retrying import Patience
from borg_cluster.run_record import RunRecord, Unfinished
from borg_cluster.source import Source
from borg_cluster.taking_over import take_over

T = TypeVar("T")
_MOST_NAMES = 50
_ELSEWHERE = ".elsewhere"
_TAKEN = "Archive.AlreadyExists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What an archive is written with: ``inventory`` goes into it, ``record`` knows it until it stands.

    ``prove`` is called when all is read, and raises if that was not of one piece; ``let_go`` later, if the repository lets the
    rest wait: what was frozen is not needed any more.
    """

    context: Context
    borg: Borg
    job: Job
    inventory: Inventory
    record: RunRecord
    prove: Callable[[], None]
    let_go: Callable[[], None]
    patience: Patience
    reuse: Reuse | None = None
    """Which disks may be taken over in part."""
    stands: Callable[[Manifest, Reading], None] = lambda *_: None
    """Called when the archive stands and is recorded."""

    def look(self, planned: PlannedArchive, what: str, ask: Callable[[], T]) -> T:
        """Return the answer to a question about an archive, asked again where that may help: it need not be read again."""
        key = f"{planned.archive} {what}"
        return self.patience.look(ask, key=key, subject=planned.subject, name=planned.name, before_wait=self.let_go)


def make_archive(writing: Writing, source: Source, manifest: Manifest) -> tuple[str, ...]:
    """Write, compare, rename and record one archive; return the warnings. ``manifest`` holds all but the files.

    Emits ArchiveStarted, Progress and ArchiveFinished. Raises BorgFailed if the archive is not what it should be: it then keeps
    its ``.checkpoint`` name, until a better one stands.
    """
    planned = source.archive
    context = writing.context
    manifest = replace(manifest, files=tuple(as_it_is(file) for file in planned.files))
    context.emit(
        ArchiveStarted(job=planned.job, subject=planned.subject, name=planned.name, archive=planned.archive, node=planned.node)
    )
    repository = writing.borg.repository.path
    told = notes.texts(context.policy, manifest, writing.inventory, source, repository=repository)
    with notes.written(writing.record.room(), told) as about:
        elsewhere = _made_elsewhere(writing, source, manifest, about)
        if isinstance(elsewhere, _Made):
            made = elsewhere
        else:
            planned = replace(planned, warnings=(*planned.warnings, *elsewhere))
            made = _write_and_compare(writing, source, manifest, about)
    planned = _give_name(writing, made.unfinished, planned)
    writing.record.drop_unfinished(made.unfinished)
    reading = _reading(writing, planned, made)
    context.catalog.record_archive(manifest, reading, planned.repository)
    takeover = made.takeover and replace(made.takeover, archive=planned.archive)
    if takeover is not None:
        context.catalog.record_takeover(takeover)
    writing.stands(manifest, reading)
    warnings = (*planned.warnings, *made.doubts)
    context.emit(_finished(planned, manifest, reading, warnings, takeover))
    return warnings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """An archive that was written and compared, and has no name yet. ``changed`` archive paths; ``doubts`` are for people."""

    unfinished: Unfinished
    created: Created
    takeover: Takeover | None
    items: tuple[StoredFile, ...]
    changed: tuple[str, ...]
    doubts: tuple[str, ...]


def _made_elsewhere(writing: Writing, source: Source, manifest: Manifest, about: notes.Notes) -> _Made | tuple[str, ...]:
    """Return the archive as a plugin has made it, if that holds; else warnings why it doesn't (none: no plugin wanted to).

    Under a name of its own: one that was given up may still write there. What is left of it goes as any unfinished archive does.
    """
    plugins, planned = writing.context.plugins, source.archive
    if not plugins.runs_jobs:
        return ()
    heed = _progress(writing, source, manifest)
    asked: list[str] = []

    def run(call: Call) -> Ended:
        answer = plugins.run_job(planned, call, heed=lambda done: heed(done, 0, None), stop=writing.context.stop)
        if answer is None:
            raise _Nobody
        asked.append(answer[0])
        return answer[1]

    reuse = writing.reuse and replace(writing.reuse, request=None, reason="a plugin has it made")
    try:
        return _write_and_compare(replace(writing, reuse=reuse), source, manifest, about, suffix=_ELSEWHERE, elsewhere=run)
    except _Nobody:
        writing.record.drop_unfinished(_unfinished(planned, _ELSEWHERE))
        return ()
    except FrozenChanged:
        raise
    except BorgClusterError as error:
        whose = f"plugin {asked[0]} had it made, which does not hold: " if asked else ""
        return (f"made by this process: {whose}{error.message}",)


class _Nobody(Exception):
    """No plugin wants to make the archive."""


def _write_and_compare(
    writing: Writing,
    source: Source,
    manifest: Manifest,
    about: notes.Notes,
    *,
    suffix: str = "",
    elsewhere: Elsewhere | None = None,
) -> _Made:
    """Write an archive and compare it. Raises BorgFailed if it is not what it should be."""
    planned = source.archive

    def write(telling: Telling | None, cached: bool) -> Created:
        name, heed = unfinished.archive, _progress(writing, source, manifest)
        return _write(writing, source, name, about=about, heed=heed, telling=telling, cached=cached, elsewhere=elsewhere)

    for number in range(1, _MOST_NAMES + 1):
        unfinished = _unfinished(planned, suffix if number == 1 else f"{suffix}.{number}")
        writing.record.add_unfinished(unfinished)
        try:
            created, takeover = take_over(writing.context, planned, writing.reuse, write)
            break
        except BorgFailed as error:  # a run that died in this very second has left one
            if error.fields.get("msgid") != _TAKEN or number == _MOST_NAMES:
                raise
            writing.record.drop_unfinished(unfinished)
    writing.prove()
    items = writing.look(planned, "list", lambda: writing.borg.list_files(unfinished.archive))
    changed = changed_files(source, created)
    if source.patterns is None:
        doubts = compare_files(manifest, items, about=about, changed=changed, told=created.warnings)
    else:
        doubts = compare_roots(source, items, told=created.warnings)
    return _Made(unfinished=unfinished, created=created, takeover=takeover, items=items, changed=changed, doubts=doubts)


def _unfinished(planned: PlannedArchive, suffix: str) -> Unfinished:
    archive = planned.archive + suffix + CHECKPOINT_SUFFIX
    return Unfinished(repository=planned.repository, subject=planned.subject, archive=archive)


def _progress(writing: Writing, source: Source, manifest: Manifest) -> Heed:
    total = sum(file.size or 0 for file in manifest.files)

    def heed(done: int, _: int, path: str | None) -> None:
        writing.context.emit(Progress(subject=source.archive.subject, done=done, total=total, path=path))

    return heed


def _give_name(writing: Writing, unfinished: Unfinished, planned: PlannedArchive) -> PlannedArchive:
    """Give a whole archive its name and return it so: the next free one where the clock went back to a second that was before.

    What became of that when the answer was lost is looked up, and not asked for twice.
    """
    asked = False

    def rename(name: str) -> None:
        nonlocal asked
        if asked and all(one.name != unfinished.archive for one in writing.borg.list_archives(unfinished.archive)):
            return
        asked = True
        writing.borg.rename(unfinished.archive, name)

    for number in range(1, _MOST_NAMES + 1):
        name = distinct_names((planned.archive,) * number)[-1]
        try:
            writing.look(planned, "rename", partial(rename, name))
        except BorgFailed as error:
            if error.fields.get("msgid") != _TAKEN or number == _MOST_NAMES:
                raise
        else:
            break
    return replace(planned, archive=name)


def _write(  # noqa: PLR0913 - what is written, and how
    writing: Writing,
    source: Source,
    archive: str,
    *,
    about: notes.Notes,
    heed: Heed,
    telling: Telling | None,
    cached: bool,
    elsewhere: Elsewhere | None,
) -> Created:
    planned = source.archive
    job = writing.job
    options = CreateOptions(
        compression=job.compression,
        chunker_params=job.chunker_params if writing.reuse is None else writing.reuse.chunker_params,
        extra=job.extra_borg_options,
        # a running VM writes to its disk without a new time stamp: Borg must look into it
        files_cache=cached and planned.consistency is not Consistency.NONE,
        attributes=planned.kind is ArchiveKind.VOLUME,
    )
    if source.patterns is None:
        paths = (*source.paths, *about.paths)
        patterns = None
    else:
        paths, patterns = source.paths, (*source.patterns, f"R {about.root}/.")
    return writing.borg.create(
        archive,
        comment=planned.comment,
        options=options,
        paths=paths,
        patterns=patterns,
        heed=heed,
        telling=telling,
        elsewhere=elsewhere,
    )


def _reading(writing: Writing, planned: PlannedArchive, made: _Made) -> Reading:
    found = writing.look(planned, "id", lambda: writing.borg.list_archives(planned.archive))
    listed = next((one for one in found if one.name == planned.archive), None)
    created, items = made.created, made.items
    return Reading(
        archive_id=created.archive_id if listed is None else listed.archive_id,
        archive_name=planned.archive,
        original_size=created.original_size,
        deduplicated_size=created.deduplicated_size,
        seconds=created.seconds,
        chunk_hashes={item.path: item.chunk_hash for item in items if item.chunk_hash and item.path not in notes.NOTES},
        changed_while_read=made.changed,
    )


def _finished(
    planned: PlannedArchive, manifest: Manifest, reading: Reading, warnings: tuple[str, ...], takeover: Takeover | None
) -> ArchiveFinished:
    return ArchiveFinished(
        job=planned.job,
        subject=planned.subject,
        name=planned.name,
        archive=planned.archive,
        consistency=manifest.consistency.value,
        original_size=reading.original_size,
        deduplicated_size=reading.deduplicated_size,
        files=len(reading.chunk_hashes),
        seconds=reading.seconds,
        warnings=warnings,
        unread=0 if takeover is None else takeover.unread,
        read_in_full=() if takeover is None else takeover.reasons,
    )
