"""What to bring back: plan_restore(manifest, inventory, request, policy) -> RestorePlan. Pure.

The manifest says what, today's inventory says how. Every step comes with its reason, and so does every step that isn't needed.
"""

from dataclasses import dataclass, replace

from borg_cluster.core import step as kinds
from borg_cluster.core.archive import Manifest
from borg_cluster.core.inventory import Inventory, VirtualMachine, path_key
from borg_cluster.core.observed import Registered
from borg_cluster.core.policy import Policy, work_folder
from borg_cluster.core.restore_case import Case, LeftOutStep, PlannedStep, ran, runs
from borg_cluster.core.restore_end import choose_availability, priority_of, refuse_in_place, refuse_own_disk, warnings_of
from borg_cluster.core.restore_files import Room, plan_files
from borg_cluster.core.restore_node import choose_node, likely_node, refuse_unreached
from borg_cluster.core.restore_places import plan_places
from borg_cluster.core.restore_request import Part, RestoreRequest
from borg_cluster.core.restore_site import Site
from borg_cluster.core.restore_steps import frame_steps, plan_steps
from borg_cluster.core.restore_swap import plan_swap_files, plan_swap_steps
from borg_cluster.core.restore_target import (
    manifest_configuration,
    refuse_clustered_disk,
    refuse_copy,
    refuse_role,
    refuse_unsafe,
    refuse_unusable,
    role_name,
)
from borg_cluster.core.step import Step
from borg_cluster.core.step_table import reverse
from borg_cluster.errors import NotMapped


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The archive to restore from, and the restore's id. ``repository`` is the label."""

    restore_id: str
    repository: str
    archive: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The old VM as the plan knows it; if it differs once it's stopped, the plan is made anew from what is there."""

    configuration_path: str
    disk_paths: tuple[str, ...]
    checkpoint_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """One restore, decided. It is written before anything is done, and is all that resume and undo need beside the records.

    ``vm_id`` is the archived VM's, also of a copy, whose own id is known once it's registered; ``name`` is the copy's then.
    """

    source: Source
    request: RestoreRequest
    vm_id: str
    name: str
    node: str
    node_reason: str
    claim_folder: str
    expected: Expected | None
    """None: no node has the VM registered."""
    silent_nodes: tuple[str, ...]
    """Nodes that were not up when the plan was made: they can't hold what has been seen elsewhere since."""
    steps: tuple[PlannedStep, ...]
    left_out: tuple[LeftOutStep, ...]
    files: tuple[kinds.StagedFile, ...]
    kept: tuple[tuple[str, str], ...]
    """Shared files that are still right, and why they stay as they are."""
    folders: tuple[str, ...]
    """This restore's folders, one a volume."""
    highly_available: bool
    running: bool
    """How it ends."""
    warnings: tuple[str, ...]
    manifest: Manifest
    priority: int | None = None
    """Of its role, as the cluster has it (3000 high, 2000, 1000 low, 0 not started by itself); None: it gets none."""
    room: tuple[Room, ...] = ()
    cluster: str = ""
    """Where it is restored: the archive may be another cluster's."""


def plan_restore(
    manifest: Manifest,
    inventory: Inventory,
    request: RestoreRequest,
    policy: Policy,
    *,
    source: Source,
    saved_role: dict[str, object] | None = None,
) -> RestorePlan:
    """Return the steps that bring a VM back from an archive of its own.

    Args:
        manifest: of the archive.
        inventory: a fresh one; it decides how.
        request: what is asked for.
        policy: the configuration.
        source: the archive and the restore's id.
        saved_role: the role's settings if this restore has noted them already (a plan made anew in the middle).

    Raises:
        Refused: by name, with what to do instead; nothing is changed then.
    """
    refuse_unusable(manifest, request)
    there = next((vm for vm in inventory.virtual_machines if vm.id == manifest.subject), None)
    old = None if request.is_copy else there
    if request.is_copy:
        refuse_copy(request, inventory)
    else:
        refuse_unsafe(manifest, inventory, old)
    if request.part is Part.DISKS:
        return _plan_swap(manifest, inventory, old, request, policy, source)
    likely = Site(mounts=policy.mounts, node=likely_node(manifest, old, request), restore_id=source.restore_id)
    target = plan_places(manifest, request, likely).of(manifest_configuration(manifest))
    node, node_reason = choose_node(manifest, inventory, old, policy.mounts, configuration=target, asked=request.node)
    refuse_unreached(old, node, policy.mounts)
    files = plan_files(manifest, inventory, old, replace(likely, node=node), request)
    refuse_clustered_disk(tuple(file.final for file in files.staged), inventory)
    if request.in_place:
        refuse_in_place(manifest, request, files)
    available, available_reason = choose_availability(manifest, there, request)
    case = Case(
        manifest=manifest,
        policy=policy,
        vm=old,
        files=files,
        restore_id=source.restore_id,
        claim_folder=claim_folder((old.configuration_path if old else None) or target, policy, node=node),
        node=node,
        saved_role=saved_role,
        highly_available=available,
        highly_available_reason=available_reason,
        running=_runs_at_the_end(manifest, old, request),
        copy_name=request.copy_name,
        in_place=request.in_place,
    )
    if case.highly_available:
        refuse_own_disk(target, node, policy.mounts)
        refuse_role(manifest, inventory, role_name(manifest, old, saved_role, request.copy_name), request)
    return _plan(case, inventory, request, source, node_reason=node_reason)


def _plan_swap(
    manifest: Manifest,
    inventory: Inventory,
    vm: VirtualMachine | None,
    request: RestoreRequest,
    policy: Policy,
    source: Source,
) -> RestorePlan:
    node = (vm.nodes[0] if vm is not None and vm.nodes else None) or manifest.node or ""
    site = Site(mounts=policy.mounts, node=node, restore_id=source.restore_id)
    files = plan_swap_files(manifest, inventory, vm, site, request)
    configuration = (vm.configuration_path if vm is not None else None) or manifest_configuration(manifest)
    case = Case(
        manifest=manifest,
        policy=policy,
        vm=vm,
        files=files,
        restore_id=source.restore_id,
        claim_folder=claim_folder(configuration, policy, node=node),
        node=node,
        saved_role=None,
        highly_available=vm is not None and vm.role is not None,
        highly_available_reason="",
        running=runs(vm) if request.start is None else request.start,
        is_swap=True,
    )
    return _plan(case, inventory, request, source, node_reason="it is registered there")


def _plan(case: Case, inventory: Inventory, request: RestoreRequest, source: Source, *, node_reason: str) -> RestorePlan:
    planned, files = frame_steps(case, plan_swap_steps(case)) if case.is_swap else plan_steps(case), case.files
    return RestorePlan(
        source=source,
        request=request,
        vm_id=case.manifest.subject,
        name=request.copy_name or (case.vm.name if case.vm else case.manifest.name),
        node=case.node,
        node_reason=node_reason,
        claim_folder=case.claim_folder,
        expected=_expected(case.vm),
        silent_nodes=tuple(node.name for node in inventory.nodes if node.state not in {"Up", "Paused"}),
        steps=tuple(item for item in planned if isinstance(item, PlannedStep)),
        left_out=tuple(item for item in planned if isinstance(item, LeftOutStep)),
        files=files.staged,
        kept=files.kept,
        folders=files.folders,
        highly_available=case.highly_available,
        running=case.running,
        warnings=(*files.warnings, *warnings_of(case)),
        manifest=case.manifest,
        priority=priority_of(case),
        room=files.room,
        cluster=case.policy.cluster,
    )


def _runs_at_the_end(manifest: Manifest, old: VirtualMachine | None, request: RestoreRequest) -> bool:
    if request.start is not None:
        return request.start
    return not request.is_copy and (runs(old) or ran(manifest))


_OF_A_REGISTERED_VM = ("AddRole", "ApplyRole", "ResetOfflineAction", "Start")
"""What can't be put back where the old VM lacks files, so that it can't be registered any more."""


def plan_undo(plan: RestorePlan, begun: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps that take the begun ones back, in reverse order, between claiming the VM and giving it up.

    Each kind is there once at most. Our folders go only when nothing is parked in them any more.
    """
    back: dict[str, Step] = {}
    for step in reversed(begun):
        for taken_back in reverse(step):
            back.setdefault(taken_back.kind, taken_back)
    if any(isinstance(step, kinds.Unregister) and not step.whole for step in begun):
        for kind in (*_OF_A_REGISTERED_VM, *(() if "RemoveRole" in back else ("AwaitUnclustered",))):
            back.pop(kind, None)
    parked = tuple(move.destination for step in begun if isinstance(step, kinds.Park) for move in step.moves)
    return (
        kinds.Claim(folder=plan.claim_folder, claim_id=plan.source.restore_id),
        *back.values(),
        kinds.Clear(folders=plan.folders, guarded=tuple(dict.fromkeys(parked))),
        kinds.Unclaim(folder=plan.claim_folder, claim_id=plan.source.restore_id),
    )


def plan_release(plan: RestorePlan) -> tuple[Step, ...]:
    """Return the steps that delete the parked old VM for good."""
    claim_id = plan.source.restore_id
    return (
        kinds.Claim(folder=plan.claim_folder, claim_id=claim_id),
        kinds.Release(folders=plan.folders),
        kinds.Unclaim(folder=plan.claim_folder, claim_id=claim_id),
    )


def differs(expected: Expected | None, found: Registered) -> bool:
    """Return whether a registration isn't the old VM that the plan knew: a checkpoint was made, storage moved."""
    if expected is None:
        return True
    now = found.registration
    return (
        path_key(expected.configuration_path) != path_key(now.configuration_path)
        or {path_key(path) for path in expected.disk_paths} != {path_key(path) for path in now.disk_paths}
        or set(expected.checkpoint_ids) != set(now.checkpoint_ids)
    )


def claim_folder(configuration_path: str, policy: Policy, *, node: str | None) -> str:
    """Return the folder that holds a VM's claim, beside its configuration; backups and restores agree on it. Raises NotMapped."""
    folder = work_folder(configuration_path, policy.mounts, node=node)
    if folder is None:
        raise NotMapped(
            f"{configuration_path} lies on no mount of the configuration",
            hint="add its volume to mounts:, or extract the files only: --to DIR",
            path=configuration_path,
        )
    return folder


def _expected(vm: VirtualMachine | None) -> Expected | None:
    if vm is None or not vm.nodes or vm.configuration_path is None:
        return None
    return Expected(
        configuration_path=vm.configuration_path,
        disk_paths=tuple(disk.path for disk in vm.disks if disk.path is not None),
        checkpoint_ids=tuple(checkpoint.id for checkpoint in vm.checkpoints),
    )
