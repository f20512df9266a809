"""The open file: how it is locked, read, written and closed."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Self

from borg_cluster.catalog.schema import connect, unreadable


class Connected:
    """An open catalog: what each group of its tables builds on."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._lock = RLock()

    @classmethod
    def open(cls, path: Path, *, check: bool = False) -> Self:
        """Open the file or make it; ``check`` all of it first.

        Raises CatalogDamaged, or Refused: no catalog, or written by a newer version.
        """
        return cls(connect(path, check=check), path)

    def close(self) -> None:
        """Close the file; harmless twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the catalog itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield
                except BaseException:
                    if self._connection.in_transaction:  # SQLite may have ended it itself
                        self._connection.execute("ROLLBACK")
                    raise
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise unreadable(self._path, error) from error

    def _put(self, table: str, fields: Mapping[str, object]) -> None:
        """Write a row in place of the one with its key; ``table`` and the names of the fields are the catalog's own."""
        names = ", ".join(fields)
        values = ", ".join(f":{name}" for name in fields)
        self._connection.execute(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({values})", fields)  # noqa: S608

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise unreadable(self._path, error) from error
