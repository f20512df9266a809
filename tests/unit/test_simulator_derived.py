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
    "Get-BorgClusterAccess",
    "Get-BorgClusterSnapshot",
    "Get-BorgClusterReferencePoint",
    "Get-BorgClusterDiskChange",
)
OF_SNAPSHOTS = ("Snapshot", "ReferencePoint", "DiskChange")
OF_A_VM = ("VMState", "RoleSetting", *OF_SNAPSHOTS)

GROUND = {
    "State.seed": "generated ids hang on it, which exist already",
    "State.counter": "the next generated id",
    "State.schema": "the version of state.json, not of the answers",
    "State.access": "asked when a VM starts",
    "State.violations": "for whoever plays with the world, not for its nodes",
    "State.owed": "for whoever plays with the world, not for its nodes",
    "Owed.vm_id": "asked by nobody but the audit",
    "Owed.paths": "asked by nobody but the audit",
    "Owed.node": "asked by nobody but the audit",
    "State.operations": "a start or stop under way; its effect is in the states of VM and resources",
    "State.group_sets": "which settings can be put back",
    "State.affinity_rules": "which settings can be put back",
    "Reappearing.vm_id": "whose registration it is; the configuration file itself says who comes back",
    "Definition.id": "the same as Machine.id, which is told",
    "DvdDrive.controller_number": "the reports have the medium only",
    "DvdDrive.controller_location": "the reports have the medium only",
    "CheckpointEntry.tries_left": "that its merge is under way is told, not how often it is tried",
    "Machine.flag_left": "how long is_clustered is still the old one",
    "Machine.starts_with_node": "seen when its node comes up again",
    "Node.answers": "no answer at all",
    "Node.clussvc": "no answer at all",
    "Node.vmms": "no answer at all",
    "Node.switches": "asked when a VM is registered",
    "Node.newest_version": "asked when a VM is registered",
    "Migration.destination": "seen when the migration is done",
    "Definition.vss": "asked when a snapshot is taken",
    "Definition.gives_heartbeat": "asked when a VM starts",
}
"""Fields that no question shows, each with its reason."""

ASKED = {"schema", "node", "answered_by", "vm_id", "files[]", "files[].path", "path", "since", "checks[]", "checks[].right"}
"""Fields of answers that say what was asked, of whom."""

ELSEWHERE = {
    "made": "only from the commands that make something",
    "virtual_size": "the disk's file has it",
    "reference_points[].complete": "a switch decides",
}
"""Fields of answers that the state has no part in, each with what has."""


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    """A cluster in which nothing is empty, at a moment when all that can be seen is there to be seen."""
    world = SimulatedCluster.create(tmp_path / "cluster", nodes=("node1", "node2"), clock=lambda: NOW)
    iso = r"C:\ClusterStorage\Volume2\tools.iso"
    world.write_file(iso, b"tools")
    disks = (SMALL, DiskSpec(disk_number=4))
    vm_id = world.add_vm("db", disks=disks, checkpoints=1, iso=iso, change_tracking=True, notes="#sql", san="Gold")
    world.add_clustered_disk("Disk S", "S:", vm_id=vm_id)
    world.state.writer_omits.append(r"C:\ClusterStorage\Volume1\db\db.vhdx.rct")
    world.state.writer_adds[vm_id] = [r"C:\ClusterStorage\Volume1\db\extra.bin"]
    lost = world.add_vm("gone", disks=(SMALL,), node="node2", state="Off", highly_available=False)
    machine = world.machine(lost)
    world.state.machines.remove(machine)
    world.state.reappearing.append(
        model.Reappearing(vm_id=lost, node="node2", configuration_path=machine.configuration_path, commands_left=5)
    )
    world.state.nodes[0].denied, world.state.nodes[0].unknown_rights = ["volume_write"], ["vss"]
    add_frozen_vm(world)
    world.begin_migration(vm_id, "node2")
    world.advance_migration(vm_id)
    world.advance_migration(vm_id)
    world.switches.blackout_listed = "source"
    world.state.clock_offset = 10.0
    world.audit = lambda world: world.state.violations  # what is done to the state here makes no sense
    return world


def add_frozen_vm(world: SimulatedCluster) -> None:
    """Add a VM with a reference point, a snapshot of ours since then, and another's that is being merged."""
    vm_id = world.add_vm("frozen", disks=(SMALL,), node="node2")

    def ask(command: str, **parameters: object) -> Any:
        return json.loads(world.invoke("node2", command, {"VMId": vm_id, **parameters}))

    snapshot = {"Consistency": "Crash", "TimeoutSecond": 60}
    world.switches.merge_after = 0
    made = ask("New-BorgClusterSnapshot", RunId=vm_id, **snapshot)["made"]
    ask("ConvertTo-BorgClusterReferencePoint", SnapshotId=made)
    world.guest_write(vm_id, offset=123, data=b"changed")
    ask("New-BorgClusterSnapshot", RunId=vm_id, **snapshot)
    foreign = world.foreign_snapshot(vm_id)
    world.switches.merge_after = None
    world.remove_snapshot(vm_id, foreign)


SENSELESS = (CommandError, LookupError, StopIteration, ValueError, OSError, AttributeError, TypeError)
"""What comes of a change of the state that makes no sense."""
Question = tuple[str, str, dict[str, object]]


def questions(world: SimulatedCluster) -> dict[str, Question]:
    """Return every question to every node that has an answer, each by a key of its own."""
    asked: dict[str, Question] = {}
    vm_ids = sorted({one.vm_id for one in world.state.resources} | {machine.id for machine in world.state.machines})
    frozen = world.machine(world.find_vm("frozen"))
    since = frozen.definition.reference_points[0].disks[0].rct_id
    for node in [node.name for node in world.state.nodes]:
        for question in QUESTIONS:
            of_snapshots = question.endswith(OF_SNAPSHOTS)
            for vm_id in vm_ids if question.endswith(OF_A_VM) else [""]:
                if of_snapshots and (vm_id, node) != (frozen.id, frozen.node):
                    continue
                parameters: dict[str, object] = {"VMId": vm_id} if vm_id else {}
                if question.endswith("VMState"):
                    parameters["Path"] = [f"C:\\ClusterStorage\\Volume1\\db\\{name}" for name in ("db.vhdx", "none", "Snapshots")]
                if question.endswith("DiskChange"):
                    parameters |= {"Path": r"C:\ClusterStorage\Volume1\frozen\frozen.vhdx", "Since": since}
                asked[f"{question} {node} {vm_id}"] = (node, question, parameters)
    return asked


def all_answers(world: SimulatedCluster, asked: dict[str, Question]) -> dict[str, Any]:
    """Return the answer to each question; an error record is an answer too."""
    return {key: _answer(world, *question) for key, question in asked.items()}


def _answer(world: SimulatedCluster, node: str, question: str, parameters: dict[str, object]) -> Any:
    try:
        return json.loads(world.invoke(node, question, parameters))
    except SENSELESS as problem:
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
    asked = questions(cluster)
    before = all_answers(cluster, asked)
    assert not [key for key, answer in before.items() if "error" in answer]
    told: dict[str, bool] = {}
    seen: set[str] = set()
    for field, change in all_changes:
        cluster.state = deepcopy(whole)
        change(cluster.state)
        after = all_answers(cluster, asked)
        told[field] = told.get(field, False) or after != before
        seen |= _changed_places(before, after)
    assert [field for field, changed in told.items() if not changed] == []
    everywhere = {f"{key.split()[0]}{place}" for key, answer in before.items() for place, _ in paths(answer)}
    assert sorted(place for place in everywhere - seen if place.partition(".")[2] not in ASKED | set(ELSEWHERE)) == []


def _changed_places(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    found = set()
    for key in before.keys() & after.keys():
        if "error" not in before[key] and "error" not in after[key]:
            difference = set(paths(before[key])) ^ set(paths(after[key]))
            found |= {f"{key.split()[0]}{place}" for place, _ in difference}
    return found
