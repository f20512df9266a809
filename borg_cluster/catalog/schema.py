"""The catalog's file: its tables, and how it is opened."""

import os
import sqlite3
from pathlib import Path

from borg_cluster.errors import CatalogDamaged, Refused

_BUSY_SECONDS = 30
_FIRST = """
CREATE TABLE inventory (
    number INTEGER PRIMARY KEY, cluster TEXT NOT NULL, first_taken TEXT NOT NULL, last_taken TEXT NOT NULL,
    virtual_machines INTEGER NOT NULL, digest BLOB NOT NULL, content BLOB NOT NULL
) STRICT;
CREATE INDEX inventory_of_cluster ON inventory (cluster, number);
CREATE TABLE sighting (
    cluster TEXT NOT NULL, vm_id TEXT NOT NULL, name TEXT NOT NULL, node TEXT, highly_available INTEGER NOT NULL,
    storage TEXT NOT NULL, PRIMARY KEY (cluster, vm_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE change (
    number INTEGER PRIMARY KEY, cluster TEXT NOT NULL, vm_id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    at TEXT NOT NULL, was TEXT, now TEXT
) STRICT;
CREATE INDEX change_of_vm ON change (cluster, vm_id, number);
CREATE TABLE archive (
    number INTEGER PRIMARY KEY, cluster TEXT NOT NULL, archive TEXT NOT NULL, archive_id TEXT NOT NULL,
    repository TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, job TEXT NOT NULL,
    run_id TEXT NOT NULL, created_at TEXT NOT NULL, consistency TEXT NOT NULL, files INTEGER NOT NULL,
    original_size INTEGER NOT NULL, deduplicated_size INTEGER NOT NULL, seconds REAL NOT NULL, manifest BLOB NOT NULL,
    UNIQUE (repository, archive)
) STRICT;
CREATE INDEX archive_of_subject ON archive (cluster, kind, subject, created_at);
CREATE TABLE chunk_hash (
    archive INTEGER NOT NULL REFERENCES archive (number) ON DELETE CASCADE, path BLOB NOT NULL, hash TEXT NOT NULL,
    PRIMARY KEY (archive, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE run (
    run_id TEXT NOT NULL, verb TEXT NOT NULL, cluster TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT NOT NULL,
    exit_code INTEGER NOT NULL, done INTEGER NOT NULL, failed INTEGER NOT NULL, warnings INTEGER NOT NULL,
    PRIMARY KEY (cluster, run_id, verb)
) STRICT, WITHOUT ROWID;
"""
_UPKEEP = """
CREATE TABLE attempt (
    cluster TEXT NOT NULL, job TEXT NOT NULL, subject TEXT NOT NULL, name TEXT NOT NULL, archive TEXT, at TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT, PRIMARY KEY (cluster, job, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE upkeep (
    cluster TEXT NOT NULL, repository TEXT NOT NULL, action TEXT NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (cluster, repository, action)
) STRICT, WITHOUT ROWID;
"""
_CHANGED_FILES = "ALTER TABLE archive ADD COLUMN changed_while_read TEXT NOT NULL DEFAULT '[]'"
"""A JSON list of source paths."""
_GAPS = """
CREATE TABLE gap (
    number INTEGER PRIMARY KEY, cluster TEXT NOT NULL, until TEXT NOT NULL, reason TEXT NOT NULL, archives INTEGER NOT NULL,
    runs INTEGER NOT NULL, oldest TEXT
) STRICT;
ALTER TABLE run ADD COLUMN rebuilt INTEGER NOT NULL DEFAULT 0
"""
_TRACKING = """
CREATE TABLE reference_point (
    cluster TEXT NOT NULL, vm_id TEXT NOT NULL, repository TEXT NOT NULL, point_id TEXT NOT NULL, archive TEXT NOT NULL,
    archive_id TEXT NOT NULL, run_id TEXT NOT NULL, number INTEGER NOT NULL, disks TEXT NOT NULL,
    PRIMARY KEY (cluster, vm_id, repository, point_id)
) STRICT;
CREATE TABLE point_begun (
    cluster TEXT NOT NULL, vm_id TEXT NOT NULL, repository TEXT NOT NULL, before TEXT NOT NULL,
    PRIMARY KEY (cluster, vm_id, repository)
) STRICT, WITHOUT ROWID;
CREATE TABLE takeover (
    repository TEXT NOT NULL, archive TEXT NOT NULL, base TEXT, unread INTEGER NOT NULL, read INTEGER NOT NULL,
    compared INTEGER NOT NULL, reasons TEXT NOT NULL, suspect TEXT, PRIMARY KEY (repository, archive)
) STRICT, WITHOUT ROWID;
"""
_HOMES = """
CREATE TABLE home (
    cluster TEXT NOT NULL, subject TEXT NOT NULL, repository TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (cluster, subject)
) STRICT, WITHOUT ROWID;
ALTER TABLE run ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN told INTEGER
"""
_STEPS = (_FIRST, _UPKEEP, _CHANGED_FILES, _GAPS, _TRACKING, _HOMES)
"""What makes each version of the one before; a new one goes to the end, none is ever changed."""
VERSION = len(_STEPS)
"""PRAGMA user_version."""


def connect(path: Path, *, check: bool = False) -> sqlite3.Connection:
    """Open the catalog's file, or make it, readable by its owner alone.

    Args:
        path: the file.
        check: look at all of it first, not only at what is needed to open it.

    Raises:
        CatalogDamaged: it is no whole SQLite file.
        Refused: it can't be opened, is another program's, or was written by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise Refused(f"the catalog {path} can't be opened: {error}", path=str(path)) from error
    try:
        _prepare(connection, path)
        if check:
            _check(connection)
    except sqlite3.Error as error:
        connection.close()
        raise unreadable(path, error) from error
    except Refused:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Raise DatabaseError if anything in the file is not as it should be; the indexes are not compared with their tables."""
    found = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def unreadable(path: Path, error: sqlite3.Error) -> Refused:
    """Return the error for a catalog that SQLite can't work with: CatalogDamaged if the file itself is the reason."""
    code = getattr(error, "sqlite_errorcode", None)
    message = f"the catalog {path} can't be used: {error}"
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or (code is None and type(error) is sqlite3.DatabaseError):
        hint = "archives are not touched by this; borg-cluster catalog rebuild sets the file aside and begins a new one from them"
        return CatalogDamaged(message, hint=hint, path=str(path))
    hint = "archives are not touched by this; is there room, and may this user write there?"
    return Refused(message, hint=hint, path=str(path))


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN")  # both reads see one moment, while somebody else may be making the tables
    found = _version(connection, path)
    connection.execute("COMMIT")
    if found == VERSION:
        return
    if found == 0:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN EXCLUSIVE")
    for step in _STEPS[_version(connection, path) :]:  # asked again: somebody else may have been faster
        for statement in step.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of the tables, 0 for an empty file."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0])
    if version > VERSION:
        hint = "use that version, or another state directory"
        raise Refused(f"the catalog {path} was written by a newer borg-cluster (version {version})", hint=hint, path=str(path))
    if version == 0 and tables:
        raise Refused(f"{path} is a SQLite file, but no catalog of borg-cluster", hint="name another state directory")
    return version
