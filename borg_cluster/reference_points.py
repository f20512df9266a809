"""Changed blocks, from a VM's snapshot to its next reference point: what may be taken over, and what the next archive builds on.

A recovery snapshot ends as a reference point once its archive stands; only then the older one goes. So a run that dies in between
leaves the older one, with the archive that it belongs to. Each repository has its own; those of others are left alone.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from borg_cluster import journal
from borg_cluster.bridge import Lost
from borg_cluster.catalog import RecordedArchive
from borg_cluster.changed_blocks import Base, Disk, Request
from borg_cluster.context import Context
from borg_cluster.core.archive import Manifest, Reading
from borg_cluster.core.change_tracking import (
    Full,
    KnownPoint,
    Wanted,
    choose_base,
    chunker_for,
    forced,
    judge_changes,
    match_disks,
    tracked,
)
from borg_cluster.core.event import Noted
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.policy import Job
from borg_cluster.core.snapshot import DiskChangeReport, ReferencePointReport, Snapshot
from borg_cluster.errors import BorgClusterError
from borg_cluster.owner import ask_owner
from borg_cluster.snapshot import Freezer

DEFAULT_CHUNKER = "fixed,1048576"
"""Of archives that may be made from changed blocks; README says what was measured."""
_NOT_FROZEN = "it is not read from a recovery snapshot"
_log = logging.getLogger(__name__)
Answer = TypeVar("Answer", ReferencePointReport, DiskChangeReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """How the disks of one archive are read.

    ``request`` None: all in full. ``full`` says of single disks why, ``reason`` of all of them. ``number`` counts the VM's
    archives in the repository; ``before`` are the reference points that there were, None where none is to be made.
    """

    chunker_params: str | None
    request: Request | None = None
    full: tuple[Full, ...] = ()
    reason: str | None = None
    number: int = 1
    before: tuple[str, ...] | None = None
    in_full: bool = False
    """All is read whatever Borg's files cache says: it was asked for."""


class ReferencePoints:
    """The reference points of one archive's VM."""

    def __init__(self, context: Context, freezer: Freezer) -> None:
        self._context = context
        self._freezer = freezer
        self._asked = False
        self._converted: ReferencePointReport | None = None

    def plan(
        self, planned: PlannedArchive, read: PlannedArchive, *, job: Job, snapshot: Snapshot | None, borg: str | None
    ) -> Reuse:
        """Return how an archive's disks are to be read; any doubt is a reason to read in full. Raises nothing of Windows.

        Args:
            planned: the archive as it was frozen.
            read: the same as it is read, which a plugin may have put elsewhere.
            job: how it is wanted.
            snapshot: what is frozen; None: nothing is.
            borg: why the borg that is configured can't do it, None if it can.
        """
        settings = job.changed_blocks
        if not settings.use:
            self._remove_all(planned)
            return Reuse(chunker_params=job.chunker_params)
        chunker, doubt = chunker_for(job.chunker_params, DEFAULT_CHUNKER)
        places = {file.file.archive_path: file.local_path for file in planned.files}
        if doubt is None and snapshot is None:
            doubt = _NOT_FROZEN
        if doubt is None and any(places.get(file.file.archive_path) != file.local_path for file in read.files):
            doubt = "a plugin gives another place to read it from"
        if doubt is None:
            doubt = borg
        if doubt is not None or snapshot is None:
            return Reuse(chunker_params=chunker, reason=doubt, in_full=settings.full)
        return self._plan(planned, read, snapshot, job=job, chunker=chunker)

    def _plan(self, planned: PlannedArchive, read: PlannedArchive, snapshot: Snapshot, *, job: Job, chunker: str | None) -> Reuse:
        settings = job.changed_blocks
        known = self._context.catalog.points(self._context.policy.cluster, planned.subject, planned.repository)
        report = self._ask(planned.subject)
        self._clear(planned, report)
        if report is not None:
            known += self._find_again(planned, report)
        number = known[0].number + 1 if known else 1
        before = None if report is None else tuple(point.id for point in report.reference_points)
        plain = Reuse(chunker_params=chunker, number=number, before=before, in_full=settings.full)
        base = self._base(planned, known, report)
        if isinstance(base, str):
            return replace(plain, reason=base)
        point, old = base
        wanted, full = match_disks(point, snapshot.disks, (file.file for file in read.files), old.files)
        asked = {one.archive_path: self._changes(planned.subject, one) for one in wanted}
        full += tuple(Full(archive_path=path, reason=found) for path, found in asked.items() if isinstance(found, str))
        disks = tuple(found for found in asked.values() if isinstance(found, Disk))
        why = "--full was given" if settings.full else forced(planned.subject, number, settings.full_every)
        request = Request(
            base=Base(archive=point.archive, archive_id=point.archive_id, run_id=point.run_id, subject=planned.subject),
            disks=disks,
            verify_fraction=settings.verify_fraction,
            full=why,
        )
        return replace(plain, request=request if disks else None, full=full)

    def _remove_all(self, planned: PlannedArchive) -> None:
        """Remove every point of ours: none is wanted any more. Windows is asked only where a lost catalog may have known one."""
        known = self._context.catalog.points(self._context.policy.cluster, planned.subject, planned.repository)
        report = self._ask(planned.subject) if self._taken_in(planned) else None
        for point in known + (() if report is None else self._find_again(planned, report)):
            self._remove(point.cluster, planned.subject, point.point_id)

    def _taken_in(self, planned: PlannedArchive) -> dict[str, RecordedArchive]:
        """Return the VM's archives that a new catalog took in from the repository, by the run that made them."""
        cluster, catalog = self._context.policy.cluster, self._context.catalog
        rebuilt = {run.run_id for run in catalog.runs(cluster) if run.rebuilt}
        archives = catalog.archives(cluster, planned.subject)
        return {one.run_id: one for one in archives if one.repository == planned.repository and one.run_id in rebuilt}

    def _find_again(self, planned: PlannedArchive, report: ReferencePointReport) -> tuple[KnownPoint, ...]:
        """Take up the reference points that a lost catalog knew: with our mark, of a run whose archive of the VM is here."""
        cluster, catalog = self._context.policy.cluster, self._context.catalog
        archives = self._taken_in(planned)
        known = {point.point_id for point in catalog.points(cluster, planned.subject)}
        found = tuple(
            KnownPoint(
                cluster=cluster,
                vm_id=planned.subject,
                repository=planned.repository,
                point_id=point.id,
                archive=archives[point.run_id].archive,
                archive_id=archives[point.run_id].archive_id,
                run_id=point.run_id,
                number=0,
                disks=(),
            )
            for point in report.reference_points
            if point.run_id in archives and point.id not in known
        )
        for point in found:
            catalog.record_point(point)
        return found

    def _base(
        self, planned: PlannedArchive, known: tuple[KnownPoint, ...], report: ReferencePointReport | None
    ) -> tuple[KnownPoint, Manifest] | str:
        """Return the point to build on and the manifest of its archive, or why there is none."""
        catalog = self._context.catalog
        archives = {
            one.archive: one.archive_id
            for one in catalog.archives(self._context.policy.cluster, planned.subject)
            if one.repository == planned.repository
        }
        point = choose_base(known, report, archives, frozenset(catalog.suspects(planned.repository)))
        newest = known[0] if isinstance(point, str) and known else point
        manifest = None if isinstance(newest, str) else catalog.manifest(planned.repository, newest.archive)
        restored = None if manifest is None else self._restored(planned.subject, manifest)
        if restored is not None or isinstance(point, str):
            return restored or str(point)
        return "the catalog has no manifest of its base archive" if manifest is None else (point, manifest)

    def _restored(self, vm_id: str, base: Manifest) -> str | None:
        """Return that the VM was restored since its base was made: its disks have another history then, whatever Windows says."""
        since = datetime.fromisoformat(base.created_at)
        try:
            restored = [one for one in journal.restores_of(self._context.state, vm_id) if one.replaced_disks_since(since)]
        except (BorgClusterError, OSError) as error:
            return f"whether it was restored since can't be told: {error}"
        return f"it was restored since its base archive was made ({restored[-1].plan.source.restore_id})" if restored else None

    def _ask(self, vm_id: str) -> ReferencePointReport | None:
        try:
            return self._owner(vm_id, lambda node: self._context.bridge.get_reference_point(node, vm_id=vm_id))
        except BorgClusterError as error:
            _log.info("%s: %s", vm_id, error.message)
            return None

    def _changes(self, vm_id: str, wanted: Wanted) -> Disk | str:
        """Return a disk with its changes, or why they can't be had."""
        try:
            report = self._owner(
                vm_id,
                lambda node: self._context.bridge.get_disk_change(node, vm_id=vm_id, path=wanted.path, since=wanted.since),
            )
        except BorgClusterError as error:
            return f"Windows does not tell its changes: {error.message}"
        ranges = judge_changes(wanted, report)
        if isinstance(ranges, str):
            return ranges
        return Disk(
            archive_path=wanted.archive_path,
            size=wanted.size,
            identifier=wanted.identifier,
            virtual_size=report.virtual_size,
            changed=tuple((one.offset, one.length) for one in ranges),
        )

    def convert(self, planned: PlannedArchive, snapshot: Snapshot | None, reuse: Reuse | None) -> ReferencePointReport | None:
        """Make a reference point of the snapshot, which ends with that; asked again, the answer is the first one.

        None: none is wanted, or none could be made, which is told.
        """
        if snapshot is None or reuse is None or reuse.before is None or self._asked:
            return self._converted
        self._asked = True
        vm_id, snapshot_id, bridge = planned.subject, snapshot.id, self._context.bridge
        self._context.catalog.begin_point(self._context.policy.cluster, vm_id, planned.repository, reuse.before)
        try:
            self._converted = self._owner(
                vm_id, lambda node: bridge.convert_to_reference_point(node, vm_id=vm_id, snapshot_id=snapshot_id)
            )
        except BorgClusterError as error:
            message = f"no reference point was made of its snapshot: {error.message}; its disks are read in full next time"
            self._context.emit(Noted(subject=vm_id, message=message))
        else:
            self._freezer.converted.add(vm_id)
        return self._converted

    def keep(
        self, planned: PlannedArchive, snapshot: Snapshot | None, reuse: Reuse | None, manifest: Manifest, reading: Reading
    ) -> None:
        """Make the reference point of an archive that stands, then remove the older ones of its VM and repository."""
        report = self.convert(planned, snapshot, reuse)
        if report is None or snapshot is None or reuse is None:
            return
        cluster, vm_id, catalog = self._context.policy.cluster, planned.subject, self._context.catalog
        older = catalog.points(cluster, vm_id, planned.repository)
        made = next((point for point in report.reference_points if point.id == report.made), None)
        if made is None:
            return
        point = KnownPoint(
            cluster=cluster,
            vm_id=vm_id,
            repository=planned.repository,
            point_id=made.id,
            archive=reading.archive_name,
            archive_id=reading.archive_id,
            run_id=manifest.run_id,
            number=reuse.number,
            disks=tracked(snapshot.disks, made) if made.complete else (),
        )
        catalog.record_point(point)
        for one in older:
            self._remove(one.cluster, vm_id, one.point_id)

    def _clear(self, planned: PlannedArchive, report: ReferencePointReport | None) -> None:
        """Remove the reference point that a run made and died before it knew of it, if it can be told from those of others."""
        cluster, catalog = self._context.policy.cluster, self._context.catalog
        before = catalog.point_begun(cluster, planned.subject, planned.repository)
        if before is None or report is None:
            return
        known = {point.point_id for point in catalog.points(cluster, planned.subject)}
        new = [point.id for point in report.reference_points if point.id not in before | known]
        if len(new) == 1:
            self._remove(cluster, planned.subject, new[0])
        catalog.end_point(cluster, planned.subject, planned.repository)

    def _remove(self, cluster: str, vm_id: str, point_id: str) -> None:
        try:
            self._owner(
                vm_id,
                lambda node: self._context.bridge.remove_reference_point(node, vm_id=vm_id, reference_point_id=point_id),
            )
        except BorgClusterError as error:
            message = f"the reference point {point_id} could not be removed: {error.message}"
            self._context.emit(Noted(subject=vm_id, message=message))
            return
        self._context.catalog.drop_point(cluster, point_id)

    def _owner(self, vm_id: str, ask: Callable[[str], Answer | Lost]) -> Answer:
        return ask_owner(self._context, self._freezer.inventory, vm_id, ask)
