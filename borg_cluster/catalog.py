"""Facts kept over time, in one SQLite file for all clusters: inventories, history, runs and archives.

WAL: one process writes while others read. What is in here can be lost without losing an archive; only history goes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from borg_cluster.core.archive import Manifest, Reading
from borg_cluster.core.backup_plan import GoodArchive
from borg_cluster.core.history import Change
from borg_cluster.core.inventory import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedInventory:
    """An inventory's row: identical consecutive ones share it. Times are ISO UTC."""

    number: int
    cluster: str
    first_taken: str
    last_taken: str
    virtual_machines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedArchive:
    """An archive that stands under its final name. Sizes are bytes."""

    cluster: str
    archive: str
    archive_id: str
    repository: str
    kind: str
    subject: str
    name: str
    job: str
    run_id: str
    created_at: str
    consistency: str
    files: int
    original_size: int
    deduplicated_size: int
    seconds: float


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


def inventory_to_json(inventory: Inventory) -> str:
    """Return an inventory as JSON text, the same for equal inventories."""
    raise NotImplementedError


def inventory_from_json(text: str | bytes) -> Inventory:
    """Return the inventory that ``inventory_to_json`` wrote; raises ValueError."""
    raise NotImplementedError


def manifest_to_json(manifest: Manifest) -> str:
    """Return a manifest as JSON text, the same for equal manifests."""
    raise NotImplementedError


def manifest_from_json(text: str | bytes) -> Manifest:
    """Return the manifest that ``manifest_to_json`` wrote; raises ValueError."""
    raise NotImplementedError


class Catalog:
    """The open catalog. Use it as a context manager, or close it."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open or make the file. Raises Refused: no catalog, corrupt, or written by a newer version."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the file; harmless twice."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def record_inventory(self, inventory: Inventory) -> tuple[Change, ...]:
        """Keep an inventory; return (and keep) what changed since the last one."""
        raise NotImplementedError

    def latest_inventory(self, cluster: str) -> Inventory | None:
        """Return the newest inventory of a cluster."""
        raise NotImplementedError

    def inventories(self, cluster: str) -> tuple[RecordedInventory, ...]:
        """Return the rows of the inventories that are kept, oldest first."""
        raise NotImplementedError

    def inventory(self, number: int) -> Inventory:
        """Return the inventory of a row."""
        raise NotImplementedError

    def history(self, cluster: str, vm_id: str | None = None) -> tuple[Change, ...]:
        """Return what happened, oldest first; of one VM, or of all."""
        raise NotImplementedError

    def record_archive(self, manifest: Manifest, reading: Reading, repository: str) -> None:
        """Keep an archive that stands under its final name; recorded again, the newer record counts."""
        raise NotImplementedError

    def forget_archive(self, repository: str, archive: str) -> None:
        """Drop an archive that was deleted; harmless if it is not known."""
        raise NotImplementedError

    def archives(self, cluster: str, subject: str | None = None) -> tuple[RecordedArchive, ...]:
        """Return archives, oldest first; of one subject (VM id or volume name), or of all."""
        raise NotImplementedError

    def good_archives(self, cluster: str) -> tuple[GoodArchive, ...]:
        """Return the newest archive of each VM."""
        raise NotImplementedError

    def manifest(self, repository: str, archive: str) -> Manifest | None:
        """Return the manifest of an archive."""
        raise NotImplementedError

    def chunk_hashes(self, repository: str, archive: str) -> dict[str, str]:
        """Return archive path -> hash of the file's ordered chunk ids."""
        raise NotImplementedError

    def record_run(self, run: Run) -> None:
        """Keep how a verb ended."""
        raise NotImplementedError

    def runs(self, cluster: str) -> tuple[Run, ...]:
        """Return what was run, oldest first."""
        raise NotImplementedError

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        raise NotImplementedError
