"""The settings that are lost with a role: read all at once, and put back one by one."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from borg_cluster.simulator.failure import CommandError, ours
from borg_cluster.simulator.model import ClusterRole, Resource
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.world import World

Changes = list[tuple[str, Callable[[], bool]]]
"""Setting's name, and what puts it back and tells whether it differed."""


def role_setting(world: World, vm_id: str) -> Json:
    """Return everything that is lost with a role; raises CommandError (E4) without one."""
    role = world.role(vm_id)
    vm, configuration = world.vm_resource(vm_id), world.configuration_resource(vm_id)
    return {
        "schema": SCHEMA,
        "vm_id": vm_id,
        "name": role.name,
        "description": role.description,
        "properties": dict(role.properties),
        "preferred_owners": list(role.preferred_owners),
        "anti_affinity_class_names": list(role.anti_affinity_class_names),
        "group_sets": list(role.group_sets),
        "affinity_rules": list(role.affinity_rules),
        "vm_resource": None if vm is None else _resource_setting(vm),
        "configuration_resource": None if configuration is None else _resource_setting(configuration),
    }


def _resource_setting(resource: Resource) -> Json:
    return {
        "parameters": {name: value for name, value in resource.parameters.items() if name != "MigrationState"},
        "properties": dict(resource.properties),
        "possible_owners": list(resource.possible_owners),
        "extra_dependencies": list(resource.extra_dependencies),
    }


def apply_role_setting(world: World, vm_id: str, text: str) -> Json:
    """Put settings back, each by itself: one that fails is told and doesn't stop the others."""
    role = world.role(vm_id)
    applied: list[str] = []
    failed: list[Json] = []
    for name, change in _changes(world, role, vm_id, _parsed(text)):
        try:
            if change():
                applied.append(name)
        except CommandError as problem:
            failed.append({"setting": name, "message": problem.message})
    return {"schema": SCHEMA, "vm_id": vm_id, "applied": applied, "failed": failed, "setting": role_setting(world, vm_id)}


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        setting = json.loads(text)
    except ValueError:
        setting = None
    if not isinstance(setting, dict):
        raise ours("SettingInvalid", "The setting is no JSON object.", category="InvalidArgument")
    return setting


def _changes(world: World, role: ClusterRole, vm_id: str, setting: Mapping[str, Any]) -> Changes:
    """Return (name, change) for each setting; a change tells whether anything differed."""
    changes: Changes = [
        ("Name", lambda: _assign(role, "name", setting["name"])),
        ("Description", lambda: _assign(role, "description", setting["description"])),
        ("PreferredOwners", lambda: _assign(role, "preferred_owners", _known_nodes(world, setting["preferred_owners"]))),
        ("AntiAffinityClassNames", lambda: _assign(role, "anti_affinity_class_names", setting["anti_affinity_class_names"])),
        ("GroupSets", lambda: _assign(role, "group_sets", _known(world.state.group_sets, setting["group_sets"]))),
        ("AffinityRules", lambda: _assign(role, "affinity_rules", _known(world.state.affinity_rules, setting["affinity_rules"]))),
    ]
    changes += _entries("Property", role.properties, setting["properties"])
    pair = {"vm_resource": world.vm_resource(vm_id), "configuration_resource": world.configuration_resource(vm_id)}
    for word, resource in pair.items():
        if setting[word] is not None and resource is not None:
            changes += _resource_changes(world, word, resource, setting[word])
    return changes


def _resource_changes(world: World, word: str, resource: Resource, setting: Mapping[str, Any]) -> Changes:
    return [
        *_entries(f"{word}.Parameter", resource.parameters, setting["parameters"]),
        *_entries(f"{word}.Property", resource.properties, setting["properties"]),
        (f"{word}.PossibleOwners", lambda: _assign(resource, "possible_owners", _known_nodes(world, setting["possible_owners"]))),
        (
            f"{word}.ExtraDependencies",
            lambda: _assign(resource, "extra_dependencies", _known(_resource_names(world), setting["extra_dependencies"])),
        ),
    ]


def _entries(word: str, known: dict[str, Any], wanted: Mapping[str, Any]) -> Changes:
    return [(f"{word}.{name}", partial(_set_entry, known, name, value)) for name, value in wanted.items()]


def _set_entry(known: dict[str, Any], name: str, value: object) -> bool:
    if name not in known:
        raise ours("PropertyUnknown", f"There is no property '{name}'.", category="ObjectNotFound", target=name)
    changed = bool(known[name] != value)
    known[name] = value
    return changed


def _assign(target: object, attribute: str, value: object) -> bool:
    changed = bool(getattr(target, attribute) != value)
    setattr(target, attribute, value)
    return changed


def _known_nodes(world: World, names: list[str]) -> list[str]:
    return _known([node.name for node in world.state.nodes], names, code="5042")


def _resource_names(world: World) -> list[str]:
    return [one.name for one in world.state.resources] + [one.name for one in world.state.disks]


def _known(known: list[str], names: list[str], code: str = "5007") -> list[str]:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ours("NameUnknown", f"The cluster doesn't know: {', '.join(unknown)}.", category="ObjectNotFound", code=code)
    return list(names)
