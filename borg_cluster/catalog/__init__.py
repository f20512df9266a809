"""Facts kept over time, in one SQLite file for all clusters: inventories, history, runs and archives.

WAL: one process writes while others read. What is in here can be lost without losing an archive; only history goes.
"""

import hashlib
import json
import sqlite3
import zlib
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import TypeVar

from borg_cluster.catalog.gaps import Gap, GapRecords
from borg_cluster.catalog.homes import HomeRecords
from borg_cluster.catalog.rows import RecordedArchive, RecordedInventory, Run, archive_row
from borg_cluster.catalog.text import inventory_from_json, inventory_to_json, manifest_from_json, manifest_to_json
from borg_cluster.catalog.tracking import Takeover, TrackingRecords
from borg_cluster.catalog.upkeep import Attempt, AttemptState, UpkeepRecords
from borg_cluster.core.archive import CLOCK_SKEW, ArchiveKind, Manifest, Reading
from borg_cluster.core.backup_plan import GoodArchive
from borg_cluster.core.history import Change, ChangeKind, Sighting, observe
from borg_cluster.core.inventory import Inventory

__all__ = [
    "Attempt",
    "AttemptState",
    "Catalog",
    "Gap",
    "RecordedArchive",
    "RecordedInventory",
    "Run",
    "Takeover",
    "inventory_from_json",
    "inventory_to_json",
    "manifest_from_json",
    "manifest_to_json",
]

Row = TypeVar("Row", RecordedArchive, RecordedInventory, Run)

KEPT_INVENTORIES = 100
"""Whole inventories of a cluster that are kept; what changed before lives on in the history."""
_FAST = 1
"""zlib's level: thrice as fast as the default, a tenth larger."""


class Catalog(UpkeepRecords, GapRecords, TrackingRecords, HomeRecords):
    """The open catalog. Use it as a context manager, or close it. Its methods raise Refused if SQLite fails."""

    def record_inventory(self, inventory: Inventory) -> tuple[Change, ...]:
        """Keep an inventory; return (and keep) what changed since all that was recorded before."""
        cluster = inventory.cluster
        with self._transaction():
            self._keep(inventory)
            changes, known = observe(self._sightings(cluster), inventory)
            self._connection.execute("DELETE FROM sighting WHERE cluster = ?", (cluster,))
            self._connection.executemany(
                "INSERT INTO sighting VALUES (?, ?, ?, ?, ?, ?)",
                ((cluster, it.vm_id, it.name, it.node, it.highly_available, json.dumps(it.storage)) for it in known),
            )
            self._connection.executemany(
                "INSERT INTO change (cluster, vm_id, name, kind, at, was, now) VALUES (?, ?, ?, ?, ?, ?, ?)",
                ((cluster, it.vm_id, it.name, it.kind.value, it.at, it.was, it.now) for it in changes),
            )
        return changes

    def _keep(self, inventory: Inventory) -> None:
        """Store the inventory, or move the end of the newest row if that is the same but for its time."""
        cluster, taken_at = inventory.cluster, inventory.taken_at
        text = inventory_to_json(replace(inventory, taken_at=""))
        digest = hashlib.sha256(text.encode("ascii")).digest()
        newest = self._connection.execute(
            "SELECT number, digest FROM inventory WHERE cluster = ? ORDER BY number DESC LIMIT 1", (cluster,)
        ).fetchone()
        if newest is not None and newest["digest"] == digest:
            self._connection.execute("UPDATE inventory SET last_taken = ? WHERE number = ?", (taken_at, newest["number"]))
            return
        self._connection.execute(
            "INSERT INTO inventory (cluster, first_taken, last_taken, virtual_machines, digest, content)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (cluster, taken_at, taken_at, len(inventory.virtual_machines), digest, _pack(text)),
        )
        self._connection.execute(
            "DELETE FROM inventory WHERE cluster = ?1 AND number NOT IN"
            " (SELECT number FROM inventory WHERE cluster = ?1 ORDER BY number DESC LIMIT ?2)",
            (cluster, KEPT_INVENTORIES),
        )

    def _sightings(self, cluster: str) -> tuple[Sighting, ...]:
        return tuple(
            Sighting(
                vm_id=row["vm_id"],
                name=row["name"],
                node=row["node"],
                highly_available=bool(row["highly_available"]),
                storage=tuple(json.loads(row["storage"])),
            )
            for row in self._rows("SELECT * FROM sighting WHERE cluster = ?", cluster)
        )

    def latest_inventory(self, cluster: str) -> Inventory | None:
        """Return the newest inventory of a cluster, taken when it was last seen to hold.

        None: there is none, or another version wrote it and this one can't read it; both mean to discover.
        """
        rows = self._rows("SELECT last_taken, content FROM inventory WHERE cluster = ? ORDER BY number DESC LIMIT 1", cluster)
        try:
            return next((_inventory(row) for row in rows), None)
        except ValueError:
            return None

    def inventories(self, cluster: str) -> tuple[RecordedInventory, ...]:
        """Return the rows of the inventories that are kept, oldest first."""
        rows = self._rows("SELECT * FROM inventory WHERE cluster = ? ORDER BY number", cluster)
        return tuple(_row(RecordedInventory, row) for row in rows)

    def inventory(self, number: int) -> Inventory | None:
        """Return the inventory of a row, or None if it is kept no more."""
        rows = self._rows("SELECT last_taken, content FROM inventory WHERE number = ?", number)
        return next((_inventory(row) for row in rows), None)

    def history(self, cluster: str, vm_id: str | None = None) -> tuple[Change, ...]:
        """Return what happened, oldest first; to one VM, or to all."""
        return self._changes("(?2 IS NULL OR vm_id = ?2)", cluster, vm_id)

    def changes_after(self, cluster: str, number: int) -> tuple[Change, ...]:
        """Return what happened after the change of that number, oldest first."""
        return self._changes("number > ?2", cluster, number)

    def newest_change(self, cluster: str) -> int:
        """Return the number of the newest change, 0 if there is none."""
        return int(self._rows("SELECT max(number) AS newest FROM change WHERE cluster = ?", cluster)[0]["newest"] or 0)

    def _changes(self, condition: str, cluster: str, value: object) -> tuple[Change, ...]:
        rows = self._rows(f"SELECT * FROM change WHERE cluster = ?1 AND {condition} ORDER BY number", cluster, value)  # noqa: S608
        return tuple(
            Change(
                vm_id=row["vm_id"],
                name=row["name"],
                kind=ChangeKind(row["kind"]),
                at=row["at"],
                was=row["was"],
                now=row["now"],
            )
            for row in rows
        )

    def record_archive(self, manifest: Manifest, reading: Reading, repository: str) -> None:
        """Keep an archive that stands under its final name; recorded again, the newer record counts."""
        with self._transaction():
            self._forget(repository, reading.archive_name)
            cursor = self._connection.execute(
                "INSERT INTO archive (cluster, archive, archive_id, repository, kind, subject, name, job, run_id, created_at,"
                " consistency, files, original_size, deduplicated_size, seconds, changed_while_read, manifest)"
                " VALUES (:cluster, :archive, :archive_id, :repository, :kind, :subject, :name, :job, :run_id, :created_at,"
                " :consistency, :files, :original_size, :deduplicated_size, :seconds, :changed_while_read, :manifest)",
                asdict(archive_row(manifest, reading, repository))
                | {"changed_while_read": json.dumps(reading.changed_while_read), "manifest": _pack(manifest_to_json(manifest))},
            )
            self._connection.executemany(
                "INSERT INTO chunk_hash VALUES (?, ?, ?)",
                ((cursor.lastrowid, _path_bytes(path), digest) for path, digest in reading.chunk_hashes.items()),
            )

    def forget_archive(self, repository: str, archive: str) -> None:
        """Drop an archive that was deleted; harmless if it is not known."""
        with self._transaction():
            self._forget(repository, archive)

    def _forget(self, repository: str, archive: str) -> None:
        for table in ("archive", "takeover"):
            statement = f"DELETE FROM {table} WHERE repository = ? AND archive = ?"  # noqa: S608 - two names of our own
            self._connection.execute(statement, (repository, archive))

    def archives(self, cluster: str, subject: str | None = None) -> tuple[RecordedArchive, ...]:
        """Return archives, oldest first; of one subject (VM id or volume name), or of all."""
        rows = self._rows(
            "SELECT cluster, archive, archive_id, repository, kind, subject, name, job, run_id, created_at, consistency, files,"
            " original_size, deduplicated_size, seconds, changed_while_read FROM archive"
            " WHERE cluster = ?1 AND (?2 IS NULL OR subject = ?2) ORDER BY created_at, number",
            cluster,
            subject,
        )
        return tuple(_archive(row) for row in rows)

    def good_archives(self, cluster: str, now: datetime | None = None) -> tuple[GoodArchive, ...]:
        """Return the newest archive of each VM, by VM id. Only whole ones are ever recorded.

        One that is dated after ``now``, since the clock was wrong, counts only where there is no other.
        """
        latest = "9999" if now is None else (now + CLOCK_SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows = self._rows(
            "SELECT subject, archive, created_at, job, manifest FROM archive WHERE number IN (SELECT number FROM"
            " (SELECT number, row_number() OVER"
            " (PARTITION BY subject ORDER BY created_at > ?3, created_at DESC, number DESC) AS place"
            " FROM archive WHERE cluster = ?1 AND kind = ?2) WHERE place = 1) ORDER BY subject",
            cluster,
            ArchiveKind.VIRTUAL_MACHINE.value,
            latest,
        )
        return tuple(
            GoodArchive(
                vm_id=row["subject"],
                archive=row["archive"],
                created_at=row["created_at"],
                job=row["job"],
                archive_paths=tuple(file["archive_path"] for file in json.loads(_unpack(row["manifest"]))["files"]),
            )
            for row in rows
        )

    def manifest(self, repository: str, archive: str) -> Manifest | None:
        """Return the manifest of an archive, or None if it is not known."""
        rows = self._rows("SELECT manifest FROM archive WHERE repository = ? AND archive = ?", repository, archive)
        return next((manifest_from_json(_unpack(row["manifest"])) for row in rows), None)

    def chunk_hashes(self, repository: str, archive: str) -> dict[str, str]:
        """Return archive path -> hash of the file's ordered chunk ids; empty for an archive that is not known."""
        rows = self._rows(
            "SELECT path, hash FROM chunk_hash WHERE archive ="
            " (SELECT number FROM archive WHERE repository = ? AND archive = ?) ORDER BY path",
            repository,
            archive,
        )
        return {row["path"].decode("utf-8", "surrogatepass"): row["hash"] for row in rows}

    def record_run(self, run: Run) -> None:
        """Keep how a verb ended; recorded again (a run that was resumed), the newer record counts."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO run (run_id, cluster, verb, started_at, finished_at, exit_code, done, failed, warnings,"
                " retries, told, rebuilt)"
                " VALUES (:run_id, :cluster, :verb, :started_at, :finished_at, :exit_code, :done, :failed, :warnings,"
                " :retries, :told, :rebuilt)",
                asdict(run),
            )

    def runs(self, cluster: str) -> tuple[Run, ...]:
        """Return what was run, oldest first."""
        rows = self._rows("SELECT * FROM run WHERE cluster = ? ORDER BY started_at, run_id, verb", cluster)
        return tuple(replace(_row(Run, row), rebuilt=bool(row["rebuilt"])) for row in rows)


def _row(kind: type[Row], row: sqlite3.Row) -> Row:
    return kind(**{field.name: row[field.name] for field in fields(kind)})


def _archive(row: sqlite3.Row) -> RecordedArchive:
    return replace(_row(RecordedArchive, row), changed_while_read=tuple(json.loads(row["changed_while_read"])))


def _inventory(row: sqlite3.Row) -> Inventory:
    return replace(inventory_from_json(_unpack(row["content"])), taken_at=row["last_taken"])


def _pack(text: str) -> bytes:
    return zlib.compress(text.encode("ascii"), _FAST)


def _unpack(content: bytes) -> bytes:
    return zlib.decompress(content)


def _path_bytes(path: str) -> bytes:
    """Return a path as bytes, whatever it holds: a name that is no UTF-8 comes as lone surrogates."""
    return path.encode("utf-8", "surrogatepass")
