"""What an archive that is made from changed blocks builds on: our reference points, and what each archive took over unread."""

import json
from dataclasses import asdict, dataclass

from borg_cluster.catalog.connection import Connected
from borg_cluster.core.change_tracking import KnownPoint, TrackedDisk


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """How an archive's disks were read, in bytes: ``unread`` taken over from ``base``, ``read``, ``compared``.

    ``reasons`` say why disks were read in full; ``suspect`` why the archive is not to be trusted, None as long as it is.
    """

    repository: str
    archive: str
    base: str | None
    unread: int
    read: int
    compared: int
    reasons: tuple[str, ...]
    suspect: str | None = None


class TrackingRecords(Connected):
    """The tables of reference points and of what was taken over."""

    def record_point(self, point: KnownPoint) -> None:
        """Keep a reference point that stands; nothing is under way for its VM and repository any more."""
        with self._transaction():
            self._put("reference_point", asdict(point) | {"disks": json.dumps([asdict(disk) for disk in point.disks])})
            self._end_point(point.cluster, point.vm_id, point.repository)

    def points(self, cluster: str, vm_id: str, repository: str | None = None) -> tuple[KnownPoint, ...]:
        """Return our reference points of a VM, in one repository or all, newest first."""
        rows = self._rows(
            "SELECT * FROM reference_point WHERE cluster = ?1 AND vm_id = ?2 AND (?3 IS NULL OR repository = ?3)"
            " ORDER BY number DESC, rowid DESC",
            cluster,
            vm_id,
            repository,
        )
        return tuple(KnownPoint(**(dict(row) | {"disks": _disks(row["disks"])})) for row in rows)

    def drop_point(self, cluster: str, point_id: str) -> None:
        """Forget a reference point that is gone; harmless if it is not known."""
        with self._transaction():
            self._connection.execute("DELETE FROM reference_point WHERE cluster = ? AND point_id = ?", (cluster, point_id))

    def begin_point(self, cluster: str, vm_id: str, repository: str, before: tuple[str, ...]) -> None:
        """Note that a reference point is about to be made, and which ones there were ``before``: it is told apart by that."""
        with self._transaction():
            begun = {"cluster": cluster, "vm_id": vm_id, "repository": repository, "before": json.dumps(before)}
            self._put("point_begun", begun)

    def point_begun(self, cluster: str, vm_id: str, repository: str) -> frozenset[str] | None:
        """Return the points that there were before one was begun whose end nobody saw; None: there is no such."""
        rows = self._rows(
            "SELECT before FROM point_begun WHERE cluster = ? AND vm_id = ? AND repository = ?", cluster, vm_id, repository
        )
        return next((frozenset(json.loads(row["before"])) for row in rows), None)

    def end_point(self, cluster: str, vm_id: str, repository: str) -> None:
        """Note that nothing is under way any more."""
        with self._transaction():
            self._end_point(cluster, vm_id, repository)

    def _end_point(self, cluster: str, vm_id: str, repository: str) -> None:
        statement = "DELETE FROM point_begun WHERE cluster = ? AND vm_id = ? AND repository = ?"
        self._connection.execute(statement, (cluster, vm_id, repository))

    def record_takeover(self, takeover: Takeover) -> None:
        """Keep how an archive's disks were read."""
        with self._transaction():
            self._put("takeover", asdict(takeover) | {"reasons": json.dumps(takeover.reasons)})

    def takeovers(self, repository: str) -> dict[str, Takeover]:
        """Return how the archives of a repository were read, as far as changed blocks were thought of, by archive."""
        rows = self._rows("SELECT * FROM takeover WHERE repository = ?", repository)
        return {row["archive"]: Takeover(**(dict(row) | {"reasons": tuple(json.loads(row["reasons"]))})) for row in rows}

    def suspects(self, repository: str) -> dict[str, str]:
        """Return the archives of a repository that are not to be trusted, and why."""
        rows = self._rows("SELECT archive, suspect FROM takeover WHERE repository = ? AND suspect IS NOT NULL", repository)
        return {row["archive"]: row["suspect"] for row in rows}

    def mark_suspect(self, repository: str, subject: str, reason: str) -> tuple[str, ...]:
        """Mark the archives of a VM of which anything was taken over unread; return their names."""
        with self._transaction():
            rows = self._connection.execute(
                "UPDATE takeover SET suspect = ?1 WHERE repository = ?2 AND unread > 0 AND suspect IS NULL AND archive IN"
                " (SELECT archive FROM archive WHERE repository = ?2 AND subject = ?3) RETURNING archive",
                (reason, repository, subject),
            ).fetchall()
        return tuple(sorted(row["archive"] for row in rows))


def _disks(text: str) -> tuple[TrackedDisk, ...]:
    return tuple(TrackedDisk(**(disk | {"chain": tuple(disk["chain"])})) for disk in json.loads(text))
