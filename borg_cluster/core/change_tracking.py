"""From which earlier archive a VM's next one may take blocks over, and why not: decided before anything is read.

A base is an archive of this VM in this repository that is known by its id, with a reference point that Windows still has. Each
disk must be the one that it was: the same place on its controller, the same path, the same chain of checkpoints. Any doubt means
that the disk is read in full, and is told; it is never an error.
"""

import hashlib
import ntpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from borg_cluster.core.archive import ArchivedFile
from borg_cluster.core.inventory import path_key
from borg_cluster.core.snapshot import ChangedRange, DiskChangeReport, FrozenDisk, ReferencePoint, ReferencePointReport

_FIXED = "fixed,"
_TRACKED = {".vhdx", ".avhdx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedDisk:
    """A disk as it was frozen for an archive, and the change tracking identifier of that moment."""

    controller_type: str
    controller_number: int
    controller_location: int
    path: str
    chain: tuple[str, ...]
    rct_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPoint:
    """A reference point of ours: of which archive, in which repository. ``number`` counts a VM's archives there from 1.

    0: found again by our mark after the catalog was lost. It goes with the next archive and is never built on: how its disks were
    attached is not known any more.
    """

    cluster: str
    vm_id: str
    repository: str
    point_id: str
    archive: str
    archive_id: str
    run_id: str
    number: int
    disks: tuple[TrackedDisk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A disk whose changes are to be asked: ``path`` of the frozen file, ``since`` the identifier to ask from.

    ``size`` and ``identifier`` as the base archive has its file.
    """

    archive_path: str
    path: str
    since: str
    size: int
    identifier: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Full:
    """A disk that is read in full, and why."""

    archive_path: str
    reason: str


def chunker_for(chunker_params: str | None, default: str) -> tuple[str | None, str | None]:
    """Return the chunker parameters of a VM's archive, and why they keep all from being taken over (None: they don't)."""
    if chunker_params is None:
        return default, None
    fixed = chunker_params.startswith(_FIXED) and chunker_params.count(",") == 1
    return chunker_params, None if fixed else f"chunker_params: is {chunker_params}, not fixed,SIZE"


def forced(vm_id: str, number: int, full_every: int) -> str | None:
    """Return why a VM's archive of that number is read in full: each so many, at another turn for each VM."""
    if full_every <= 0:
        return None
    turn = int.from_bytes(hashlib.sha256(vm_id.encode()).digest()[:4], "big")
    return f"each {full_every} archives one is read in full" if (number + turn) % full_every == 0 else None


def choose_base(
    known: tuple[KnownPoint, ...],
    report: ReferencePointReport | None,
    archive_ids: Mapping[str, str],
    suspect: frozenset[str],
) -> KnownPoint | str:
    """Return the newest point to build on, or why there is none.

    Args:
        known: our points of this VM and repository, newest first.
        report: what Windows has of them now; None: it could not be asked.
        archive_ids: the archives that the catalog knows there, by name.
        suspect: archives that are not to be trusted.
    """
    if not known:
        return "there is no earlier archive with a reference point"
    if report is None:
        return "Windows could not be asked for its reference points"
    listed = {point.id: point for point in report.reference_points}
    reasons = []
    for point in known:
        there = listed.get(point.point_id)
        if there is None:
            reasons.append("its reference point is gone")
        elif point.number == 0:
            reasons.append("the catalog was lost, and with it what its reference point says of which disk")
        elif not there.complete:
            reasons.append("Windows tells of its reference point in arrays of unequal length")
        elif archive_ids.get(point.archive) is None:
            reasons.append(f"its base archive {point.archive} was removed")
        elif archive_ids[point.archive] != point.archive_id:
            reasons.append(f"the archive {point.archive} is not the one that was made")
        elif point.archive in suspect:
            reasons.append(f"its base archive {point.archive} is suspect")
        else:
            return point
    return reasons[0]


def match_disks(
    base: KnownPoint, frozen: Iterable[FrozenDisk], now: Iterable[ArchivedFile], before: Iterable[ArchivedFile]
) -> tuple[tuple[Wanted, ...], tuple[Full, ...]]:
    """Return the disks whose changes are to be asked, and those that are read in full.

    Args:
        base: the reference point to build on.
        frozen: the disks of the recovery snapshot that is read.
        now: the files of the archive that is made.
        before: the files of the base archive, by its manifest.
    """
    files = {path_key(file.windows_path): file for file in now}
    old = {file.archive_path: file for file in before}
    wanted: list[Wanted] = []
    full: list[Full] = []
    for disk in frozen:
        file = files.get(path_key(disk.path))
        if file is None:
            continue
        found = _match(base, disk, file, old.get(file.archive_path))
        if isinstance(found, Wanted):
            wanted.append(found)
        else:
            full.append(Full(archive_path=file.archive_path, reason=found))
    return tuple(wanted), tuple(full)


def _match(  # noqa: PLR0911 - a reason a line
    base: KnownPoint, disk: FrozenDisk, file: ArchivedFile, old: ArchivedFile | None
) -> Wanted | str:
    if ntpath.splitext(disk.path)[1].lower() not in _TRACKED:
        return "only VHDX files are taken over in part"
    place = (disk.controller_type, disk.controller_number, disk.controller_location)
    was = next((it for it in base.disks if (it.controller_type, it.controller_number, it.controller_location) == place), None)
    if was is None:
        return "it was not there, or in another place of its VM"
    if path_key(was.path) != path_key(disk.path):
        return f"it was {was.path}: its storage moved, or its checkpoints changed"
    if tuple(map(path_key, was.chain)) != tuple(map(path_key, disk.chain)):
        return "the chain of its checkpoints changed"
    if old is None or old.size is None:
        return "its base archive does not hold it"
    if old.identifier != file.identifier:
        return "its disk identifier is another one: the disk was replaced"
    return Wanted(archive_path=file.archive_path, path=disk.path, since=was.rct_id, size=old.size, identifier=old.identifier)


def judge_changes(wanted: Wanted, report: DiskChangeReport) -> tuple[ChangedRange, ...] | str:
    """Return the changed ranges that a report tells, or why it is not to be believed."""
    if report.since != wanted.since or path_key(report.path) != path_key(wanted.path):
        return "Windows told the changes of something else"
    for one in report.ranges:
        if one.offset < 0 or one.length <= 0 or one.offset >= report.virtual_size:
            return f"Windows told a change at {one.offset} of {one.length} bytes, on a disk of {report.virtual_size}"
    return report.ranges


def tracked(frozen: Iterable[FrozenDisk], point: ReferencePoint) -> tuple[TrackedDisk, ...]:
    """Return the disks of a new reference point, with what the snapshot said of each; those that both tell of."""
    ids = {path_key(disk.path): disk.rct_id for disk in point.disks}
    return tuple(
        TrackedDisk(
            controller_type=disk.controller_type,
            controller_number=disk.controller_number,
            controller_location=disk.controller_location,
            path=disk.path,
            chain=disk.chain,
            rct_id=ids[path_key(disk.path)],
        )
        for disk in frozen
        if path_key(disk.path) in ids
    )
