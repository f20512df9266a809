"""Every answer is derived from the state: each field of the state changes some answer, and each field of an answer can change."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from borg_cluster.simulator import model
from borg_cluster.simulator.state import CommandError, DiskSpec, SimulatedCluster
from tests.unit.simulated import SMALL

NOW = datetime(2026, 3, 1, tzinfo=UTC)
QUESTIONS = (
    "Get-BorgClusterReport",
    "Get-BorgClusterNodeReport",
    "Get-BorgClusterWriterReport",
    "Get-BorgClusterVMState",
    "Get-BorgClusterRoleSetting",
)

GROUND = {
    "State.seed": "generated ids hang on it, which exist already",
    "State.counter": "the next generated id",
    "State.schema": "the version of state.json, not of the answers",
    "State.access": "asked when a VM starts",
    "State.violations": "for whoever plays with the world, not for its nodes",
    "State.operations": "a start or stop under way; its effect is in the states of VM and resources",
    "State.group_sets": "which settings can be put back",
    "State.affinity_rules": "which settings can be put back",
    "Reappearing.vm_id": "whose registration it is; the configuration file itself says who comes back",
    "Definition.id": "the same as Machine.id, which is told",
    "DvdDrive.controller_number": "the reports have the medium only",
    "DvdDrive.controller_location": "the reports have the medium only",
    "Node.answers": "no answer at all",
    "Node.clussvc": "no answer at all",
    "Node.vmms": "no answer at all",
    "Node.switches": "asked when a VM is registered",
    "Node.newest_version": "asked when a VM is registered",
    "Migration.destination": "seen when the migration is done",
}
"""Fields that no question shows, each with its reason."""

ASKED = {"schema", "node", "answered_by", "vm_id", "files[]", "files[].path"}
"""Fields of answers that say what was asked, of whom."""


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    """A cluster in which nothing is empty, at a moment when all that can be seen is there to be seen."""
    world = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1", "node2"), clock=lambda: NOW)
    iso = r"C:\ClusterStorage\Volume2\tools.iso"
    world.write_file(iso, b"tools")
    disks = (SMALL, DiskSpec(disk_number=4))
    vm_id = world.add_vm("db", disks=disks, checkpoints=1, iso=iso, change_tracking=True, notes="#sql")
    world.add_clustered_disk("Disk S", "S:", vm_id=vm_id)
    world.state.writer_omits.append(r"C:\ClusterStorage\Volume1\db\db.vhdx.rct")
    world.state.writer_adds[vm_id] = [r"C:\ClusterStorage\Volume1\db\extra.bin"]
    lost = world.add_vm("gone", disks=(SMALL,), node="node2", state="Off", highly_available=False)
    machine = world.machine(lost)
    world.state.machines.remove(machine)
    world.state.reappearing.append(
        model.Reappearing(vm_id=lost, node="node2", configuration_path=machine.configuration_path, commands_left=5)
    )
    world.begin_migration(vm_id, "node2")
    world.advance_migration(vm_id)
    world.advance_migration(vm_id)
    world.switches.blackout_listed = "source"
    world.state.clock_offset = 10.0
    world.audit = lambda world: world.state.violations  # what is done to the state here makes no sense
    return world


def all_answers(world: SimulatedCluster) -> dict[str, Any]:
    """Return every question's answer from every node; an error record is an answer too."""
    answers: dict[str, Any] = {}
    vm_ids = sorted({one.vm_id for one in world.state.resources} | {machine.id for machine in world.state.machines})
    for node in [node.name for node in world.state.nodes]:
        for question in QUESTIONS:
            asks_vm = question.endswith(("VMState", "RoleSetting"))
            for vm_id in vm_ids if asks_vm else [""]:
                key = f"{question} {node} {vm_id}"
                parameters: dict[str, object] = {"VMId": vm_id} if asks_vm else {}
                if question.endswith("VMState"):
                    parameters["Path"] = [f"C:\\ClusterStorage\\Volume1\\db\\{name}" for name in ("db.vhdx", "none", "Snapshots")]
                answers[key] = _answer(world, node, question, parameters)
    return answers


def _answer(world: SimulatedCluster, node: str, question: str, parameters: dict[str, object]) -> Any:
    try:
        return json.loads(world.invoke(node, question, parameters))
    except (CommandError, LookupError, StopIteration, ValueError, OSError) as problem:  # the change may make no sense
        return {"error": str(problem)}


def other(value: object) -> object:
    """Return another value of the same type."""
    if value is None or isinstance(value, str):
        is_time = value is not None and value.startswith("20") and value.endswith("Z")
        return "2026-02-03T04:05:06.000000Z" if is_time else f"{value}x"
    if isinstance(value, dict):
        of_objects = any(is_dataclass(one) for one in value.values())
        return {} if of_objects else {name: other(one) for name, one in value.items()} or {"New": 1}
    if isinstance(value, list):
        return value[:-1] if value else ["something"]
    assert isinstance(value, (bool, int, float))
    return not value if isinstance(value, bool) else value + 1000


def changes(world: SimulatedCluster) -> Iterator[tuple[str, Callable[[model.State], None]]]:
    """Yield (Class.field, change) for each field of each object of the state."""
    yield from _changes_of(world.state, ())


def _changes_of(item: Any, place: tuple[str | int, ...]) -> Iterator[tuple[str, Callable[[model.State], None]]]:
    for field in fields(item):
        value = getattr(item, field.name)
        inner = (*place, field.name)
        if is_dataclass(value):
            yield from _changes_of(value, inner)
            continue
        yield f"{type(item).__name__}.{field.name}", partial(_assign, inner)
        for number, one in enumerate(value) if isinstance(value, list) else []:
            if is_dataclass(one):
                yield from _changes_of(one, (*inner, number))


def _assign(place: tuple[str | int, ...], state: Any) -> None:
    target = state
    for step in place[:-1]:
        target = target[step] if isinstance(step, int) else getattr(target, step)
    setattr(target, str(place[-1]), other(getattr(target, str(place[-1]))))


def paths(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield (place, value) for each plain value in an answer; list positions don't count."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from paths(one, f"{place}.{name}")
    elif isinstance(value, list):
        yield f"{place}[]", str(len(value))
        for one in value:
            yield from paths(one, f"{place}[]")
    else:
        yield place, json.dumps(value)


def test_each_field_of_the_state_changes_an_answer_and_each_field_of_an_answer_can_change(cluster: SimulatedCluster) -> None:
    whole = deepcopy(cluster.state)
    all_changes = [(field, change) for field, change in changes(cluster) if field not in GROUND and "Switches" not in field]
    before = all_answers(cluster)
    assert not [key for key, answer in before.items() if "error" in answer]
    told: dict[str, bool] = {}
    seen: set[str] = set()
    for field, change in all_changes:
        cluster.state = deepcopy(whole)
        change(cluster.state)
        after = all_answers(cluster)
        told[field] = told.get(field, False) or after != before
        seen |= _changed_places(before, after)
    assert [field for field, changed in told.items() if not changed] == []
    everywhere = {f"{key.split()[0]}{place}" for key, answer in before.items() for place, _ in paths(answer)}
    assert sorted(place for place in everywhere - seen if place.partition(".")[2] not in ASKED) == []


def _changed_places(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    found = set()
    for key in before.keys() & after.keys():
        if "error" not in before[key] and "error" not in after[key]:
            difference = set(paths(before[key])) ^ set(paths(after[key]))
            found |= {f"{key.split()[0]}{place}" for place, _ in difference}
    return found
