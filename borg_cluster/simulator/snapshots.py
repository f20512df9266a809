"""Recovery snapshots and reference points: what may be frozen when, what becomes of it, and merges that take their time."""

import re
from datetime import datetime, timedelta

from borg_cluster.simulator import tracking
from borg_cluster.simulator.checkpoints import delete_configuration_of, growth_of_merge, merge_away, take_checkpoint
from borg_cluster.simulator.definition import RECOVERY, CheckpointEntry, ReferenceDisk, ReferencePointEntry
from borg_cluster.simulator.failure import INVALID_STATE, NOT_SUPPORTED, CommandError, job_failed, method_failed
from borg_cluster.simulator.machines import save_definition
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.room import has_room, no_room, refuse_snapshot_without_room
from borg_cluster.simulator.world import World

MARK = re.compile(r"borg-cluster ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
"""The ElementName of a snapshot of ours."""
MERGE_SECONDS = 3600.0
"""A merge is over when so much of the world's time has passed, however few commands there were."""
_SECONDS = {"Application": 6.0, "Crash": 2.0}
_STATES = ("Running", "Off", "Paused", "Saved")
_WITHOUT_GUEST = ("Off", "Saved")
_RESYNCHRONISING = (
    "Resynchronizing",
    "ResynchronizeSuspended",
    "ReadyForInitialReplication",
    "InitialReplicationInProgress",
    "WaitingForInitialReplication",
)
FAILED, FREEZE_TIMEOUT, _NEEDS_RESYNCHRONISATION = "0x00008000", "0x800423F2", "0x800480BC"
_IN_USE = "0x80070020: The process cannot access the file because it is being used by another process."
_MOST_CHECKPOINTS = 50
_OLDEST_VERSION = (6, 2)
"""Of a configuration that can have reference points."""


def run_of(marked: CheckpointEntry | ReferencePointEntry) -> str | None:
    """Return the run id of a snapshot or reference point that carries our mark."""
    found = MARK.fullmatch(marked.name)
    return found[1] if found else None


def take(world: World, machine: Machine, *, name: str, consistency: str, timeout: float) -> str:
    """Freeze a VM's disks and return the snapshot's id; raises CommandError."""
    refuse_if_busy(world, machine, "CreateSnapshot")
    if machine.definition.merging():
        raise method_failed("CreateSnapshot", INVALID_STATE, target=machine.id)
    _refuse_by_definition(world, machine)
    if consistency == "Application" and machine.state not in _WITHOUT_GUEST:
        _freeze_guest(world, machine, timeout)
    refuse_snapshot_without_room(world, machine)
    world.pause(min(_SECONDS[consistency], timeout))
    snapshot_id = take_checkpoint(world, machine, name, RECOVERY, consistency)
    snapshot = machine.definition.checkpoints[-1]
    live = {slot.position: slot for slot in machine.definition.disks}
    snapshot.rct_ids = [tracking.cut(world, machine, live[slot.position]) for slot in snapshot.disks]
    save_definition(world, machine)
    return snapshot_id


def refuse_if_busy(world: World, machine: Machine, method: str) -> None:
    """Raise E12 while something else is done to the VM: a migration, a start or stop."""
    operating = any(one.vm_id == machine.id for one in world.state.operations)
    ends = method != "CreateSnapshot" and machine.state.endswith("Critical") and not world.switches.critical_keeps_snapshots
    if operating or machine.migration is not None or not (ends or machine.state in _STATES):
        raise method_failed(method, INVALID_STATE, target=machine.id)


def _refuse_by_definition(world: World, machine: Machine) -> None:
    definition = machine.definition
    disabled = definition.checkpoint_type == "Disabled" and world.switches.disabled_checkpoints_refuse_snapshots
    if disabled or any(slot.shared or slot.path is None for slot in definition.disks):
        raise method_failed("CreateSnapshot", NOT_SUPPORTED, target=machine.id)
    if definition.replication_state in _RESYNCHRONISING:
        reason = "The replication is being synchronized."
        raise job_failed("CreateSnapshot", reason, code=_NEEDS_RESYNCHRONISATION, target=machine.id)
    if len(definition.present()) >= _MOST_CHECKPOINTS:
        reason = "There are the most checkpoints that are possible."
        raise job_failed("CreateSnapshot", reason, code=FAILED, target=machine.id)


def _freeze_guest(world: World, machine: Machine, timeout: float) -> None:
    definition = machine.definition
    if not definition.vss or machine.state == "Paused":
        reason = f"Production checkpoints cannot be created for '{definition.name}'."
        raise job_failed("CreateSnapshot", reason, code=FAILED, target=machine.id)
    if machine.id in world.switches.guest_never_freezes:
        world.pause(timeout)
        raise job_failed("CreateSnapshot", "The guest did not answer in time.", code=FREEZE_TIMEOUT, target=machine.id)


def remove(world: World, machine: Machine, snapshot: CheckpointEntry) -> None:
    """Destroy a snapshot: it is gone at once, its disks are merged by and by."""
    refuse_if_busy(world, machine, "DestroySnapshot")
    for rct_id in snapshot.rct_ids:
        tracking.drop(world, machine, rct_id)
    _end(world, machine, snapshot)


def convert(world: World, machine: Machine, snapshot: CheckpointEntry) -> str:
    """Make a reference point of a snapshot, which goes as by ``remove``; returns the point's id."""
    refuse_if_busy(world, machine, "ConvertToReferencePoint")
    definition = machine.definition
    if tuple(int(part) for part in definition.version.split(".")) < _OLDEST_VERSION:
        raise method_failed("ConvertToReferencePoint", NOT_SUPPORTED, target=machine.id)
    disks = list(zip(snapshot.disks, snapshot.rct_ids, strict=True))
    for slot, rct_id in disks:
        tracking.keep(world, machine, slot, rct_id)
    point = ReferencePointEntry(
        id=world.new_id(),
        name=snapshot.name if world.switches.reference_points_keep_name else "",
        created=snapshot.created,
        disks=[ReferenceDisk(path=str(slot.path), rct_id=rct_id) for slot, rct_id in disks],
    )
    definition.reference_points.append(point)
    _end(world, machine, snapshot)
    return point.id


def _end(world: World, machine: Machine, snapshot: CheckpointEntry) -> None:
    delete_configuration_of(world, machine, snapshot)
    after = world.switches.merge_after
    snapshot.merge_left = 0 if after is None else after
    snapshot.tries_left = world.switches.merge_tries_refused
    snapshot.created = world.now_text()
    save_definition(world, machine)
    progress_merges(world, commands=0)


def remove_reference_point(world: World, machine: Machine, point: ReferencePointEntry) -> None:
    """Forget a reference point: changes can't be asked since then any more."""
    for disk in point.disks:
        tracking.drop(world, machine, disk.rct_id)
    machine.definition.reference_points.remove(point)
    save_definition(world, machine)


def progress_merges(world: World, *, commands: int = 1) -> None:
    """Let merges go on: those whose commands or time are over end. One never ends while the world says so."""
    if world.switches.merge_after is None:
        return
    for machine in list(world.state.machines):
        for snapshot in machine.definition.merging():
            _progress(world, machine, snapshot, commands)


def _progress(world: World, machine: Machine, snapshot: CheckpointEntry, commands: int) -> None:
    if machine.migration is not None or not world.node(machine.node).answers:
        return  # interrupted; it goes on where the VM is then
    if snapshot.tries_left:
        snapshot.tries_left -= 1
        world.note("change", "merge failed", vm_id=machine.id, error=_IN_USE)
        return
    left = max(0, (snapshot.merge_left or 0) - commands)
    snapshot.merge_left = left
    began = datetime.fromisoformat(snapshot.created) if snapshot.created else world.now()
    if not left or world.now() - began >= timedelta(seconds=MERGE_SECONDS):
        if not has_room(world, growth_of_merge(world, machine, snapshot)):
            world.note("change", "merge failed", vm_id=machine.id, error=no_room("MergeDisks", machine).message)
            return
        try:
            merge_away(world, machine, snapshot)
        except CommandError as problem:
            world.note("change", "merge failed", vm_id=machine.id, error=problem.message)
