"""What a run holds while it goes, on disk: one lock a job, and a record of its claims and unfinished archives.

The record is a line a fact, appended and synced before the fact is made, under a lock that ends with the process. So the next run
can tell a dead run from a living one, and knows what the dead one left behind.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import IO, Any, Self

from borg_cluster.claim_holder import is_dead
from borg_cluster.errors import AlreadyRunning


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldClaim:
    """A claim on the cluster: ``folder`` is ours on the storage of the VM, in Windows' words."""

    vm_id: str
    folder: str
    claim_id: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An archive under its ``.checkpoint`` name; ``repository`` is a label of the configuration."""

    repository: str
    subject: str
    archive: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSnapshot:
    """A recovery snapshot on the cluster, found by its VM and the run that marked it; ``name`` is the VM's, for people."""

    vm_id: str
    name: str
    run_id: str
    disk_paths: tuple[str, ...]
    """Where the disks were before it, in Windows' words: there they must be again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptOpen:
    """What was opened for another process: ``holder`` as claims name it, ``until`` ISO UTC: then it is over in any case."""

    job: str
    holder: str
    until: str

    @property
    def in_use(self) -> bool:
        """Whether its process may still need it."""
        return not is_dead(self.holder) and datetime.now(tz=UTC) < datetime.fromisoformat(self.until)


@contextmanager
def job_lock(state: Path, *, cluster: str, job: str, since: str, once: bool = False) -> Iterator[None]:
    """Hold the lock of one job of one cluster. Raises AlreadyRunning, which names the holder's pid and since when.

    ``once``: no other job will ever be called so, and the lock's file goes at the end.
    """
    path = state / "locks" / f"{_file_name(job, cluster)}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _try_lock(file):
            file.seek(0)
            holder = _parse(file.read())
            pid, when = holder.get("pid"), holder.get("since")
            raise AlreadyRunning(f"job {job} runs already: pid {pid}, since {when}", hint="wait for it", pid=pid, since=when)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": since}))
        file.flush()
        try:
            yield
        finally:
            if once:
                path.unlink(missing_ok=True)


class RunRecord:
    """The open record of a run: ours, or a dead one's that we took over. Several threads may write to it."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self.path = path
        self._file = file
        self._lock = RLock()
        self.claims: list[HeldClaim] = []
        self.unfinished: list[Unfinished] = []
        self.snapshots: list[HeldSnapshot] = []
        self.kept_open: KeptOpen | None = None

    @property
    def in_use(self) -> bool:
        """Whether it is kept open for a process that lives: then nobody else may take it over."""
        return self.kept_open is not None and self.kept_open.in_use

    @classmethod
    def begin(cls, state: Path, *, cluster: str, run_id: str) -> Self:
        """Begin the record of this run."""
        folder = _folder(state, cluster)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_file_name(run_id, cluster)}.jsonl"
        while True:
            file = path.open("a+", encoding="utf-8")
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists() and path.samefile(f"/proc/self/fd/{file.fileno()}"):
                return cls(path, file)
            file.close()  # another run took it for a dead one's, between the two calls, and deleted it

    @classmethod
    def adopt(cls, state: Path, *, cluster: str) -> tuple[Self, ...]:
        """Take over the records of runs that died. They must be closed as our own."""
        adopted: list[Self] = []
        for path in sorted(_folder(state, cluster).glob("*.jsonl")):
            file = path.open("a+", encoding="utf-8")
            if not _try_lock(file):
                file.close()
                continue
            record = cls._opened(path, file)
            if record.in_use:
                file.close()
            else:
                adopted.append(record)
        return tuple(adopted)

    @classmethod
    def opened(cls, state: Path, *, cluster: str, job: str) -> Self | None:
        """Take over the record that is kept open for a job, whether its process lives or not; None if there is none."""
        for path in sorted(_folder(state, cluster).glob("*.jsonl")):
            file = path.open("a+", encoding="utf-8")
            if _try_lock(file):
                record = cls._opened(path, file)
                if record.kept_open is not None and record.kept_open.job == job:
                    return record
            file.close()
        return None

    @classmethod
    def _opened(cls, path: Path, file: IO[str]) -> Self:
        record = cls(path, file)
        file.seek(0)
        text = file.read()
        record._replay(text)
        if text and not text.endswith("\n"):
            file.write("\n")  # or else what comes next would be torn as well
        return record

    @classmethod
    def living(cls, state: Path, *, cluster: str, but: tuple[Self, ...]) -> frozenset[str]:
        """Return the ids of the VMs on which runs that are alive may hold a snapshot; ``but`` are records that we hold."""
        found: set[str] = set()
        held = {record.path for record in but}
        for path in sorted(_folder(state, cluster).glob("*.jsonl")):
            if path in held:
                continue
            with path.open("r", encoding="utf-8") as file:
                died = _try_lock(file)
                record = cls(path, file)
                record._replay(file.read())
                if died and not record.in_use:
                    continue
                found |= {one.vm_id for one in record.snapshots}
        return frozenset(found)

    def add_claim(self, claim: HeldClaim) -> None:
        """Record that a claim is about to be made."""
        self.claims.append(claim)
        self._write("claim", asdict(claim))

    def drop_claim(self, claim: HeldClaim) -> None:
        """Record that a claim is no more."""
        self.claims.remove(claim)
        self._write("unclaim", asdict(claim))

    def add_unfinished(self, archive: Unfinished) -> None:
        """Record that an archive is about to be written."""
        self.unfinished.append(archive)
        self._write("begin", asdict(archive))

    def drop_unfinished(self, archive: Unfinished) -> None:
        """Record that an archive stands under its own name, or is gone."""
        self.unfinished.remove(archive)
        self._write("end", asdict(archive))

    def add_snapshot(self, snapshot: HeldSnapshot) -> None:
        """Record that a recovery snapshot is about to be made."""
        self.snapshots.append(snapshot)
        self._write("snapshot", asdict(snapshot))

    def drop_snapshot(self, snapshot: HeldSnapshot) -> None:
        """Record that a recovery snapshot is no more."""
        self.snapshots.remove(snapshot)
        self._write("unsnapshot", asdict(snapshot))

    def room(self) -> Path:
        """Return a folder for what the run needs only as long as it goes; a killed run's goes with its record."""
        place = self.path.with_suffix(".room")
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def keep_open(self, *, job: str, holder: str, seconds: int) -> None:
        """Record that this is for another process, which ends it: so long nobody takes it for a dead run's."""
        until = (datetime.now(tz=UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
        self.kept_open = KeptOpen(job=job, holder=holder, until=until)
        self._write("open", asdict(self.kept_open))

    def end_open(self) -> None:
        """Record that what was kept open is over."""
        self.kept_open = None
        self._write("closed", {})

    def close(self) -> None:
        """Let go of the record; it is deleted if it holds nothing that a later run must see to."""
        shutil.rmtree(self.path.with_suffix(".room"), ignore_errors=True)
        if not self.claims and not self.unfinished and not self.snapshots and not self.in_use:
            self.path.unlink(missing_ok=True)
        with suppress(OSError):  # a full disk: what could not be written was never acted on
            self._file.close()

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        with self._lock:
            self._file.write(json.dumps({"kind": kind, **fields}) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())

    def _replay(self, text: str) -> None:
        for line in text.split("\n"):
            fields = _parse(line)  # a torn last line was never acted on
            kind = fields.pop("kind", None)
            if kind == "claim":
                self.claims.append(HeldClaim(**fields))
            elif kind == "unclaim":
                self.claims.remove(HeldClaim(**fields))
            elif kind == "begin":
                self.unfinished.append(Unfinished(**fields))
            elif kind == "end":
                self.unfinished.remove(Unfinished(**fields))
            elif kind == "snapshot":
                self.snapshots.append(_snapshot_of(fields))
            elif kind == "unsnapshot":
                self.snapshots.remove(_snapshot_of(fields))
            elif kind == "open":
                self.kept_open = KeptOpen(**fields)
            elif kind == "closed":
                self.kept_open = None


def _snapshot_of(fields: dict[str, Any]) -> HeldSnapshot:
    return HeldSnapshot(**{**fields, "disk_paths": tuple(fields["disk_paths"])})


def _folder(state: Path, cluster: str) -> Path:
    return state / "runs" / _file_name(cluster, "")


def _file_name(text: str, salt: str) -> str:
    digest = hashlib.sha256(f"{salt}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9-]', '_', text)[:60]}-{digest}"


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _parse(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
