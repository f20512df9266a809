"""Verb: prove that an archive boots. A copy is started without network, gives a heartbeat or doesn't, and is gone again.

It is a restore of a copy (``extract``) and that restore's undo: what is restored, how each step is taken back, and what becomes
of it when a node or this process dies, is theirs. The copy's name begins with ``MARK``; by that, and by the journal of its
restore, what a dead process left is known and ended at the next start of a command that works on the cluster.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC
from random import Random
from uuid import uuid4

from borg_cluster import extract, journal
from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core.archive import ArchiveKind
from borg_cluster.core.event import Booted, Event, Noted, RestoreFinished, Warned
from borg_cluster.core.finding import one_line
from borg_cluster.core.progress import Progress
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.restore_request import Availability, RestoreRequest
from borg_cluster.errors import AlreadyRunning, BorgClusterError, Refused
from borg_cluster.run_record import job_lock

MARK = "borg-cluster boot proof"
PATIENCE = 300
"""Seconds for the guest to give a heartbeat."""
_LONGEST_NAME = 100
"""Characters of a VM's name that Windows takes."""
_ID_PREFIX = 8
_LOCK = "boot"
_OVER = frozenset({"undone", "refused"})


class NoRoom(Refused):
    """There is no room for the copy: on the volume, or in the node's memory."""


def boot(
    context: Context,
    vm: str,
    *,
    archive: str = "latest",
    node: str | None = None,
    volume: str | None = None,
    patience: int = PATIENCE,
) -> Booted:
    """Prove that an archive of a VM boots; ``vm`` and ``archive`` as for ``extract``.

    Args:
        context: the site.
        vm: a VM's name or id.
        archive: 'latest', an archive's name, or a date.
        node: where to start it; None: where it would be restored.
        volume: the mount that has room for it; None: its own.
        patience: seconds to wait for the heartbeat.

    Raises:
        Refused: before anything was changed: no such archive, no room or memory (NoRoom), no such node.
        BorgClusterError: it did not boot, and why; the copy is gone again, or a warning says what is left.
        RestoreStopped: the copy could not be made; it is gone again, or a warning says what is left.
    """
    sweep(context)
    began = context.clock()
    plan = extract.plan(context, _request(context, vm, archive, node, volume))
    _refuse_too_small(plan)
    _refuse_without_memory(context, plan)
    quiet = replace(context, emit=_without_ends(context.emit))
    with _alive(context, plan.source.restore_id), _undone(quiet, plan):
        progress = extract.restore(quiet, plan)
        heartbeat = _heartbeat(context, progress, patience)
        seconds = (context.clock() - began).total_seconds()
    event = Booted(
        subject=plan.vm_id,
        name=plan.manifest.name,
        archive=plan.source.archive,
        repository=plan.source.repository,
        node=plan.node,
        heartbeat=heartbeat,
        seconds=seconds,
    )
    context.emit(event)
    return event


def boot_random(context: Context, repository: str, *, seed: int) -> None:
    """Prove that the newest archive of a VM in a repository boots, by chance among those for which there is room.

    Raises as ``boot``; Refused if there is room for none.
    """
    rows = context.catalog.archives(context.policy.cluster)
    newest = {row.subject: row for row in rows if row.repository == repository and row.kind == ArchiveKind.VIRTUAL_MACHINE.value}
    if not newest:
        context.emit(Warned(subject=repository, message=f"{repository} holds no archive of a VM to boot", hint=None))
        return
    candidates = [newest[subject] for subject in sorted(newest)]
    Random(seed).shuffle(candidates)  # noqa: S311 - a sample, no secret
    for row in candidates:
        with suppress(NoRoom):
            boot(context, row.subject, archive=row.archive)
            return
    raise Refused(f"there is room for none of the archives in {repository} to be booted")


def sweep(context: Context, *, but: str | None = None) -> bool:
    """End what proofs that died have left: each copy is stopped and removed, with its files. Return whether there was any.

    What a living process works on stays, and the restore ``but``; what can't be ended now is left to the next time, with a
    warning. Without leftovers no node is asked.
    """
    ended = False
    try:
        found = leftovers(context)
    except BorgClusterError as error:
        message = f"whether a dead boot proof left a copy can't be told: {error.message}"
        context.emit(Warned(subject=context.policy.cluster, message=message, hint=error.hint))
        return False
    for progress in found:
        restore_id = progress.plan.source.restore_id
        if restore_id == but:
            continue
        try:
            with _alive(context, restore_id):
                if not _is_left(context, restore_id):
                    continue  # its process has ended it meanwhile
                _take_back(context, restore_id)
        except AlreadyRunning:
            continue
        except BorgClusterError as error:
            _warn_of(context, progress.plan, error)
        else:
            ended = True
            message = f"the copy {progress.plan.name}, which a dead boot proof left, is gone"
            context.emit(Noted(subject=progress.plan.vm_id, message=one_line(message)))
    return ended


def leftovers(context: Context) -> tuple[Progress, ...]:
    """Return this cluster's boot proofs that have not been taken back; one of them may be under way. Asks no node."""
    return tuple(
        one
        for one in journal.restores(context.state)
        if (one.plan.cluster or one.plan.manifest.cluster) == context.policy.cluster
        and (one.plan.request.copy_name or "").startswith(MARK)
        and one.outcome not in _OVER
    )


def dead(context: Context) -> tuple[Progress, ...]:
    """Return the boot proofs that have not been taken back, and whose process is no more. Asks no node."""
    found = []
    for progress in leftovers(context):
        with suppress(AlreadyRunning), _alive(context, progress.plan.source.restore_id):
            if _is_left(context, progress.plan.source.restore_id):
                found.append(progress)
    return tuple(found)


def _is_left(context: Context, restore_id: str) -> bool:
    return any(one.plan.source.restore_id == restore_id for one in leftovers(context))


@contextmanager
def _alive(context: Context, restore_id: str) -> Iterator[None]:
    """Be known as the process that works on this proof, also while nothing of its journal is held. Raises AlreadyRunning."""
    since = context.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with job_lock(context.state, cluster=context.policy.cluster, job=f"{_LOCK} {restore_id}", since=since, once=True):
        yield


def _request(context: Context, vm: str, archive: str, node: str | None, volume: str | None) -> RestoreRequest:
    _, name, manifest = extract.resolve_archive(context, vm, archive)
    head = f"{MARK} {str(uuid4())[:_ID_PREFIX]} "
    copy_name = (head + one_line(manifest.name))[:_LONGEST_NAME].rstrip()
    return RestoreRequest(
        vm=manifest.subject,
        archive=name,
        ha=Availability.NO,
        start=True,
        node=node,
        volume=volume,
        copy_name=copy_name,
    )


def _refuse_too_small(plan: RestorePlan) -> None:
    sizes: dict[str, int] = {}
    for file in plan.files:
        root = file.local_path.partition("/.borg-cluster/")[0]
        sizes[root] = sizes.get(root, 0) + (file.size or 0)
    for root, size in sizes.items():
        free = shutil.disk_usage(root).free
        if size >= free:
            hint = "name another volume: --to-volume NAME"
            raise NoRoom(f"{root} has {free} bytes left, the copy of {one_line(plan.manifest.name)} needs {size}", hint=hint)


def _refuse_without_memory(context: Context, plan: RestorePlan) -> None:
    """Windows would refuse the start, which comes after the extraction. What nobody can tell is left to Windows."""
    needed = _memory_of(context, plan)
    free = _free_memory(context, plan.node)
    if needed is None or free is None or needed <= free:
        return
    inventory = context.catalog.latest_inventory(context.policy.cluster)
    others = [node.name for node in inventory.nodes if node.name != plan.node] if inventory is not None else []
    found = {name: memory for name in others if (memory := _free_memory(context, name)) is not None and memory >= needed}
    best = max(found, key=lambda name: found[name], default=None)
    hint = "wait until one of its VMs is stopped: no other node has that much"
    if best is not None:
        hint = f"start it where there is more: --node {best} ({found[best] / 2**20:,.0f} MiB are free)"
    raise NoRoom(
        f"{plan.node} has {free / 2**20:,.0f} MiB of memory left, {one_line(plan.manifest.name)} starts with"
        f" {needed / 2**20:,.0f} MiB",
        hint=hint,
        node=plan.node,
    )


def _memory_of(context: Context, plan: RestorePlan) -> int | None:
    """Return the bytes that the VM starts with: by its archive, or, if that is an old one that doesn't tell, as it is now."""
    told = (plan.manifest.vm or {}).get("memory_startup")
    if isinstance(told, int):
        return told
    inventory = context.catalog.latest_inventory(context.policy.cluster)
    machines = inventory.virtual_machines if inventory is not None else ()
    return next((vm.memory_startup for vm in machines if vm.id == plan.manifest.subject), None)


def _free_memory(context: Context, node: str) -> int | None:
    """Return the bytes of a node's memory that are free now; None: it doesn't tell."""
    answer = context.bridge.get_node_report(node)
    return None if isinstance(answer, Lost) else answer.memory_available


@contextmanager
def _undone(context: Context, plan: RestorePlan) -> Iterator[None]:
    """Take the copy away at the end, whatever happened; what can't be taken away now is told, and swept later."""
    try:
        yield
    finally:
        mine = [one for one in leftovers(context) if one.plan.source.restore_id == plan.source.restore_id]
        for progress in mine:
            try:
                _take_back(context, progress.plan.source.restore_id)
            except BorgClusterError as error:
                _warn_of(context, plan, error)


def _take_back(context: Context, restore_id: str) -> None:
    """Take the copy away, and forget it: a proof a night would fill the list of restores."""
    extract.undo(context, restore_id)
    with suppress(OSError):
        journal.forget(context.state, restore_id)


def _without_ends(emit: Callable[[Event], None]) -> Callable[[Event], None]:
    """Return a way out on which the copy's restore and its undo don't count as restores of their own.

    What they warn of (adapters that are connected to nothing) is as it should be here, and only noted.
    """

    def pass_on(event: Event) -> None:
        if isinstance(event, RestoreFinished):
            for warning in event.warnings:
                emit(Noted(subject=event.subject, message=one_line(f"{event.name}: {warning}")))
        else:
            emit(event)

    return pass_on


def _warn_of(context: Context, plan: RestorePlan, error: BorgClusterError) -> None:
    message = one_line(f"the copy {plan.name} could not be removed: {error.message}")
    hint = f"the next command that works on the cluster tries again, or: borg-cluster undo {plan.source.restore_id}"
    context.emit(Warned(subject=plan.vm_id, message=message, hint=hint))


def _heartbeat(context: Context, progress: Progress, patience: int) -> str:
    """Return Windows' word for the heartbeat that came. Raises BorgClusterError: none did, or the node is gone."""
    node = progress.facts.get("node")
    node = node if isinstance(node, str) else progress.plan.node
    answer = context.bridge.test_boot(node, vm_id=progress.vm_id, timeout_second=patience)
    name = one_line(progress.plan.manifest.name)
    if isinstance(answer, Lost):
        raise BorgClusterError(f"{name} did not boot: {node} went away meanwhile: {answer.message}", node=node)
    found = answer.registration.heartbeat if answer.registration is not None else None
    if found is None or not found.startswith("Ok"):
        state = answer.registration.state if answer.registration is not None else "not there any more"
        hint = "a guest without Hyper-V's integration services never gives one; look at it: borg-cluster extract VM --copy NAME"
        message = f"{name} did not boot: on {node} it is {state}, and gave no heartbeat within {patience} s ({found})"
        raise BorgClusterError(message, hint=hint, node=node, heartbeat=found)
    return found
