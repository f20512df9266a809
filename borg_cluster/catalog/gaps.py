"""What the catalog once knew and lost: each time it had to be begun anew is kept, so that nobody takes its silence for peace."""

from dataclasses import asdict, dataclass, fields

from borg_cluster.catalog.connection import Connected


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The history of a cluster up to ``until`` (ISO, UTC) is lost, for ``reason``.

    ``archives`` of it were found in the repositories, of ``runs`` runs; ``oldest`` is when the first of them was made.
    """

    cluster: str
    until: str
    reason: str
    archives: int
    runs: int
    oldest: str | None


class GapRecords(Connected):
    """The table of gaps."""

    def record_gap(self, gap: Gap) -> None:
        """Keep that history was lost."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO gap (cluster, until, reason, archives, runs, oldest)"
                " VALUES (:cluster, :until, :reason, :archives, :runs, :oldest)",
                asdict(gap),
            )

    def gaps(self, cluster: str) -> tuple[Gap, ...]:
        """Return the gaps in a cluster's history, oldest first."""
        rows = self._rows("SELECT * FROM gap WHERE cluster = ? ORDER BY number", cluster)
        return tuple(Gap(**{field.name: row[field.name] for field in fields(Gap)}) for row in rows)
