"""What retention and schedules ask: how the newest attempt at each archive ended, and when upkeep last went well."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

from borg_cluster.catalog.connection import Connected


class AttemptState(StrEnum):
    """How an attempt at an archive ended."""

    STARTED = "started"
    """It has not ended, or the process was killed."""
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """The newest attempt of a job at a subject's archive. ``archive`` is its name where it got so far; ``at`` ISO, UTC."""

    cluster: str
    job: str
    subject: str
    name: str
    archive: str | None
    at: str
    state: AttemptState
    reason: str | None


class UpkeepRecords(Connected):
    """The tables of attempts and of upkeep."""

    def record_attempt(self, attempt: Attempt) -> None:
        """Keep an attempt in place of the one before, of the same job at the same subject."""
        with self._transaction():
            self._put("attempt", asdict(attempt) | {"state": attempt.state.value})

    def attempts(self, cluster: str) -> tuple[Attempt, ...]:
        """Return the newest attempt of each job at each subject, oldest first."""
        rows = self._rows("SELECT * FROM attempt WHERE cluster = ? ORDER BY at, job, subject", cluster)
        return tuple(Attempt(**(dict(row) | {"state": AttemptState(row["state"])})) for row in rows)

    def record_upkeep(self, cluster: str, repository: str, action: str, at: datetime) -> None:
        """Keep when an action (the kind of a check, 'compact') went well on a repository."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO upkeep VALUES (?, ?, ?, ?)",
                (cluster, repository, action, at.astimezone(UTC).isoformat()),
            )

    def upkeep(self, cluster: str, repository: str) -> dict[str, datetime]:
        """Return when each action last went well on a repository."""
        rows = self._rows("SELECT action, at FROM upkeep WHERE cluster = ? AND repository = ?", cluster, repository)
        return {row["action"]: datetime.fromisoformat(row["at"]) for row in rows}
