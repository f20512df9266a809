"""Which repository each VM and volume is in, so that it stays there: by its newest archive, or because it was sent there by hand.

If the file is lost, so is what was sent by hand and has no archive there yet; the archives are found again by their manifests.
"""

from datetime import UTC, datetime

from borg_cluster.catalog.connection import Connected
from borg_cluster.core.assignment import Remembered


class HomeRecords(Connected):
    """The table of what was sent by hand, and the newest archives."""

    def remembered(self, cluster: str) -> Remembered:
        """Return where the subjects of a cluster are."""
        newest = self._rows(
            "SELECT job, subject, repository FROM (SELECT job, subject, repository,"
            " row_number() OVER (PARTITION BY job, subject ORDER BY created_at DESC, number DESC) AS place"
            " FROM archive WHERE cluster = ?) WHERE place = 1",
            cluster,
        )
        told = self._rows("SELECT subject, repository FROM home WHERE cluster = ?", cluster)
        return Remembered(
            archives={(row["job"], row["subject"]): row["repository"] for row in newest},
            told={row["subject"]: row["repository"] for row in told},
        )

    def send(self, cluster: str, subject: str, repository: str, at: datetime) -> None:
        """Keep that a subject goes into a repository from now on."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO home (cluster, subject, repository, at) VALUES (?, ?, ?, ?)",
                (cluster, subject, repository, at.astimezone(UTC).isoformat()),
            )
