"""A restore of disks alone: the VM stays registered, its role too, and files change under it while it is off. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from borg_cluster.core import step as kinds
from borg_cluster.core.archive import ArchivedFile, Manifest
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory, VirtualMachine, path_key
from borg_cluster.core.report import Disk
from borg_cluster.core.restore_case import Case, LeftOutStep, PlannedStep, offline_action_of
from borg_cluster.core.restore_files import RestoreFiles, aside_moves, room_for, traces_of, with_tracking
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.core.restore_shared import refuse_shared
from borg_cluster.core.restore_site import Site
from borg_cluster.core.restore_target import manifest_disks, position_of
from borg_cluster.errors import Refused

_ALL = "restore all of it, or extract the files elsewhere with --to DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Swap:
    """A disk now, and the archived file that takes its place."""

    now: Disk
    archived: ArchivedFile


def plan_swap_files(
    manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None, site: Site, request: RestoreRequest
) -> RestoreFiles:
    """Return the files to stage, park and place for disks alone: each goes where the disk at its position is now.

    Raises Refused: the VM isn't there, is saved or has checkpoints, or a disk isn't there now or wasn't then.
    """
    there = _swappable(manifest, vm)
    swaps = tuple(_swaps(manifest, there, request))
    for swap in swaps:
        refuse_shared(swap.now.path or "", inventory, site, there)
    staged = tuple(site.staged(swap.archived, swap.now.path or "") for swap in swaps)
    old = tuple(path for file in staged for path in with_tracking(file.final, file.kind))
    parked = aside_moves(old, site, "parked")
    return RestoreFiles(
        staged=staged,
        kept=(),
        parked=parked,
        saved=(),
        leftovers=parked,
        drives=(),
        disk_paths=tuple(disk.path for disk in there.disks if disk.path is not None and disk.disk_number is None),
        traces=traces_of(staged),
        folders=tuple(dict.fromkeys(site.folder(file.final) for file in staged)),
        warnings=(),
        room=room_for(staged, parked, there, site),
    )


def plan_swap_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    """Yield the steps between inspecting the files and confirming the end."""
    previous = offline_action_of(case.vm)
    for kind in (
        "SaveRole",
        "SaveConfiguration",
        "RemoveRole",
        "AwaitUnclustered",
        "Unregister",
        "Register",
        "AddRole",
        "ApplyRole",
    ):
        yield LeftOutStep(kind=kind, reason="only disks are restored: it stays registered, and its role stays")
    if case.has_role and case.runs_now and previous != 0:
        action = kinds.SetOfflineAction(action=0, previous=previous)
        yield PlannedStep(step=action, reason="no state is saved that would not fit the disks")
    if case.runs_now:
        stop = kinds.Stop(highly_available=case.has_role, action="turn_off")
        yield PlannedStep(step=stop, reason="its disks can't be replaced while it runs; the time offline begins here")
    if case.has_role and case.runs_now and previous not in {0, None}:
        reset = kinds.ResetOfflineAction(action=previous or 0)
        yield PlannedStep(step=reset, reason="a policy that was changed is put back at once")
    park = kinds.Park(moves=case.files.parked, swap=True)
    yield PlannedStep(step=park, reason="the old disks are renamed away, not deleted")
    moves = tuple(kinds.Move(source=file.staged, destination=file.final) for file in case.files.staged)
    place = kinds.Place(moves=moves, leftovers=(), traces=case.files.traces, swap=True)
    yield PlannedStep(step=place, reason="renames, since they are staged on the same volumes")
    yield PlannedStep(
        step=kinds.Grant(files=tuple(file.final for file in case.files.staged), swap=True),
        reason="files written from outside lack the right of its account",
    )
    yield LeftOutStep(kind="DropSavedState", reason="none is made")
    if case.running:
        start = kinds.Start(highly_available=case.has_role)
        yield PlannedStep(step=start, reason="as it runs now; the time offline ends here")
    else:
        yield LeftOutStep(kind="Start", reason="it does not run now")


def _swappable(manifest: Manifest, vm: VirtualMachine | None) -> VirtualMachine:
    """Return the VM as it is now. Raises Refused if its disks can't be exchanged under it."""
    name = one_line(manifest.name)
    if vm is None or not vm.nodes:
        raise Refused(f"no node has {name} registered, so that it has no disks to exchange", hint="restore all of it")
    if vm.state == "Saved":
        raise Refused(f"{name} is saved, and its saved state would not fit the disks", hint="start it, or " + _ALL)
    if vm.checkpoints or any(len(disk.chain) > 1 for disk in vm.disks):
        raise Refused(f"{name} has checkpoints, which know its disks as they are", hint="delete them, or " + _ALL)
    return vm


def _swaps(manifest: Manifest, vm: VirtualMachine, request: RestoreRequest) -> Iterator[_Swap]:
    then = {disk.position: disk for disk in manifest_disks(manifest)}
    now = {position_of(one.controller_type, one.controller_number, one.controller_location): one for one in vm.disks}
    files = {path_key(file.windows_path): file for file in manifest.files if file.owner == manifest.subject}
    for word in request.disks or tuple(then):
        archived, disk = then.get(word.upper()), now.get(word.upper())
        file = files.get(path_key(archived.path)) if archived is not None else None
        if archived is None or file is None:
            raise Refused(f"the archive has no disk at {word}", hint=f"it has: {', '.join(then) or 'none'}")
        if disk is None or disk.path is None or disk.disk_number is not None:
            raise Refused(f"{one_line(vm.name)} has no disk at {word} now", hint=f"it has: {', '.join(now)}; or {_ALL}")
        if archived.links > 1:
            raise Refused(f"the disk at {word} was a chain of files when it was backed up", hint=_ALL)
        if path_key(disk.path).rpartition(".")[2] != path_key(file.windows_path).rpartition(".")[2]:
            raise Refused(f"the disk at {word} is of another format now: {disk.path}", hint=_ALL)
        yield _Swap(now=disk, archived=file)
