"""Verb: prove an archive. It is extracted to a folder of its own, and compared with what was recorded when it was made.

Borg authenticates each chunk that it extracts; that they are the chunks which were read then, the catalog's record says; that
they make a VM's disks, the disks themselves say.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from random import Random

from borg_cluster.borg_items import StoredFile
from borg_cluster.catalog import RecordedArchive
from borg_cluster.context import Context
from borg_cluster.core.archive import FOLDER, ArchiveKind, Consistency, Manifest
from borg_cluster.core.event import Progress, Verified, Warned
from borg_cluster.core.step import StagedFile
from borg_cluster.errors import BorgClusterError, Refused
from borg_cluster.extract import proof, resolve_archive
from borg_cluster.extract.stage import open_repository
from borg_cluster.run_record import job_lock

_FOLDER = "verify"


def verify(context: Context, vm: str, *, archive: str = "latest", folder: Path | None = None) -> Verified:
    """Prove an archive of a VM, which are named as for ``extract``; ``folder`` has room for it (the state directory by default).

    Raises:
        Refused: no such archive, or no room.
        BorgFailed: borg can't extract all of it.
        BorgClusterError: it is not what was archived; ``faults`` says all that is wrong.
    """
    label, name, manifest = resolve_archive(context, vm, archive)
    return _verify(context, label, name, manifest, folder=folder)


def verify_random(context: Context, repository: str, *, seed: int) -> None:
    """Prove the newest archive of a VM in a repository, by chance among those for which there is room.

    Raises as ``verify``; Refused if there is room for none.
    """
    newest = {row.subject: row for row in context.catalog.archives(context.policy.cluster) if _is_vm_in(row, repository)}
    if not newest:
        context.emit(Warned(subject=repository, message=f"{repository} holds no archive of a VM to extract", hint=None))
        return
    candidates = [newest[subject] for subject in sorted(newest)]
    Random(seed).shuffle(candidates)  # noqa: S311 - a sample, no secret
    room = shutil.disk_usage(context.state).free
    chosen = next((row for row in candidates if row.original_size < room), None)
    if chosen is None:
        raise Refused(f"{context.state} has room for none of the archives in {repository}: {room} bytes")
    manifest = context.catalog.manifest(repository, chosen.archive)
    if manifest is None:
        raise Refused(f"{chosen.archive} is gone from the catalog")
    _verify(context, repository, chosen.archive, manifest, folder=None)


def _is_vm_in(row: RecordedArchive, repository: str) -> bool:
    return row.repository == repository and row.kind == ArchiveKind.VIRTUAL_MACHINE.value


def _verify(context: Context, label: str, archive: str, manifest: Manifest, *, folder: Path | None) -> Verified:
    began = context.clock()
    borg = open_repository(context, label)
    items = {item.path: item for item in borg.list_files(archive) if item.kind == "-" and not item.path.startswith(f"{FOLDER}/")}
    total = sum(item.size for item in items.values())
    faults = list(_record_faults(context, label, archive, manifest, items))

    def heed(done: int, _all: int, path: str | None) -> None:
        context.emit(Progress(subject=manifest.subject, done=done, total=total, path=path))

    with _room(context, folder, total) as room:
        if items:
            borg.extract(archive, tuple(items), room, heed=heed)
        faults += _file_faults(manifest, items, room)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        message = f"{archive} is not what was archived: {faults[0]}{more}"
        raise BorgClusterError(message, hint="the next `borg-cluster create` makes another one", faults=faults)
    event = Verified(
        subject=manifest.subject,
        name=manifest.name,
        archive=archive,
        repository=label,
        files=len(items),
        size=total,
        seconds=(context.clock() - began).total_seconds(),
        warnings=() if context.catalog.chunk_hashes(label, archive) else ("the catalog has no record of its chunks",),
    )
    context.emit(event)
    return event


def _record_faults(context: Context, label: str, archive: str, manifest: Manifest, items: dict[str, StoredFile]) -> Iterator[str]:
    """Yield where the archive's list differs from its manifest and from the chunks that were read when it was made."""
    wanted = {file.archive_path: file.size for file in manifest.files}
    yield from (f"{path} is not in it" for path in sorted(wanted.keys() - items.keys()))
    yield from (f"{path} is in it, but not in its manifest" for path in sorted(items.keys() - wanted.keys()))
    for path, digest in context.catalog.chunk_hashes(label, archive).items():
        if path in items and items[path].chunk_hash != digest:
            yield f"{path} is made of other chunks than were read"
    if manifest.consistency is not Consistency.NONE:
        for path, size in wanted.items():
            if path in items and size is not None and items[path].size != size:
                yield f"{path} has {items[path].size} bytes instead of {size}"


def _file_faults(manifest: Manifest, items: dict[str, StoredFile], room: Path) -> Iterator[str]:
    """Yield what is wrong with the extracted files: lengths, the disks' structures, the links of their chains."""
    files = tuple(
        StagedFile(
            archive_path=file.archive_path,
            kind=file.kind,
            size=items[file.archive_path].size,
            identifier=file.identifier,
            final=file.windows_path,
            staged=file.windows_path,
            local_path=os.fspath(room / file.archive_path),
        )
        for file in manifest.files
        if file.archive_path in items
    )
    yield from proof.faults(files, (), node=manifest.node or "")


@contextmanager
def _room(context: Context, folder: Path | None, size: int) -> Iterator[Path]:
    """Yield an empty folder with room for ``size`` bytes; it is gone afterwards. Raises Refused.

    What a process that was killed left in the state directory goes first: only one works there at a time.
    """
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_too_small(folder, size)
        with tempfile.TemporaryDirectory(prefix="borg-cluster-verify-", dir=folder) as made:
            yield Path(made)
        return
    since = context.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with job_lock(context.state, cluster="", job=_FOLDER, since=since):
        place = context.state / _FOLDER
        shutil.rmtree(place, ignore_errors=True)
        _refuse_too_small(context.state, size)
        place.mkdir(mode=0o700)
        try:
            yield place
        finally:
            shutil.rmtree(place)


def _refuse_too_small(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if size >= free:
        raise Refused(f"{folder} has {free} bytes left, the archive needs {size}", hint="name a folder with more room: --to DIR")
