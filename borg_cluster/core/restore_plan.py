"""What to bring back: plan_restore(manifest, inventory, request, policy) -> RestorePlan. Pure.

The manifest says what, today's inventory says how. Every step comes with its reason, and so does every step that isn't needed.
"""

from dataclasses import dataclass

from borg_cluster.core import step as kinds
from borg_cluster.core.archive import Manifest
from borg_cluster.core.inventory import Inventory, VirtualMachine, path_key
from borg_cluster.core.observed import Registered
from borg_cluster.core.policy import Policy, work_folder
from borg_cluster.core.restore_files import Site, plan_files
from borg_cluster.core.restore_steps import Case, LeftOutStep, PlannedStep, plan_steps, ran, runs
from borg_cluster.core.restore_target import choose_node, manifest_configuration, refuse_role, refuse_unsafe
from borg_cluster.core.step import Step
from borg_cluster.core.step_table import reverse
from borg_cluster.errors import NotMapped


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """What is asked for: a VM (name or id) from an archive ('latest', its name, or a date), in its own place.

    ``highly_available`` and ``start`` None: as the VM is now, or else was then.
    """

    vm: str
    archive: str = "latest"
    highly_available: bool | None = None
    start: bool | None = None


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
    """One restore, decided. It is written before anything is done, and is all that resume and undo need beside the records."""

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
    vm = next((vm for vm in inventory.virtual_machines if vm.id == manifest.subject), None)
    refuse_unsafe(manifest, inventory, vm)
    node, node_reason = choose_node(manifest, inventory, vm, policy.mounts)
    files = plan_files(manifest, inventory, vm, Site(mounts=policy.mounts, node=node, restore_id=source.restore_id))
    has_role = vm is not None and vm.role is not None
    configuration = (vm.configuration_path if vm else None) or manifest_configuration(manifest)
    case = Case(
        manifest=manifest,
        policy=policy,
        vm=vm,
        files=files,
        restore_id=source.restore_id,
        claim_folder=claim_folder(configuration, policy, node=node),
        node=node,
        saved_role=saved_role,
        highly_available=_given(request.highly_available, has_role or bool(manifest.highly_available)),
        running=_given(request.start, runs(vm) or ran(manifest)),
    )
    if case.highly_available:
        refuse_role(manifest, inventory, vm, saved_role)
    planned = plan_steps(case)
    return RestorePlan(
        source=source,
        request=request,
        vm_id=manifest.subject,
        name=vm.name if vm else manifest.name,
        node=node,
        node_reason=node_reason,
        claim_folder=case.claim_folder,
        expected=_expected(vm),
        silent_nodes=tuple(node.name for node in inventory.nodes if node.state not in {"Up", "Paused"}),
        steps=tuple(item for item in planned if isinstance(item, PlannedStep)),
        left_out=tuple(item for item in planned if isinstance(item, LeftOutStep)),
        files=files.staged,
        kept=files.kept,
        folders=files.folders,
        highly_available=case.highly_available,
        running=case.running,
        warnings=files.warnings,
        manifest=manifest,
    )


def plan_undo(plan: RestorePlan, begun: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps that take the begun ones back, in reverse order, between claiming the VM and giving it up.

    Each kind is there once at most. Our folders go only when nothing is parked in them any more.
    """
    back: dict[str, Step] = {}
    for step in reversed(begun):
        for taken_back in reverse(step):
            back.setdefault(taken_back.kind, taken_back)
    back.pop("Unclaim", None)
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


def _given(asked: bool | None, otherwise: bool) -> bool:
    return otherwise if asked is None else asked


def _expected(vm: VirtualMachine | None) -> Expected | None:
    if vm is None or not vm.nodes or vm.configuration_path is None:
        return None
    return Expected(
        configuration_path=vm.configuration_path,
        disk_paths=tuple(disk.path for disk in vm.disks if disk.path is not None),
        checkpoint_ids=tuple(checkpoint.id for checkpoint in vm.checkpoints),
    )
