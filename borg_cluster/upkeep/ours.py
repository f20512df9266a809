"""Which archives of a repository are ours: by their names and what the catalog has of them, else by their own manifests."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from borg_cluster.borg import ListedArchive
from borg_cluster.borg_upkeep import UpkeepBorg
from borg_cluster.catalog import RecordedArchive, manifest_from_json
from borg_cluster.context import Context
from borg_cluster.core.archive import CHECKPOINT_SUFFIX, MANIFEST_NOTE, Manifest, Reading, archive_name
from borg_cluster.core.event import Warned
from borg_cluster.core.retention import Candidate
from borg_cluster.errors import BorgFailed
from borg_cluster.run_record import RunRecord

_CHECKPOINT = re.compile(r"\.checkpoint(\.\d+)?$")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_MARK = "SUBJECT0OF0IT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a repository holds: archives of ours, and the names of those that somebody still works on."""

    ours: tuple[Candidate, ...]
    awaiting: tuple[str, ...]


def look(context: Context, borg: UpkeepBorg) -> Found:
    """List a repository and set the catalog right by it: what is gone is forgotten, what is ours and unknown is taken in."""
    label = borg.repository.label
    # the catalog first: what is in it by now is in the repository, whatever else a backup that runs beside us adds
    known = {row.archive: row for row in context.catalog.archives(context.policy.cluster) if row.repository == label}
    listed = borg.list_archives()
    _forget(context, label, known, listed)
    shape = name_shape(context.policy.archive_name_format, context.policy.cluster)
    ours: list[Candidate] = []
    for archive in listed:
        if _CHECKPOINT.search(archive.name):
            continue
        row = known.get(archive.name)
        if row is not None and row.archive_id == archive.archive_id:
            ours.append(_candidate(row))
        elif shape.fullmatch(archive.name) and (manifest := _read_manifest(context, borg, archive)) is not None:
            ours.append(_take_in(context, borg, archive, manifest))
    return Found(ours=tuple(ours), awaiting=_awaiting(context, label, listed))


def name_shape(template: str, cluster: str) -> re.Pattern[str]:
    """Return what the names of this cluster's archives look like by ``archive_name_format``."""
    example = archive_name(template, cluster=cluster, subject=_MARK, at=datetime(2000, 1, 1, tzinfo=UTC))
    head, _, rest = example.replace(_MARK, "\0", 1).partition("\0")
    parts = [_TIME.pattern.join(re.escape(part) for part in _TIME.split(text)) for text in (head, rest)]
    return re.compile(".+".join(parts) + r"(_\d+)?")


def _forget(context: Context, label: str, known: dict[str, RecordedArchive], listed: tuple[ListedArchive, ...]) -> None:
    """A catalog that holds an archive for good which is gone would leave the VM's files out of its volume's archive."""
    there = {archive.name: archive.archive_id for archive in listed}
    for name, row in known.items():
        if there.get(name) != row.archive_id:
            context.catalog.forget_archive(label, name)
            if name not in there:
                message = f"{row.name}: its archive {name} is gone from the repository {label}; the catalog forgets it"
                context.emit(Warned(subject=row.subject, message=message, hint=None))


def _candidate(row: RecordedArchive) -> Candidate:
    return Candidate(
        archive=row.archive,
        repository=row.repository,
        job=row.job,
        subject=row.subject,
        name=row.name,
        made_at=moment(row.created_at),
    )


def moment(text: str) -> datetime:
    """Return ISO time; UTC, if it says nothing else."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _read_manifest(context: Context, borg: UpkeepBorg, archive: ListedArchive) -> Manifest | None:
    """Return the manifest of an archive of ours; None for one that has none, none that we can read, or another cluster's."""
    try:
        manifest = manifest_from_json(borg.read_file(archive.name, MANIFEST_NOTE))
    except (BorgFailed, ValueError):
        return None
    return manifest if manifest.cluster == context.policy.cluster else None


def _take_in(context: Context, borg: UpkeepBorg, archive: ListedArchive, manifest: Manifest) -> Candidate:
    """Put an archive that the catalog lost into it again; of the chunks of its files there is no record then."""
    (told,) = borg.info(archive.name)["archives"]
    reading = Reading(
        archive_id=archive.archive_id,
        archive_name=archive.name,
        original_size=told["stats"]["original_size"],
        deduplicated_size=told["stats"]["deduplicated_size"],
        seconds=told["duration"],
        chunk_hashes={},
        changed_while_read=(),
    )
    context.catalog.record_archive(manifest, reading, borg.repository.label)
    return Candidate(
        archive=archive.name,
        repository=borg.repository.label,
        job=manifest.job,
        subject=manifest.subject,
        name=manifest.name,
        made_at=moment(manifest.created_at),
    )


def _awaiting(context: Context, label: str, listed: tuple[ListedArchive, ...]) -> tuple[str, ...]:
    """Return the ``.checkpoint`` archives that somebody may still be writing or comparing: all but those of our dead runs."""
    left: list[str] = []
    for record in RunRecord.adopt(context.state, cluster=context.policy.cluster):
        left += [one.archive for one in record.unfinished if one.repository == label]
        record.close()
    return tuple(
        archive.name
        for archive in listed
        if _CHECKPOINT.search(archive.name) and not any(_is_of(archive.name, dead) for dead in left)
    )


def _is_of(name: str, dead: str) -> bool:
    """Return whether an archive is a dead run's, or a checkpoint that borg made of that."""
    return name == dead or name.startswith(f"{dead}{CHECKPOINT_SUFFIX}")
