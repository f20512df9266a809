"""The last look: is everything as it should be?"""

from typing import Any

from borg_cluster.bridge import Lost
from borg_cluster.core import step as kinds
from borg_cluster.core.inventory import path_key
from borg_cluster.core.observed import Observed
from borg_cluster.core.vm_state import RoleSetting
from borg_cluster.errors import RestoreStopped
from borg_cluster.extract.scene import SETTINGS, START_SECONDS, Scene, setting_of

HEARTBEAT = "heartbeat"
"""The fact that the old VM's guest gave a heartbeat."""
_MISSED = "heartbeat_missed"
"""The fact that the new one's was waited for in vain, once."""
_ALIVE = "Ok"


def confirm(step: kinds.Confirm, scene: Scene) -> Lost | None:
    """Stop unless the VM is there, with its role, running where it should; warn of settings that differ."""
    seen = scene.look.settled((), seconds=START_SECONDS, enough=lambda seen: seen.is_settled)
    wrong = _wrong(step, seen)
    if wrong is not None:
        raise RestoreStopped(wrong, hint="start it" if step.running and not seen.is_running else "")
    if step.running and scene.progress.facts.get(HEARTBEAT) is True:
        _await_heartbeat(scene)
    for found in seen.registrations:
        if step.node is not None and found.node.lower() != step.node.lower():
            scene.note("warning", f"it is on {found.node}, not on {step.node}")
    expected = setting_of(step.setting, scene) if step.highly_available else None
    if expected is not None:
        setting = scene.context.bridge.get_role_setting(scene.any_node, vm_id=scene.vm_id)
        if isinstance(setting, Lost):
            return setting
        for difference in role_differences(expected, setting):
            scene.note("warning", difference)
    return None


def gives_heartbeat(seen: Observed) -> bool:
    """Return whether the VM's guest tells that it is up."""
    return any((found.registration.heartbeat or "").startswith(_ALIVE) for found in seen.registrations)


def _await_heartbeat(scene: Scene) -> None:
    """Stop if the guest doesn't come up, where the old one's had; who resumes nevertheless gets a warning."""
    if gives_heartbeat(scene.look.settled((), seconds=START_SECONDS, enough=gives_heartbeat)):
        return
    message = f"its guest gives no heartbeat within {START_SECONDS} s, as the old one's did"
    if scene.progress.facts.get(_MISSED) is True:
        scene.note("warning", message)
        return
    scene.note(_MISSED, True)
    raise RestoreStopped(message, hint="look at its console; resume takes it as it is")


def _wrong(step: kinds.Confirm, seen: Observed) -> str | None:
    """Return what is not as it should be at the end, or None."""
    if step.highly_available != (seen.role is not None):
        return "it has no role" if step.highly_available else "it has a role, and was not to have one"
    if step.running and not seen.is_running:
        role = f"its role is {seen.role.state}, " if seen.role is not None else ""
        states = ", ".join(found.registration.state for found in seen.registrations) or "not registered"
        return f"it does not run: {role}it is {states}"
    for found in seen.registrations:
        if step.configuration_path is not None and not seen.is_registered_at(step.configuration_path):
            return f"its configuration is {found.registration.configuration_path}, not {step.configuration_path}"
        extra = {path_key(path) for path in found.registration.disk_paths} ^ {path_key(path) for path in step.disk_paths}
        if extra:
            return f"its disks are not those of the archive: {', '.join(sorted(extra))}"
    return None


def role_differences(expected: RoleSetting, found: RoleSetting) -> list[str]:
    """Return one line for each setting of a role that isn't as expected. A role that was started is persistent by that."""
    wanted, given = (SETTINGS.dump_python(setting, mode="json") for setting in (expected, found))
    flat_wanted, flat_given = _flat(wanted), _flat(given)
    names = [name for name in flat_wanted if name not in {"schema", "vm_id", "properties.PersistentState"}]
    return [
        f"the role's {name} is {flat_given.get(name)!r}, it was {flat_wanted[name]!r}"
        for name in names
        if flat_given.get(name) != flat_wanted[name]
    ]


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{prefix}{name}.") if isinstance(item, dict) else {prefix + name: item}
    return flat
