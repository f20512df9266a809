"""The restore journal on disk: lock, append, fsync, read.

``<state>/restores/<restore id>/`` holds ``plan.json``, written and synced before anything is done, and ``journal.jsonl``: one
record a line, with a checksum in front. A line that a crash cut short is dropped, and cut off before the next one is written; a
damaged line anywhere else is an error, never skipped.
"""

import fcntl
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from borg_cluster.core.progress import Finished, Progress, Record, replay
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.errors import AlreadyRunning, Refused, RestoreStopped

PLAN = "plan.json"
RECORDS = "journal.jsonl"
LOCK = "lock"
_PLANS: TypeAdapter[RestorePlan] = TypeAdapter(RestorePlan)
_RECORDS: TypeAdapter[Record] = TypeAdapter(Annotated[Record, Field(discriminator="record")])
_CHECKSUM_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJournal:
    """A journal that this process holds; ``progress`` as it was when it was opened."""

    folder: Path
    progress: Progress
    _file: int
    _beside: list[Path] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Folders beside the staged files where nothing could be written any more, and why; whoever tells of them empties this."""

    def append(self, record: Record) -> None:
        """Write a record and wait until it is on the disk, and beside the staged files if it is kept there. Raises OSError."""
        data = render_line(record)
        _write(self._file, data)
        for folder in tuple(self._beside):
            self._append_beside(folder, data)

    def _append_beside(self, folder: Path, data: bytes) -> None:
        try:
            file = os.open(folder / RECORDS, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                _write(file, data)
            finally:
                os.close(file)
        except OSError as error:
            self._beside.remove(folder)
            if not isinstance(error, FileNotFoundError):  # then the restore has removed its folder itself
                self.lost.append(f"{folder}: {error.strerror}")

    def keep_beside(self, folder: Path) -> None:
        """Keep plan and records in ``folder`` too, from here on and whole. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        _write_synced(folder / RECORDS, (self.folder / RECORDS).read_bytes())
        _write_synced(folder / PLAN, (self.folder / PLAN).read_bytes())
        _sync_folder(folder)
        if folder not in self._beside:
            self._beside.append(folder)


def _write(file: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.write(file, data[written:])
    os.fsync(file)


@contextmanager
def create(state: Path, plan: RestorePlan) -> Iterator[OpenJournal]:
    """Write a plan and hold its journal. Raises AlreadyRunning, or Refused if that restore exists."""
    folder = _folder(state, plan.source.restore_id)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError as error:
        raise Refused(f"the restore {folder.name} exists already", hint="borg-cluster restores") from error
    _write_synced(folder / PLAN, _PLANS.dump_json(plan, indent=1))
    for made in (folder, folder.parent, folder.parent.parent):
        _sync_folder(made)
    with hold(state, plan.source.restore_id) as journal:
        yield journal


@contextmanager
def hold(state: Path, restore_id: str) -> Iterator[OpenJournal]:
    """Hold an existing journal, with a torn last line cut off.

    Raises:
        Refused: there is no such restore.
        AlreadyRunning: another process holds it.
        RestoreStopped: it is damaged.
    """
    folder = _existing(state, restore_id)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, restore_id)
        file = os.open(folder / RECORDS, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _sync_folder(folder)
            whole = sum(len(line) for line in _whole_lines((folder / RECORDS).read_bytes(), restore_id))
            os.ftruncate(file, whole)
            os.fsync(file)
            yield OpenJournal(folder=folder, progress=read(state, restore_id), _file=file)
        finally:
            os.close(file)
    finally:
        os.close(lock)


def read(state: Path, restore_id: str) -> Progress:
    """Return how far a restore got, without holding it. Raises Refused: unknown; RestoreStopped: damaged."""
    return read_folder(_existing(state, restore_id))


def read_folder(folder: Path) -> Progress:
    """Return how far the restore got whose plan and records lie in ``folder``. Raises RestoreStopped: damaged; OSError."""
    plan = _read_plan(folder)
    try:
        return replay(plan, records(folder))
    except ValueError as error:
        raise _damaged(plan.source.restore_id, str(error)) from error


def records(folder: Path) -> tuple[Record, ...]:
    """Return the whole records in ``folder``. Raises RestoreStopped: damaged."""
    file = folder / RECORDS
    return tuple(parse_line(line) for line in _whole_lines(file.read_bytes() if file.exists() else b"", folder.name))


def is_known(state: Path, restore_id: str) -> bool:
    """Return whether this machine has a restore's plan."""
    return bool(restore_id.strip(".")) and (_folder(state, restore_id) / PLAN).exists()


def adopt(state: Path, plan: RestorePlan, known: tuple[Record, ...]) -> None:
    """Write a restore's plan and records, which another machine began. Raises AlreadyRunning if a process here works on it."""
    folder = _folder(state, plan.source.restore_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, plan.source.restore_id)
        _write_synced(folder / RECORDS, b"".join(map(render_line, known)))
        _write_synced(folder / PLAN, _PLANS.dump_json(plan, indent=1))
        for made in (folder, folder.parent, folder.parent.parent):
            _sync_folder(made)
    finally:
        os.close(lock)


def forget(state: Path, restore_id: str) -> None:
    """Remove the journal of a restore that is over and has left nothing. Raises Refused: there is none; OSError."""
    folder = _existing(state, restore_id)
    (folder / PLAN).unlink()  # from here on nobody takes it for a restore
    shutil.rmtree(folder)


def worked_since(state: Path, at: datetime) -> bool:
    """Return whether a restore of this machine is open or ended since then: what was seen of the cluster may not hold."""
    return any(_worked_since(plan.parent, at) for plan in (state / "restores").glob(f"*/{PLAN}"))


def _worked_since(folder: Path, at: datetime) -> bool:
    try:
        last = next(reversed(records(folder)), Finished(outcome="refused", at=""))  # one that was never begun
    except (ValueError, OSError, RestoreStopped):
        return True  # nobody can tell
    return not isinstance(last, Finished) or (last.outcome != "refused" and datetime.fromisoformat(last.at) > at)


def restores(state: Path) -> tuple[Progress, ...]:
    """Return every restore that this machine knows, oldest first (by its folder's time of making)."""
    root = state / "restores"
    folders = [path for path in root.iterdir() if (path / PLAN).exists()] if root.is_dir() else []
    return tuple(
        read(state, path.name) for path in sorted(folders, key=lambda path: ((path / PLAN).stat().st_mtime_ns, path.name))
    )


def restores_of(state: Path, vm_id: str) -> tuple[Progress, ...]:
    """Return the restores of one VM. Only those whose plan names it are read: there may be many. Raises as ``read``."""
    plans = (state / "restores").glob(f"*/{PLAN}")
    named = (path for path in plans if vm_id.encode() in path.read_bytes())
    return tuple(progress for path in named if (progress := read_folder(path.parent)).vm_id == vm_id)


def is_held(state: Path, restore_id: str) -> bool:
    """Return whether a process works on this restore now."""
    return holder(state, restore_id) is not None


def holder(state: Path, restore_id: str) -> str | None:
    """Return the id of the process that works on this restore now, as text; None: none does."""
    lock = os.open(_existing(state, restore_id) / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(lock)
    finally:
        os.close(lock)
    return None


def _pid(lock: int) -> str:
    return os.pread(lock, 32, 0).decode("ascii", errors="replace").strip() or "unknown"


def render_line(record: Record) -> bytes:
    """Return a record as a line: eight hexadecimal digits of its CRC-32, a space, its JSON."""
    body = _RECORDS.dump_json(record)
    return b"%08x %s\n" % (zlib.crc32(body), body)


def parse_line(line: bytes) -> Record:
    """Return the record of a whole line. Raises ValueError."""
    body = line[_CHECKSUM_DIGITS + 1 : -1]
    if not line.endswith(b"\n") or line[:_CHECKSUM_DIGITS] != b"%08x" % zlib.crc32(body):
        raise ValueError("a record was cut short or changed")
    return _RECORDS.validate_json(body)


def _whole_lines(data: bytes, restore_id: str) -> list[bytes]:
    """Return the lines that are whole. Only the last one may be torn: each was synced before the next was written."""
    *lines, torn = data.split(b"\n")
    whole: list[bytes] = []
    for number, line in enumerate(lines, start=1):
        try:
            parse_line(line + b"\n")
        except ValueError as error:
            if number == len(lines) and not torn:
                return whole
            raise _damaged(restore_id, f"line {number} of {RECORDS}: {error}") from error
        whole.append(line + b"\n")
    return whole


def _damaged(restore_id: str, why: str) -> RestoreStopped:
    hint = "look at the cluster and at the folders .borg-cluster on its volumes before anything else"
    return RestoreStopped(f"the journal of the restore {restore_id} is damaged: {why}", hint=hint, restore_id=restore_id)


def _read_plan(folder: Path) -> RestorePlan:
    try:
        return _PLANS.validate_json((folder / PLAN).read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise _damaged(folder.name, f"{PLAN}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _folder(state: Path, restore_id: str) -> Path:
    return state / "restores" / restore_id


def _existing(state: Path, restore_id: str) -> Path:
    """Return the folder of a restore by its whole id: a word with a path in it is no id."""
    folder = _folder(state, restore_id)
    if folder.parent != state / "restores" or not restore_id.strip(".") or not (folder / PLAN).exists():
        raise Refused(f"there is no restore {restore_id}", hint="borg-cluster restores")
    return folder


def _lock(file: int, restore_id: str) -> None:
    """Take the lock and leave the process id in it, for whoever is refused."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        pid = _pid(file)
        raise AlreadyRunning(f"the process {pid} works on the restore {restore_id}", hint="wait for it", pid=pid) from error
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode("ascii"), 0)


def _write_synced(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
