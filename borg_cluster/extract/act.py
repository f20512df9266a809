"""What each step of a restore does: one function a kind. None of them decides whether it is to be done.

A function returns None when it's carried out, or Lost when the node that it asked gave no answer: its outcome is unknown then,
and whoever walks the steps looks again.
"""

from collections.abc import Callable
from typing import Any

from borg_cluster.bridge import Lost
from borg_cluster.core import step as kinds
from borg_cluster.core.inventory import path_key
from borg_cluster.core.observed import Observed
from borg_cluster.core.progress import COPY_ID
from borg_cluster.core.step import Move, Step
from borg_cluster.core.vm_state import RegisterResult, RoleSettingResult
from borg_cluster.errors import CommandFailed, RestoreStopped
from borg_cluster.extract.claiming import claim, unclaim
from borg_cluster.extract.confirm import HEARTBEAT, confirm, gives_heartbeat
from borg_cluster.extract.scene import REAPPEAR_SECONDS, SETTINGS, START_SECONDS, STOP_SECONDS, Scene, lost, setting_of
from borg_cluster.extract.stage import compare, inspect, rehearse, stage

_VM_ACTIONS = {"turn_off": "TurnOff", "save": "Save", "shutdown": "Shutdown"}


def act(step: Step, scene: Scene) -> Lost | None:
    """Carry a step out. Raises CommandFailed, BorgFailed, RestoreStopped; Claimed if the VM is another's."""
    return _ACTS[type(step)](step, scene)


def _save_role(_: kinds.SaveRole, scene: Scene) -> Lost | None:
    answer = scene.context.bridge.get_role_setting(scene.any_node, vm_id=scene.vm_id)
    if isinstance(answer, Lost):
        return answer
    scene.note("role_setting", SETTINGS.dump_python(answer, mode="json"))
    return None


def _offline_action(step: kinds.SetOfflineAction | kinds.ResetOfflineAction, scene: Scene) -> Lost | None:
    return lost(scene.context.bridge.set_offline_action(scene.any_node, vm_id=scene.vm_id, action=step.action))


def _stop(step: kinds.Stop, scene: Scene) -> Lost | None:
    bridge = scene.context.bridge
    if gives_heartbeat(scene.observed):
        scene.note(HEARTBEAT, True)  # so that the new one is expected to give one, too
    if step.highly_available:
        return lost(bridge.stop_role(scene.any_node, vm_id=scene.vm_id, timeout_second=STOP_SECONDS))
    action = _VM_ACTIONS[step.action]
    return lost(bridge.stop_vm(scene.holder, vm_id=scene.vm_id, action=action, timeout_second=STOP_SECONDS))


def _start(step: kinds.Start, scene: Scene) -> Lost | None:
    bridge = scene.context.bridge
    if step.highly_available:
        return lost(bridge.start_role(scene.any_node, vm_id=scene.vm_id, timeout_second=START_SECONDS))
    return lost(bridge.start_vm(scene.holder, vm_id=scene.vm_id, timeout_second=START_SECONDS))


def _save_configuration(step: kinds.SaveConfiguration, scene: Scene) -> Lost | None:
    there = tuple(copy for copy in step.copies if scene.observed.exists(copy.source))
    if not there:
        return None
    answer = scene.context.bridge.copy_configuration(
        scene.holder,
        vm_id=scene.vm_id,
        restore_id=scene.restore_id,
        source=tuple(copy.source for copy in there),
        destination=tuple(copy.destination for copy in there),
    )
    if isinstance(answer, Lost):
        return answer
    for copy, copied in zip(there, answer.files, strict=True):
        original = scene.observed.file(copy.source)
        if not copied.exists or (original is not None and not original.is_folder and original.length != copied.length):
            raise RestoreStopped(f"the copy {copy.destination} is not as long as its original")
    return None


def _remove_role(_: kinds.RemoveRole, scene: Scene) -> Lost | None:
    return lost(scene.context.bridge.remove_role(scene.any_node, vm_id=scene.vm_id))


def _await_unclustered(_: kinds.AwaitUnclustered, scene: Scene) -> Lost | None:
    scene.look.settled((), seconds=REAPPEAR_SECONDS, enough=lambda seen: bool(seen.registrations) and _free(seen))
    return None


def _free(seen: Observed) -> bool:
    return seen.is_settled and not any(found.registration.is_clustered for found in seen.registrations)


def _move(scene: Scene, moves: tuple[Move, ...]) -> Lost | None:
    """Rename what is there and not yet away, in one call, pair by pair; a pair already renamed is none any more."""
    due = tuple(move for move in moves if scene.observed.exists(move.source))
    if not due:
        return None
    return lost(
        scene.context.bridge.move_file(
            scene.file_node,
            restore_id=scene.restore_id,
            source=tuple(move.source for move in due),
            destination=tuple(move.destination for move in due),
        )
    )


def _park(step: kinds.Park | kinds.Unpark | kinds.TidyCopy, scene: Scene) -> Lost | None:
    return _move(scene, step.moves)


def _place(step: kinds.Place, scene: Scene) -> Lost | None:
    """Rename the staged files into their places, and out of the way before what is still there of the old VM."""
    placed = {path_key(move.destination) for move in step.moves if not scene.observed.exists(move.source)}
    still_there = tuple(
        move for move in step.leftovers if path_key(move.source) not in placed and not scene.observed.exists(move.destination)
    )
    return _move(scene, still_there) or _move(scene, step.moves)


def _withdraw(step: kinds.Withdraw | kinds.PutConfigurationBack, scene: Scene) -> Lost | None:
    return _move(scene, tuple(move for move in step.moves if not scene.observed.exists(move.destination)))


def _unregister(step: kinds.Unregister, scene: Scene) -> Lost | None:
    """Unregister; if Windows minds that the disks are parked, with them in place, which only checkpoints would forbid."""
    try:
        return lost(scene.context.bridge.unregister_vm(scene.holder, vm_id=scene.vm_id))
    except CommandFailed:
        if not step.moves or scene.observed.has_checkpoints:
            raise
    back = tuple(Move(source=move.destination, destination=move.source) for move in step.moves)
    return _move(scene, back) or lost(scene.context.bridge.unregister_vm(scene.holder, vm_id=scene.vm_id))


def _register(step: kinds.Register, scene: Scene) -> Lost | None:
    """Register on the step's node if it's live, and on no second one as long as the first may have done it."""
    node = _registering_node(step.node, scene)
    answer = scene.context.bridge.register_vm(
        scene.look.address(node),
        vm_id=scene.vm_id,
        path=step.path,
        source=tuple(drive.source for drive in step.drives),
        destination=tuple(drive.destination for drive in step.drives),
    )
    if isinstance(answer, Lost):
        return answer
    _tell_incompatibilities(answer, scene)
    return None


def _registering_node(wanted: str | None, scene: Scene) -> str:
    noted = scene.progress.facts.get("node")
    if isinstance(noted, str) and scene.in_doubt:
        node = noted
    else:
        node = next((live for live in scene.look.live if live.lower() == (wanted or "").lower()), scene.look.live[0])
    if node not in scene.look.live:
        raise RestoreStopped(f"{node} may have it registered and does not answer")
    scene.note("node", node)
    return node


def _register_copy(step: kinds.RegisterCopy, scene: Scene) -> Lost | None:
    node = _registering_node(step.node, scene)
    answer = scene.context.bridge.register_vm_copy(
        scene.look.address(node), path=step.path, vm_id=step.original, name=step.name, restore_id=scene.restore_id
    )
    if isinstance(answer, Lost):
        return answer
    _tell_incompatibilities(answer, scene)
    scene.note(COPY_ID, answer.vm_id)
    return None


def _find_copy(_: kinds.FindCopy, scene: Scene) -> Lost | None:
    if scene.progress.vm_id != scene.restore_id:
        return None  # its id is known
    found: set[str] = set()
    for node in scene.look.live:
        answer = scene.context.bridge.get_node_report(scene.look.address(node))
        if isinstance(answer, Lost):
            return answer
        found |= {vm.id for vm in answer.vms if f"borg-cluster restore {scene.restore_id}" in vm.notes.splitlines()}
    if len(found) > 1:
        raise RestoreStopped(f"{len(found)} virtual machines carry the mark of this restore: {', '.join(sorted(found))}")
    if found:
        scene.note(COPY_ID, found.pop())
    return None


def _tell_incompatibilities(answer: RegisterResult, scene: Scene) -> None:
    unmended = [found for found in answer.incompatibilities if found.mended_by is None]
    if not answer.registered:
        why = "; ".join(found.message for found in unmended) or "Windows does not say why"
        raise RestoreStopped(f"it can't be registered: {why}")
    for found in answer.incompatibilities:
        name = found.source_name or found.source_type
        scene.note("warning", f"{name}: {found.message} ({found.mended_by or 'left as it is'})")


def _grant(step: kinds.Grant, scene: Scene) -> Lost | None:
    there = tuple(path for path in step.files if scene.observed.exists(path))
    return lost(scene.context.bridge.grant_vm_access(scene.holder, vm_id=scene.vm_id, path=there)) if there else None


def _drop_saved_state(_: kinds.DropSavedState, scene: Scene) -> Lost | None:
    return lost(scene.context.bridge.remove_saved_state(scene.holder, vm_id=scene.vm_id))


def _add_role(step: kinds.AddRole, scene: Scene) -> Lost | None:
    return lost(scene.context.bridge.add_role(scene.holder, vm_id=scene.vm_id, name=step.name))


def _apply_role(step: kinds.ApplyRole, scene: Scene) -> Lost | None:
    setting = setting_of(step.setting, scene)
    if setting is None:
        return None
    answer = scene.context.bridge.set_role_setting(scene.any_node, vm_id=scene.vm_id, setting=setting)
    if isinstance(answer, RoleSettingResult):
        for failed in answer.failed:
            scene.note("warning", f"the role's {failed.setting} could not be put back: {failed.message}")
    return lost(answer)


def _remove_folders(step: kinds.Release | kinds.Clear, scene: Scene) -> Lost | None:
    there = tuple(folder for folder in step.folders if scene.observed.exists(folder))
    if not there:
        return None
    return lost(scene.context.bridge.remove_restore_folder(scene.file_node, restore_id=scene.restore_id, folder=there))


_ACTS: dict[type[Any], Callable[[Any, Scene], Lost | None]] = {
    kinds.Claim: claim,
    kinds.Compare: compare,
    kinds.Rehearse: rehearse,
    kinds.Stage: stage,
    kinds.Inspect: inspect,
    kinds.SaveRole: _save_role,
    kinds.SetOfflineAction: _offline_action,
    kinds.Stop: _stop,
    kinds.ResetOfflineAction: _offline_action,
    kinds.SaveConfiguration: _save_configuration,
    kinds.RemoveRole: _remove_role,
    kinds.AwaitUnclustered: _await_unclustered,
    kinds.Park: _park,
    kinds.Unregister: _unregister,
    kinds.Place: _place,
    kinds.Register: _register,
    kinds.RegisterCopy: _register_copy,
    kinds.TidyCopy: _park,
    kinds.FindCopy: _find_copy,
    kinds.Grant: _grant,
    kinds.DropSavedState: _drop_saved_state,
    kinds.AddRole: _add_role,
    kinds.ApplyRole: _apply_role,
    kinds.Start: _start,
    kinds.Confirm: confirm,
    kinds.Release: _remove_folders,
    kinds.Withdraw: _withdraw,
    kinds.Unpark: _park,
    kinds.PutConfigurationBack: _withdraw,
    kinds.Clear: _remove_folders,
    kinds.Unclaim: unclaim,
}
