"""What the catalog's rows are to others. Times are ISO 8601 text in UTC, sizes bytes."""

from dataclasses import dataclass

from borg_cluster.core.archive import Manifest, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedInventory:
    """An inventory that is kept; identical consecutive ones share a row."""

    number: int
    cluster: str
    first_taken: str
    last_taken: str
    virtual_machines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedArchive:
    """An archive that stands under its final name."""

    cluster: str
    archive: str
    archive_id: str
    repository: str
    kind: str
    """'virtual_machine' or 'volume'."""
    subject: str
    """VM id, or the volume's name."""
    name: str
    job: str
    run_id: str
    created_at: str
    consistency: str
    files: int
    original_size: int
    deduplicated_size: int
    seconds: float
    changed_while_read: tuple[str, ...]
    """Source paths: what an archive of live files is in doubt of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One call of a verb. ``run_id`` is the batch number of its archives; ``exit_code`` as the process ended."""

    run_id: str
    cluster: str
    verb: str
    started_at: str
    finished_at: str
    exit_code: int
    done: int
    failed: int
    warnings: int
    retries: int = 0
    told: int | None = None
    """The number of the newest change that its summary told of, or could have."""
    rebuilt: bool = False
    """True: the catalog was lost, and what is known is what the run's archives tell: not what failed in it, nor how it ended."""


def archive_row(manifest: Manifest, reading: Reading, repository: str) -> RecordedArchive:
    """Return the row of an archive."""
    return RecordedArchive(
        cluster=manifest.cluster,
        archive=reading.archive_name,
        archive_id=reading.archive_id,
        repository=repository,
        kind=manifest.kind.value,
        subject=manifest.subject,
        name=manifest.name,
        job=manifest.job,
        run_id=manifest.run_id,
        created_at=manifest.created_at,
        consistency=manifest.consistency.value,
        files=len(reading.chunk_hashes) or len(manifest.files),
        original_size=reading.original_size,
        deduplicated_size=reading.deduplicated_size,
        seconds=reading.seconds,
        changed_while_read=reading.changed_while_read,
    )
