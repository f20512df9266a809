"""Recovery snapshots that always end: what a running VM is read from, and what became of it afterwards.

While one is open, the VM writes to new leaves, and the files that were its disks before are frozen. They are what is read. The
VM's own configuration names the leaves meanwhile, so it is copied just before: it names the files that are then frozen. Where it
can't be read, the snapshot's own configuration stands in for it.

Whoever owns the VM now is asked anew each time, and what became of a call whose answer was lost is found out by looking.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from borg_cluster import frozen_files
from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core.archive import Consistency
from borg_cluster.core.event import Followed
from borg_cluster.core.inventory import FileKind, Inventory, VirtualMachine, path_key
from borg_cluster.core.planned import PlannedArchive, PlannedFile
from borg_cluster.core.policy import Job, OnFailure, locate
from borg_cluster.core.selection import without_room
from borg_cluster.core.snapshot import Snapshot, SnapshotReport
from borg_cluster.errors import BorgClusterError, CommandMissing, FrozenChanged, Refused
from borg_cluster.frozen_files import Frozen
from borg_cluster.owner import ask_owner
from borg_cluster.run_record import HeldSnapshot, RunRecord
from borg_cluster.source import look

T = TypeVar("T")
_FREEZE_SECONDS = 240
_MERGE_SECONDS = 1800
_WEAKER = {Consistency.APPLICATION: (Consistency.APPLICATION, Consistency.CRASH), Consistency.CRASH: (Consistency.CRASH,)}
_STEPS = {OnFailure.FAIL: 1, OnFailure.FALL_BACK: 2}


class Freezer:
    """The recovery snapshots of one run.

    Args:
        context: the site.
        record: knows each snapshot as long as it may be there, so that the next run can end it.
        inventory: the one that holds now.
        warn: told the VM's id and what is to be known.
    """

    def __init__(
        self,
        context: Context,
        *,
        record: RunRecord,
        inventory: Callable[[], Inventory | None],
        warn: Callable[[str, str], None],
    ) -> None:
        self._context = context
        self._record = record
        self.inventory = inventory
        self._warn = warn
        self.unmerged: dict[str, tuple[str, ...]] = {}
        """By VM id: leaves (Windows paths) that should be gone and are still there."""
        self.converted: set[str] = set()
        """VMs whose snapshot became a reference point: it is gone, and their disks are merged as after an end."""
        self._paused: set[str] = set()

    def for_record(self, record: RunRecord) -> "Freezer":
        """Return this freezer with another run's record; what isn't merged is known to both."""
        other = Freezer(self._context, record=record, inventory=self.inventory, warn=self._warn)
        other.unmerged, other.converted = self.unmerged, self.converted
        return other

    @contextmanager
    def frozen(self, planned: PlannedArchive, vm: VirtualMachine, *, job: Job, run_id: str) -> Iterator[Frozen]:
        """Yield what to read of ``vm``; valid inside the ``with``, and the snapshot ends with it, whatever happens there.

        Raises as ``freeze``.
        """
        held = HeldSnapshot(vm_id=vm.id, name=vm.name, run_id=run_id, disk_paths=frozen_files.disk_paths(vm))

        def end() -> None:
            if held in self._record.snapshots:
                self.end(held)

        with tempfile.TemporaryDirectory(prefix="frozen-", dir=self._record.room()) as room:
            try:
                frozen = self.freeze(planned, vm, held, on_failure=job.on_failure, room=Path(room))
                yield replace(frozen, end=end)
            except BaseException as error:
                if held in self._record.snapshots:
                    self.end(held, wait=isinstance(error, Exception))
                raise
            end()

    def freeze(
        self, planned: PlannedArchive, vm: VirtualMachine, held: HeldSnapshot, *, on_failure: OnFailure, room: Path
    ) -> Frozen:
        """Return what to read of ``vm``. If that takes a snapshot, the record holds ``held``, which must be ended, then or later.

        Copies of its configuration lie in ``room``. Raises BorgClusterError if there is no such snapshot as is wanted,
        FrozenChanged if it froze other disks than planned.
        """
        if planned.consistency not in _WEAKER:
            return Frozen(archive=planned, prove=lambda: None)
        known = self.inventory()
        if known is not None and (lacking := without_room(vm, known.volumes)) is not None:
            raise Refused(lacking, hint="make room there", code="no_room")
        planned = look(planned, self._context.state / "views").archive
        copies = frozen_files.copy_configuration(planned, room)
        self._record.add_snapshot(held)
        snapshot, tried = self._take(held, planned.consistency, on_failure)
        return self._open(planned, vm, snapshot, copies=copies, tried=tried, room=room)

    def end(self, held: HeldSnapshot, *, wait: bool = True, refused: type[BorgClusterError] | None = None) -> bool:
        """End a snapshot wherever its VM is now, and (``wait``) wait until it is merged; return whether there was one.

        What is not as it should be then is told; what can't be ended now is left to the next run. Raises only what interrupts,
        and ``refused``.
        """
        try:
            with nullcontext() if wait else self._context.stop.deaf():
                return self._end(held, wait=wait)
        except BorgClusterError as error:
            if refused is not None and isinstance(error, refused):
                raise
            self._warn(held.vm_id, f"the recovery snapshot of {held.name} could not be ended: {error.message}")
            return False
        except Exception:
            raise
        except BaseException:
            with suppress(BorgClusterError), self._context.stop.deaf():
                self._end(held, wait=False)
            raise

    def clear(self, vm: VirtualMachine) -> bool:
        """End what other runs, which are dead since the claim is ours, left on a VM; return whether there was anything.

        Raises Refused (code ``foreign_snapshot``) if somebody else's recovery snapshot is there: another backup is under way.
        """
        report = self._ask_owner(vm.id, lambda node: self._context.bridge.get_snapshot(node, vm_id=vm.id))
        for one in report.snapshots:
            if one.run_id is None:
                message = f"another product's recovery snapshot is in progress: {one.name}, made {one.created}"
                hint = "wait for that backup; if it is dead, remove it with the product that made it"
                raise Refused(message, hint=hint, code="foreign_snapshot")
        for one in report.snapshots:
            paths = tuple(disk.path for disk in one.disks)
            held = HeldSnapshot(vm_id=vm.id, name=vm.name, run_id=str(one.run_id), disk_paths=paths)
            self._record.add_snapshot(held)
            self.sweep(held)
        return bool(report.snapshots)

    def sweep(self, held: HeldSnapshot) -> None:
        """End what a dead run left, and say so. Raises CommandMissing if this login may not."""
        if self.end(held, refused=CommandMissing):
            self._warn(held.vm_id, f"the recovery snapshot that the dead run {held.run_id} left on {held.name} was ended")

    def _take(self, held: HeldSnapshot, wanted: Consistency, on_failure: OnFailure) -> tuple[Snapshot | None, tuple[str, ...]]:
        """Return the snapshot, or None after all fell through, and what was said of those that can't be had."""
        tried: list[str] = []
        for level in _WEAKER[wanted][: _STEPS[on_failure]]:
            try:
                return self._new(held, level), tuple(tried)
            except BorgClusterError as error:
                tried.append(f"no {level}-consistent snapshot: {error.message}")
                if on_failure is OnFailure.FAIL:
                    hint = "mend it, or let the job say on_failure: fall_back"
                    raise BorgClusterError(tried[-1], hint=hint) from error
                self._removed(held)  # one may have been made all the same
        return None, tuple(tried)

    def _new(self, held: HeldSnapshot, level: Consistency) -> Snapshot:
        word = level.value.capitalize()

        def ask(node: str) -> SnapshotReport | Lost:
            return self._context.bridge.new_snapshot(
                node, vm_id=held.vm_id, run_id=held.run_id, consistency=word, timeout_second=_FREEZE_SECONDS
            )

        report = self._ask_owner(held.vm_id, ask)
        made = next((one for one in report.snapshots if one.run_id == held.run_id), None)
        if made is None:
            raise BorgClusterError("Windows tells of no snapshot, though it made one")
        if made.consistency not in {word, "Application", "Unknown", None}:
            raise BorgClusterError(f"the snapshot is only {made.consistency}")
        return made

    def _open(
        self,
        planned: PlannedArchive,
        vm: VirtualMachine,
        snapshot: Snapshot | None,
        *,
        copies: dict[str, str],
        tried: tuple[str, ...],
        room: Path,
    ) -> Frozen:
        for reason in tried:
            self._warn(vm.id, f"{vm.name}: {reason}")
        if snapshot is None:
            reason = "; ".join(("read from live files", *tried))
            return Frozen(archive=replace(planned, consistency=Consistency.NONE, consistency_reason=reason), prove=lambda: None)
        frozen_files.compare_disks(planned, vm, snapshot)
        copies = copies | self._stand_ins(planned, vm, snapshot, copies=copies, room=room)
        reached = Consistency.CRASH if tried or planned.consistency is Consistency.CRASH else Consistency.APPLICATION
        files = tuple(replace(one, local_path=copies.get(one.file.archive_path, one.local_path)) for one in planned.files)
        reason = "; ".join((f"recovery snapshot {snapshot.id} of {snapshot.created}", *tried))
        archive = replace(planned, files=files, consistency=reached, consistency_reason=reason)
        before = frozen_files.identities(files)
        return Frozen(archive=archive, prove=lambda: self._prove(vm, snapshot, files, before), snapshot=snapshot)

    def _stand_ins(
        self, planned: PlannedArchive, vm: VirtualMachine, snapshot: Snapshot, *, copies: dict[str, str], room: Path
    ) -> dict[str, str]:
        located = (locate(path, self._context.policy.mounts, node=vm.node) for path in snapshot.configuration_files)
        there = tuple(place.local_path for place in located if place is not None)
        made = frozen_files.copy_stand_ins(planned, there, copies=copies, room=room)
        for file in planned.files:
            if file.file.kind == FileKind.CONFIGURATION and file.file.archive_path in made:
                self._warn(vm.id, f"the configuration of {vm.name} can't be read; that of its recovery snapshot stands in for it")
        return made

    def _prove(
        self, vm: VirtualMachine, snapshot: Snapshot, files: tuple[PlannedFile, ...], before: dict[str, tuple[int, ...]]
    ) -> None:
        """Look again after the read. Raises FrozenChanged."""
        try:
            report = self._ask_owner(vm.id, lambda node: self._context.bridge.get_snapshot(node, vm_id=vm.id))
        except BorgClusterError as error:  # then the files alone must tell
            self._warn(vm.id, f"{vm.name} could not be looked at after it was read: {error.message}")
        else:
            if snapshot.id not in {one.id for one in report.snapshots}:
                raise FrozenChanged("its recovery snapshot vanished while it was read")
            self._note_state(vm.id, vm.name, frozen_files.disk_paths(vm), report)
            if vm.node is not None and report.node.partition(".")[0].lower() != vm.node.partition(".")[0].lower():
                self._context.emit(Followed(subject=vm.id, name=vm.name, was=vm.node, now=report.node))
        after = frozen_files.identities(files)
        changed = [path for path, identity in before.items() if after[path] != identity]
        if changed:
            raise FrozenChanged(f"{changed[0]} did not stay the same while it was frozen")

    def _end(self, held: HeldSnapshot, *, wait: bool) -> bool:
        there, report = self._removed(held)
        self._note_leaves(held, report)
        self._note_state(held.vm_id, held.name, held.disk_paths, report)
        if wait and there:
            report = self._ask_owner(
                held.vm_id,
                lambda node: self._context.bridge.wait_merge(node, vm_id=held.vm_id, timeout_second=_MERGE_SECONDS),
            )
            self._note_leaves(held, report)
            if report.merging:
                self._warn(held.vm_id, f"the disks of {held.name} are not merged {_MERGE_SECONDS} seconds after its snapshot")
            elif held.vm_id in self.unmerged:
                self._warn(held.vm_id, f"{held.name} still runs on {self.unmerged[held.vm_id][0]}, though nothing is merged")
        self.converted.discard(held.vm_id)
        if held in self._record.snapshots:
            self._record.drop_snapshot(held)
        return there

    def _removed(self, held: HeldSnapshot) -> tuple[bool, SnapshotReport]:
        """Remove the snapshot if it is there; return whether it was and the last look."""
        found = False

        def ask(node: str) -> SnapshotReport | Lost:
            nonlocal found
            report = self._context.bridge.get_snapshot(node, vm_id=held.vm_id)
            if isinstance(report, Lost):
                return report
            mine = [one.id for one in report.snapshots if one.run_id == held.run_id]
            found = found or bool(mine) or held.vm_id in self.converted
            answer: SnapshotReport | Lost = report
            for snapshot_id in mine:
                answer = self._context.bridge.remove_snapshot(node, vm_id=held.vm_id, snapshot_id=snapshot_id)
            return answer

        report = self._ask_owner(held.vm_id, ask)
        return found, report

    def _note_leaves(self, held: HeldSnapshot, report: SnapshotReport) -> None:
        base = {path_key(path) for path in held.disk_paths}
        leaves = tuple(path for path in report.disk_paths if path_key(path) not in base)
        self.unmerged.pop(held.vm_id, None)
        if leaves:
            self.unmerged[held.vm_id] = leaves

    def _note_state(self, vm_id: str, name: str, disk_paths: tuple[str, ...], report: SnapshotReport) -> None:
        """Tell, once, of a VM that Windows paused: the leaf of its snapshot found no room to grow in, most likely."""
        if not report.state.endswith("Critical") or vm_id in self._paused:
            return
        self._paused.add(vm_id)
        located = (locate(path, self._context.policy.mounts, node=report.node) for path in disk_paths)
        volumes = sorted({place.mount.name for place in located if place is not None})
        message = f"{name} is {report.state} on {report.node}, and nothing runs in it: is there room on {', '.join(volumes)}?"
        self._warn(vm_id, f"{message} Make some, then resume it: Get-VM -Id {vm_id} | Resume-VM")

    def _ask_owner(self, vm_id: str, ask: Callable[[str], T | Lost]) -> T:
        return ask_owner(self._context, self.inventory, vm_id, ask)
