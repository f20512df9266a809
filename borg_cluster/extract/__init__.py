"""Verb: carry out, resume or undo a RestorePlan; or only extract the files.

``restore``, ``resume``, ``undo`` and ``release`` all end in one loop (``walk.py``): look, record, act, look, record.
"""

from pathlib import Path
from uuid import uuid4

from borg_cluster import journal
from borg_cluster.context import Context
from borg_cluster.core import event
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.progress import Progress
from borg_cluster.core.restore_plan import RestorePlan, Source, plan_restore
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.discover import current_inventory
from borg_cluster.errors import AlreadyRunning, Refused
from borg_cluster.extract.archives import resolve_archive
from borg_cluster.extract.beside import on_volumes
from borg_cluster.extract.claims import break_claim, find_claims
from borg_cluster.extract.recovery import (
    Rollback,
    is_beside,
    never,
    newer_restore,
    release,
    release_due,
    resume,
    undo,
    walk_to_end,
)
from borg_cluster.extract.room import check_room
from borg_cluster.extract.stage import open_repository

__all__ = [
    "Rollback",
    "break_claim",
    "check_room",
    "extract_to",
    "find_claims",
    "never",
    "newer_restore",
    "on_volumes",
    "plan",
    "release",
    "release_due",
    "resolve_archive",
    "restore",
    "resume",
    "undo",
]


def plan(context: Context, request: RestoreRequest, *, inventory: Inventory | None = None) -> RestorePlan:
    """Return how a VM would be brought back; nothing is changed. ``inventory``: a fresh one, None: one is made.

    Raises:
        Refused: it can't be, by name, and what to do instead.
        ClusterUnreachable: no node answered.
    """
    repository, archive, manifest = resolve_archive(context, request.vm, request.archive, cluster=request.cluster)
    if inventory is None:
        inventory = current_inventory(context, refresh=True, because="a restore is planned on what is there now")
    source = Source(restore_id=str(uuid4()), repository=repository, archive=archive)
    return plan_restore(manifest, inventory, request, context.policy, source=source)


def restore(context: Context, request: RestoreRequest | RestorePlan, *, rollback: Rollback = never) -> Progress:
    """Bring a VM back: as it's asked for, or by a plan that was shown before.

    ``rollback``: asked whether the old VM is put back if the new one does not come up.

    Raises:
        Refused: before anything was changed; Claimed if somebody else works on the VM, Vetoed if a plugin said no,
            RepositoryRefused if the archive's repository doesn't open.
        RestoreStopped: in the middle; its hint says how to resume or undo it.
    """
    planned = request if isinstance(request, RestorePlan) else plan(context, request)
    context.plugins.check_extract(planned)
    _refuse_unfinished(context, planned)
    check_room(planned)
    _refuse_without_archive(context, planned.source)
    with journal.create(context.state, planned) as held:
        return walk_to_end(context, held, rollback=rollback)


def extract_to(context: Context, vm: str, destination: Path, *, archive: str = "latest", paths: tuple[str, ...] = ()) -> str:
    """Extract a VM's files (all, or those with these archive paths) below ``destination``; touch no cluster.

    Returns the archive's name.

    Raises:
        Refused: no such archive or path in it, a file is in the way, or the folder can't be made.
        BorgFailed: borg could not extract all of it.
    """
    label, name, manifest = resolve_archive(context, vm, archive)
    known = {file.archive_path: file.size or 0 for file in manifest.files}
    unknown = next((path for path in paths if path not in known), None)
    if unknown is not None:
        raise Refused(f"{name} holds no file {unknown}", hint=f"it holds: {', '.join(sorted(known)[:5])}")
    chosen = paths or tuple(known)
    taken = next((path for path in chosen if (destination / path).exists()), None)
    if taken is not None:
        raise Refused(f"{destination / taken} is there already", hint="choose an empty folder")
    try:
        destination.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"can't make the folder {destination}: {error.strerror}", hint="choose another folder") from error
    total = sum(known[path] for path in chosen)

    def heed(done: int, _all: int, path: str | None) -> None:
        context.emit(event.Progress(subject=manifest.subject, done=done, total=total, path=path))

    open_repository(context, label).extract(name, chosen, destination, heed=heed)
    return name


def _refuse_unfinished(context: Context, planned: RestorePlan) -> None:
    """A VM that another restore has left in the middle is neither the old one nor the new one."""
    for other in journal.restores(context.state):
        if other.plan.vm_id == planned.vm_id and other.outcome is None and not is_beside(planned, other.plan):
            restore_id = other.plan.source.restore_id
            pid = journal.holder(context.state, restore_id)
            if pid is not None:
                message = one_line(f"process {pid} works on the {other.purpose} of {planned.name} just now: {restore_id}")
                raise AlreadyRunning(
                    message, hint="wait for it; borg-cluster restores tells how far it is", restore_id=restore_id
                )
            raise AlreadyRunning(
                one_line(f"{planned.name} has an unfinished {other.purpose}: {restore_id}"),
                hint=f"borg-cluster resume {restore_id}, or borg-cluster undo {restore_id}",
                restore_id=restore_id,
            )


def _refuse_without_archive(context: Context, source: Source) -> None:
    """The catalog may know an archive that is gone, and the repository may not open: nothing is claimed for that."""
    borg = open_repository(context, source.repository)
    borg.check_repository()
    if source.archive not in {listed.name for listed in borg.list_archives(source.archive)}:
        hint = "--archive takes an older one; borg-cluster list shows them"
        raise Refused(f"the repository {borg.repository.path} holds no archive {source.archive} any more", hint=hint)
