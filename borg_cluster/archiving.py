"""One archive, from an open source to its place in the catalog.

It is written under a ``.checkpoint`` name, which Borg hides; what Borg's own list says is compared with what was to be read; only
then it gets its name. So an archive that can be seen is whole.
"""

import os
import posixpath
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from borg_cluster import notes
from borg_cluster.borg import Borg, Created, Telling
from borg_cluster.borg_arguments import CreateOptions
from borg_cluster.borg_items import StoredFile
from borg_cluster.catalog import Takeover
from borg_cluster.context import Context
from borg_cluster.core.archive import (
    CHECKPOINT_SUFFIX,
    FOLDER,
    ArchivedFile,
    ArchiveKind,
    Consistency,
    Manifest,
    Reading,
    distinct_names,
)
from borg_cluster.core.event import ArchiveFinished, ArchiveStarted, Progress
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.pattern import explain
from borg_cluster.core.planned import PlannedArchive, PlannedFile
from borg_cluster.core.policy import Job
from borg_cluster.core.retry import Fault
from borg_cluster.errors import BorgClusterError, BorgFailed
from borg_cluster.reference_points import Reuse
from borg_cluster.retrying import Patience
from borg_cluster.run_record import RunRecord, Unfinished
from borg_cluster.source import Source
from borg_cluster.taking_over import take_over

T = TypeVar("T")
_MOST_WARNINGS = 20
_MOST_NAMES = 50
_TAKEN = "Archive.AlreadyExists"
_MISSING = " is missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """What an archive is written with: ``inventory`` goes into it, ``record`` knows it until it stands.

    ``prove`` is called when all is read, and raises if that was not of one piece.
    """

    context: Context
    borg: Borg
    job: Job
    inventory: Inventory
    record: RunRecord
    prove: Callable[[], None]
    patience: Patience
    reuse: Reuse | None = None
    """Which disks may be taken over in part."""
    stands: Callable[[Manifest, Reading], None] = lambda *_: None
    """Called when the archive stands and is recorded."""

    def look(self, planned: PlannedArchive, what: str, ask: Callable[[], T]) -> T:
        """Return the answer to a question about an archive, asked again where that may help: it need not be read again."""
        return self.patience.look(ask, key=f"{planned.archive} {what}", subject=planned.subject, name=planned.name)


def make_archive(writing: Writing, source: Source, manifest: Manifest) -> tuple[str, ...]:
    """Write, compare, rename and record one archive; return the warnings. ``manifest`` holds all but the files.

    Emits ArchiveStarted, Progress and ArchiveFinished. Raises BorgFailed if the archive is not what it should be: it then keeps
    its ``.checkpoint`` name, until a better one stands.
    """
    planned = source.archive
    context = writing.context
    manifest = replace(manifest, files=tuple(as_it_is(file) for file in planned.files))
    unfinished = Unfinished(repository=planned.repository, subject=planned.subject, archive=planned.archive + CHECKPOINT_SUFFIX)
    writing.record.add_unfinished(unfinished)
    context.emit(
        ArchiveStarted(job=planned.job, subject=planned.subject, name=planned.name, archive=planned.archive, node=planned.node)
    )
    repository = writing.borg.repository.path
    told = notes.texts(context.policy, manifest, writing.inventory, source, repository=repository)
    with notes.written(writing.record.room(), told) as about:
        total = sum(file.size or 0 for file in manifest.files)
        created, takeover = take_over(
            context,
            planned,
            writing.reuse,
            lambda telling, cached: _write(
                writing, source, unfinished.archive, about=about, total=total, telling=telling, cached=cached
            ),
        )
    writing.prove()
    items = writing.look(planned, "list", lambda: writing.borg.list_files(unfinished.archive))
    changed = _changed(source, created)
    if source.patterns is None:
        doubts = _compare_files(manifest, items, about=about, changed=changed, told=created.warnings)
    else:
        doubts = _compare_roots(source, items, told=created.warnings)
    planned = _give_name(writing, unfinished, planned)
    writing.record.drop_unfinished(unfinished)
    reading = _reading(writing, planned, created, items=items, changed=changed)
    context.catalog.record_archive(manifest, reading, planned.repository)
    if takeover is not None:
        takeover = replace(takeover, archive=planned.archive)
        context.catalog.record_takeover(takeover)
    writing.stands(manifest, reading)
    warnings = (*planned.warnings, *doubts)
    context.emit(_finished(planned, manifest, reading, warnings, takeover))
    return warnings


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


def as_it_is(planned: PlannedFile) -> ArchivedFile:
    """Return a file with its size and time of this moment. Raises BorgClusterError if it is no file, OSError if it's gone."""
    found = os.stat(planned.local_path, follow_symlinks=False)  # noqa: PTH116 - names that aren't UTF-8 as well
    if not stat.S_ISREG(found.st_mode):
        raise BorgClusterError(f"{planned.local_path} is not a regular file")
    return replace(planned.file, size=found.st_size, mtime_ns=found.st_mtime_ns)


def _write(  # noqa: PLR0913 - what is written, and how
    writing: Writing,
    source: Source,
    archive: str,
    *,
    about: notes.Notes,
    total: int,
    telling: Telling | None,
    cached: bool,
) -> Created:
    planned = source.archive
    job = writing.job

    def heed(done: int, _: int, path: str | None) -> None:
        writing.context.emit(Progress(subject=planned.subject, done=done, total=total, path=path))

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
        return writing.borg.create(archive, comment=planned.comment, options=options, paths=paths, heed=heed, telling=telling)
    patterns = (*source.patterns, f"R {about.root}/.")
    return writing.borg.create(
        archive, comment=planned.comment, options=options, paths=source.paths, patterns=patterns, heed=heed
    )


def _changed(source: Source, created: Created) -> tuple[str, ...]:
    """Return the archive paths of the files that borg saw change; it shows source paths, and '?' for what isn't UTF-8."""
    prefixes = {f"{_shown(folder)}/": f"{name}/" for name, folder in source.view.folders.items()}
    exact = {_shown(posixpath.normpath(path)): path.partition("/./")[2] for path in source.paths}
    found: list[str] = []
    for path in created.changed:
        prefix = next((prefix for prefix in prefixes if path.startswith(prefix)), None)
        found.append(exact.get(path, path) if prefix is None else prefixes[prefix] + path.removeprefix(prefix))
    return tuple(found)


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode("utf-8")


def _compare_files(
    manifest: Manifest, items: tuple[StoredFile, ...], *, about: notes.Notes, changed: tuple[str, ...], told: tuple[str, ...]
) -> tuple[str, ...]:
    """Return warnings where a live file changed while it was read. Raises BorgFailed where the archive isn't the manifest's.

    ``told`` are borg's own warnings, which give the reason for a file that is missing.
    """
    stored = {item.path: item for item in items}
    wanted = {file.archive_path for file in manifest.files} | about.names
    wrong = [f"{path}{_MISSING}" for path in sorted(wanted - stored.keys())]
    wrong += [f"{path} is not in the manifest" for path in sorted(stored.keys() - wanted)]
    wrong += [f"{item.path} is no regular file" for item in items if item.kind != "-"]
    moved = [f"{path} changed while it was read" for path in changed]
    for file in manifest.files:
        item = stored.get(file.archive_path)
        if item is not None and item.size != file.size:
            moved.append(f"{file.archive_path} has {item.size} bytes instead of {file.size}")
    if manifest.consistency is not Consistency.NONE:
        wrong += moved  # nothing was to write to it
        moved = []
    if wrong:
        reasons = "; ".join(_brief((*wrong, *told)))
        fault = Fault.SHARE_HICCUP if _only_missing(wrong) else None
        raise BorgFailed(f"the archive is not what it should be: {reasons}", hint="run the job again", fault=fault)
    return _brief(tuple(moved))


def _only_missing(wrong: list[str]) -> bool:
    """Return whether files could not be read, and nothing else is wrong: a share may have been away."""
    return all(one.endswith(_MISSING) for one in wrong)


def _compare_roots(source: Source, items: tuple[StoredFile, ...], *, told: tuple[str, ...]) -> tuple[str, ...]:
    """Return borg's warnings about single files. Raises BorgFailed if a root that is there is not in the archive."""
    stored = {item.path for item in items}
    lines = source.patterns or ()
    missing: list[str] = []
    for root in source.view.roots:
        base, _, name = root.partition("/./")
        place = f"{base}/{name}"
        if name not in stored and os.path.lexists(place) and (root in source.paths or explain(lines, place).included):
            missing.append(name)
    if missing or not stored - {FOLDER, *notes.NOTES}:
        what = ", ".join(_brief(tuple(missing))) or source.archive.name
        message = f"the archive holds nothing of {what}: {'; '.join(_brief(told))}"
        raise BorgFailed(message, fault=Fault.SHARE_HICCUP)
    return _brief(told)


def _reading(
    writing: Writing, planned: PlannedArchive, created: Created, *, items: tuple[StoredFile, ...], changed: tuple[str, ...]
) -> Reading:
    found = writing.look(planned, "id", lambda: writing.borg.list_archives(planned.archive))
    listed = next((one for one in found if one.name == planned.archive), None)
    return Reading(
        archive_id=created.archive_id if listed is None else listed.archive_id,
        archive_name=planned.archive,
        original_size=created.original_size,
        deduplicated_size=created.deduplicated_size,
        seconds=created.seconds,
        chunk_hashes={item.path: item.chunk_hash for item in items if item.chunk_hash and item.path not in notes.NOTES},
        changed_while_read=changed,
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


def _brief(lines: tuple[str, ...]) -> tuple[str, ...]:
    more = len(lines) - _MOST_WARNINGS
    return lines if more <= 0 else (*lines[:_MOST_WARNINGS], f"and {more} more")
