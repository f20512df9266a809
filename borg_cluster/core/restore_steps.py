"""Which steps a restore has, in which order, and why; and why each other one isn't needed. Pure."""

from collections.abc import Iterable, Iterator

from borg_cluster.core import step as kinds
from borg_cluster.core.archive import Consistency
from borg_cluster.core.inventory import FileKind
from borg_cluster.core.restore_case import Case, LeftOutStep, PlannedStep, offline_action_of
from borg_cluster.core.restore_files import CONFIGURATION_KINDS
from borg_cluster.core.restore_target import manifest_state, role_name
from borg_cluster.core.step import Step

OFFLINE_ACTIONS = {"turn_off": 0, "save": 1, "shutdown": 2}
"""Policy.stop_action as the cluster's OfflineAction."""


def plan_steps(case: Case) -> tuple[PlannedStep | LeftOutStep, ...]:
    """Return every step in its order, planned or left out, each with its reason."""
    old = _untouched() if case.copy_name is not None else (*_save_role_steps(case), *_old_steps(case))
    return frame_steps(case, (*old, *_new_steps(case)))


def frame_steps(case: Case, middle: Iterable[PlannedStep | LeftOutStep]) -> tuple[PlannedStep | LeftOutStep, ...]:
    """Return the steps between those that every restore begins and ends with."""
    confirm = _planned(_confirm(case), "done is what can be seen to be done")
    return (*_prepare_steps(case), *middle, confirm, *_end_steps(case))


def _untouched() -> Iterator[PlannedStep | LeftOutStep]:
    """Yield the steps that a copy doesn't have."""
    for kind in (
        *("SaveRole", "SetOfflineAction", "Stop", "ResetOfflineAction", "SaveConfiguration", "RemoveRole", "AwaitUnclustered"),
        *("Park", "Unregister"),
    ):
        yield _left_out(kind, "the original is not touched")


def _planned(step: Step, reason: str) -> PlannedStep:
    return PlannedStep(step=step, reason=reason)


def _left_out(kind: str, reason: str) -> LeftOutStep:
    return LeftOutStep(kind=kind, reason=reason)


def _prepare_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    """Yield the steps that touch nothing of the VM."""
    claim = kinds.Claim(folder=case.claim_folder, claim_id=case.restore_id)
    size = sum(file.size or 0 for file in case.files.staged)
    yield _planned(claim, "one restore or backup of a virtual machine at a time")
    if case.in_place:
        yield _left_out("Compare", "there is no room to extract its configuration before it is stopped")
        read = f"{size / 2**20:,.1f} MiB are read once before anything is deleted for them"
        yield _planned(kinds.Rehearse(files=case.files.staged), read)
    else:
        yield from _stage_steps(case)
        yield _compare_step(case)


def _compare_step(case: Case) -> PlannedStep | LeftOutStep:
    staged = next((file.staged for file in case.files.staged if file.kind == FileKind.CONFIGURATION), None)
    if staged is None or case.is_swap:
        return _left_out("Compare", "its configuration stays as it is")
    if not case.registered and not case.has_role:
        return _left_out("Compare", "there is nothing whose place it takes: registering it tells the same")
    return _planned(kinds.Compare(path=staged, node=case.node), "what would not fit is known before anything is touched")


def _stage_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    size = sum(file.size or 0 for file in case.files.staged)
    beside = f"{len(case.files.staged)} files, {size / 2**20:,.1f} MiB, beside their places"
    yield _planned(kinds.Stage(files=case.files.staged), beside)
    late = "only now is there room for them" if case.in_place else "nothing is touched before the files are known to be right"
    yield _planned(kinds.Inspect(files=case.files.staged), late)


def _save_role_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    if case.has_role:
        yield _planned(kinds.SaveRole(), "removing the role loses its settings")
    else:
        yield _left_out("SaveRole", "it isn't highly available now")


def _old_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    """Yield the steps that set the old VM aside."""
    yield from _stop_steps(case)
    listed_later = "its role is offline and no node lists it: known once the role is removed"
    gone = listed_later if case.has_role else "no node has it registered"
    if case.registered:
        reason = "unregistering deletes the configuration; until its release the old one can be put back"
        yield _planned(kinds.SaveConfiguration(copies=case.files.saved), reason)
    else:
        yield _left_out("SaveConfiguration", f"nothing to save: {gone}")
    if case.vm is not None and case.vm.role is not None:
        remove = kinds.RemoveRole(name=case.vm.role.name, configuration_path=case.store)
        yield _planned(remove, "a highly available virtual machine can't be unregistered")
        wait = kinds.AwaitUnclustered(configuration_path=case.store)
        yield _planned(wait, "a node registers it again some seconds after its role went, if its configuration is there")
    else:
        yield _left_out("RemoveRole", "nothing to remove: it has no role")
        yield _left_out("AwaitUnclustered", "nothing to wait for: it has no role")
    yield _planned(kinds.Park(moves=case.files.parked), _park_reason(case))
    if case.registered and case.vm is not None:
        old = kinds.Unregister(
            configuration_path=case.vm.configuration_path,
            node=case.old_node,
            moves=case.files.parked,
            copies=case.files.saved,
            whole=case.is_whole,
        )
        yield _planned(old, "its place is taken by the one from the archive, with the same id")
    else:
        yield _left_out("Unregister", f"nothing to unregister: {gone}")


def _park_reason(case: Case) -> str:
    if not case.files.parked:
        return "its disks stay where they are, and it must be the virtual machine that the plan knows"
    if case.in_place:
        return "the old disks are renamed away, so that unregistering merges none"
    return "the old disks are renamed away, not deleted" if case.registered else "what lies in the way is renamed, not deleted"


def _stop_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    action = OFFLINE_ACTIONS[case.policy.stop_action]
    previous = offline_action_of(case.vm)
    if case.has_role and case.runs_now and previous != action:
        reason = f"stopping the role shall {case.policy.stop_action.replace('_', ' ')} the virtual machine"
        yield _planned(kinds.SetOfflineAction(action=action, previous=previous), reason)
    else:
        why = "stopping its role does that already" if case.has_role and case.runs_now else "no role is to be stopped"
        yield _left_out("SetOfflineAction", why)
    if case.runs_now:
        stop = kinds.Stop(highly_available=case.has_role, action=case.policy.stop_action)
        yield _planned(stop, "its disks can't be replaced while it runs; the time offline begins here")
    else:
        state = case.vm.state if case.vm else None
        yield _left_out("Stop", f"nothing to stop: {f'it is {state}' if state else 'it does not run'}")
    if case.has_role and case.runs_now and previous not in {action, None}:
        yield _planned(kinds.ResetOfflineAction(action=previous or 0), "a policy that was changed is put back at once")
    else:
        yield _left_out("ResetOfflineAction", "nothing was changed")


def _new_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    """Yield the steps that bring the VM from the archive in."""
    moves = tuple(kinds.Move(source=file.staged, destination=file.final) for file in case.files.staged)
    if case.in_place:
        parked = tuple(f"{folder}\\parked" for folder in case.files.folders)
        yield _planned(kinds.Release(folders=parked, early=True), "there is no room for both: the old disks go for good")
        yield from _stage_steps(case)
    place = kinds.Place(moves=moves, leftovers=case.files.leftovers, traces=case.files.traces)
    yield _planned(place, "renames, since they are staged on the same volumes")
    yield from _register_steps(case)
    granted = tuple(file.final for file in case.files.staged) + tuple(path for path, _ in case.files.kept)
    yield _planned(kinds.Grant(files=granted), "files written from outside lack the right of its account")
    if case.manifest.consistency is Consistency.OFFLINE and manifest_state(case.manifest) == "Saved" and case.keeps_saved_state:
        yield _left_out("DropSavedState", "it was saved when it was backed up: its saved state fits its disks")
    else:
        yield _planned(kinds.DropSavedState(), "a saved state does not fit disks of another moment")
    yield from _role_steps(case)


def _configuration(case: Case) -> str:
    return next(file.final for file in case.files.staged if file.kind == FileKind.CONFIGURATION)


def _found_at(case: Case) -> str | None:
    """Return where the configuration is to be in the end; None: Windows chooses it."""
    if case.copy_name is not None:
        return None
    return case.vm.configuration_path if case.is_swap and case.vm is not None else _configuration(case)


def _register_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    path = _configuration(case)
    if case.copy_name is None:
        register = kinds.Register(path=path, node=case.node, drives=case.files.drives)
        yield _planned(register, f"on {case.node}, under its own id")
        return
    copy = kinds.RegisterCopy(path=path, original=case.manifest.subject, name=case.copy_name, node=case.node)
    yield _planned(copy, f"on {case.node}, under an id of its own, connected to no network")
    made_from = tuple(
        kinds.Move(source=file.final, destination=file.staged) for file in case.files.staged if file.kind in CONFIGURATION_KINDS
    )
    yield _planned(kinds.TidyCopy(moves=made_from), "the configuration that it was made from has the original's id")


def _confirm(case: Case) -> kinds.Confirm:
    return kinds.Confirm(
        highly_available=case.highly_available,
        running=case.running,
        configuration_path=_found_at(case),
        disk_paths=case.files.disk_paths,
        setting=None if case.has_role or case.saved_role else case.manifest.role_setting,
        node=None if case.highly_available else case.node,
    )


def _role_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    if case.highly_available:
        name = role_name(case.manifest, case.vm, case.saved_role, case.copy_name)
        yield _planned(kinds.AddRole(name=name), f"highly available: {case.highly_available_reason}")
        known = case.has_role or case.saved_role is not None
        setting = None if known else case.manifest.role_setting
        if known or setting is not None:
            yield _planned(kinds.ApplyRole(setting=setting), "the settings of today" if known else "the settings in the archive")
        else:
            yield _left_out("ApplyRole", "the archive holds no settings of its role: Windows' own defaults stay")
    else:
        yield _left_out("AddRole", case.highly_available_reason)
        yield _left_out("ApplyRole", "it gets no role")
    yield from _start_steps(case)


def _start_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    if case.copy_name is not None:
        if case.running:
            yield _planned(kinds.Start(highly_available=case.highly_available), "it was asked for")
        else:
            yield _left_out("Start", "a copy stays off: connect its network adapters as it should have them, then start it")
    elif case.running:
        ran = "as it runs now" if case.runs_now else "as it ran then"
        yield _planned(kinds.Start(highly_available=case.highly_available), f"{ran}; the time offline ends here")
    else:
        yield _left_out("Start", "it runs neither now nor did it then")


def _end_steps(case: Case) -> Iterator[PlannedStep | LeftOutStep]:
    # Of the folders only what was staged goes: plan and records lie there, too, for as long as there is a way back.
    staged = tuple(f"{folder}\\staged" for folder in case.files.folders)
    if case.in_place:
        yield _planned(
            kinds.Clear(folders=case.files.folders, guarded=()), "nothing is staged any more, and there is no way back"
        )
    elif case.copy_name is not None:
        yield _left_out("Release", "nothing of the original was set aside")
        yield _planned(kinds.Clear(folders=staged, guarded=()), "nothing is staged any more")
    elif case.policy.keep_parked:
        yield _left_out("Release", f"the old one stays parked until: borg-cluster release {case.restore_id}")
        yield _planned(kinds.Clear(folders=staged, guarded=()), "nothing is staged any more")
    else:
        yield _planned(kinds.Release(folders=case.files.folders), "keep_parked is 0: the old one goes now")
    yield _planned(kinds.Unclaim(folder=case.claim_folder, claim_id=case.restore_id), "the restore is over")
