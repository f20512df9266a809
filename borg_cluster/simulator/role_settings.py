"""The settings that are lost with a role: read all at once, and put back one by one."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from borg_cluster.simulator.failure import CommandError, ours
from borg_cluster.simulator.model import ClusterRole, Resource
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.world import World

Changes = list[tuple[str, Callable[[], None]]]
"""The settings that differ: name, and what puts it back."""


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
    """Put back what differs, each setting by itself: one that fails is told and doesn't stop the others."""
    wanted = _parsed(text, vm_id)
    role = world.role(vm_id)
    applied: list[str] = []
    failed: list[Json] = []
    for name, change in _changes(world, role, vm_id, wanted):
        try:
            change()
            applied.append(name)
        except CommandError as problem:
            failed.append({"setting": name, "message": problem.message})
    return {"schema": SCHEMA, "vm_id": vm_id, "applied": applied, "failed": failed, "setting": role_setting(world, vm_id)}


def _parsed(text: str, vm_id: str) -> Mapping[str, Any]:
    try:
        setting = json.loads(text)
    except ValueError:
        setting = None
    if not isinstance(setting, dict) or setting.get("vm_id") != vm_id:
        message = f"These are not the settings of the role of {vm_id}."
        raise ours("SettingOfAnother", message, category="InvalidArgument", target=vm_id)
    return setting


def _changes(world: World, role: ClusterRole, vm_id: str, wanted: Mapping[str, Any]) -> Changes:
    changes: Changes = [
        (name, partial(setattr, role, name, wanted[name]))
        for name in ("name", "description", "anti_affinity_class_names")
        if wanted[name] != getattr(role, name)
    ]
    changes += _entries("properties", role.properties, wanted["properties"])
    changes += _owners(world, "preferred_owners", role.preferred_owners, wanted["preferred_owners"])
    changes += _additions("group_sets", role.group_sets, wanted["group_sets"], world.state.group_sets)
    changes += _additions("affinity_rules", role.affinity_rules, wanted["affinity_rules"], world.state.affinity_rules)
    pair = {"vm_resource": world.vm_resource(vm_id), "configuration_resource": world.configuration_resource(vm_id)}
    for prefix, resource in pair.items():
        if wanted[prefix] is not None:
            changes += _of_resource(world, prefix, resource, wanted[prefix])
    return changes


def _of_resource(world: World, prefix: str, resource: Resource | None, wanted: Mapping[str, Any]) -> Changes:
    if resource is None:
        return [(prefix, partial(_refuse, "The role has no such resource."))]
    names = [one.name for one in world.state.resources] + [one.name for one in world.state.disks]
    return [
        *_entries(f"{prefix}.parameters", resource.parameters, wanted["parameters"]),
        *_entries(f"{prefix}.properties", resource.properties, wanted["properties"]),
        *_owners(world, f"{prefix}.possible_owners", resource.possible_owners, wanted["possible_owners"]),
        *_additions(f"{prefix}.extra_dependencies", resource.extra_dependencies, wanted["extra_dependencies"], names),
    ]


def _entries(prefix: str, known: dict[str, Any], wanted: Mapping[str, Any]) -> Changes:
    """A value that is None can't be set; a property that this cluster lacks is refused."""
    return [
        (f"{prefix}.{name}", partial(_set_entry, known, name, value))
        for name, value in wanted.items()
        if value is not None and known.get(name) != value
    ]


def _set_entry(known: dict[str, Any], name: str, value: object) -> None:
    if name not in known:
        _refuse(f"There is no property '{name}'.")
    known[name] = value


def _owners(world: World, name: str, known: list[str], wanted: list[str]) -> Changes:
    """Evicted nodes are refused one by one, the others are set; a list of owners can't be emptied."""
    members = [node.name for node in world.state.nodes]
    changes: Changes = [
        (name, partial(_refuse, f"'{node}' is no node of this cluster.")) for node in wanted if node not in members
    ]
    there = [node for node in wanted if node in members]
    if there and there != known:
        changes.append((name, partial(_replace, known, there)))
    elif not wanted and known:
        changes.append((name, partial(_refuse, "A list of owners cannot be emptied.")))
    return changes


def _additions(name: str, known: list[str], wanted: list[str], possible: list[str]) -> Changes:
    return [
        (name, partial(known.append, one) if one in possible else partial(_refuse, f"There is no '{one}'."))
        for one in wanted
        if one not in known
    ]


def _replace(known: list[str], wanted: list[str]) -> None:
    known[:] = wanted


def _refuse(message: str) -> None:
    raise ours("SettingRefused", message)
