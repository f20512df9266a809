"""The sink that keeps how each attempt at an archive ended, so that retention knows whose newest one failed."""

from collections.abc import Callable
from datetime import UTC, datetime

from borg_cluster.catalog import Attempt, AttemptState, Catalog
from borg_cluster.core.event import ArchiveFailed, ArchiveFinished, ArchiveStarted, Event


def attempt_recorder(catalog: Catalog, cluster: str, clock: Callable[[], datetime]) -> Callable[[Event], None]:
    """Return the sink. It raises Refused if the catalog can't be written: what is not known must not be pruned."""

    def record(event: Event) -> None:
        match event:
            case ArchiveStarted(archive=archive):
                keep(event, AttemptState.STARTED, archive=archive)
            case ArchiveFinished(archive=archive):
                keep(event, AttemptState.DONE, archive=archive)
            case ArchiveFailed(reason=reason, refused=refused):
                keep(event, AttemptState.REFUSED if refused else AttemptState.FAILED, reason=reason)
            case _:
                pass

    def keep(
        event: ArchiveStarted | ArchiveFinished | ArchiveFailed,
        state: AttemptState,
        *,
        archive: str | None = None,
        reason: str | None = None,
    ) -> None:
        catalog.record_attempt(
            Attempt(
                cluster=cluster,
                job=event.job,
                subject=event.subject,
                name=event.name,
                archive=archive,
                at=clock().astimezone(UTC).isoformat(),
                state=state,
                reason=reason,
            )
        )

    return record
