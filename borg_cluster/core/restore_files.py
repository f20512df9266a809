"""Which files a restore stages, places, parks and saves, and where each lies meanwhile. Pure; it refuses the unsafe."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from borg_cluster.core.archive import ArchivedFile, Manifest
from borg_cluster.core.inventory import FileKind, Inventory, VirtualMachine, path_key
from borg_cluster.core.restore_places import CHECKPOINT_KINDS, Places, attached_places, plan_places
from borg_cluster.core.restore_request import Part, RestoreRequest
from borg_cluster.core.restore_shared import holders, refuse_taken, why_kept
from borg_cluster.core.restore_site import Site
from borg_cluster.core.restore_target import manifest_disk_paths
from borg_cluster.core.staged import Move, StagedFile

CONFIGURATION_KINDS = frozenset(
    {
        FileKind.CONFIGURATION,
        FileKind.GUEST_STATE,
        FileKind.RUNTIME_STATE,
        FileKind.CHECKPOINT_CONFIGURATION,
        FileKind.CHECKPOINT_STATE,
    }
)
"""What unregistering deletes."""
DISK_KINDS = frozenset({FileKind.DISK, FileKind.PARENT_DISK})
NEVER_RESTORED = frozenset({FileKind.CHANGE_TRACKING, FileKind.SMART_PAGING})
"""Tracking describes the disk that was there before; paging is a running VM's scratch."""
TRACKING_SUFFIXES = (".rct", ".mrt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a restore takes on one mount: bytes to extract, and bytes of old files that may be deleted before."""

    mount: str
    path: str
    """Where the mount is on this machine."""
    needed: int
    freed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFiles:
    """All moves of a restore. ``kept``: shared files that stay as they are, with the reason."""

    staged: tuple[StagedFile, ...]
    kept: tuple[tuple[str, str], ...]
    parked: tuple[Move, ...]
    saved: tuple[Move, ...]
    leftovers: tuple[Move, ...]
    drives: tuple[Move, ...]
    """Disks that lie elsewhere than the archived configuration says."""
    disk_paths: tuple[str, ...]
    """Of the restored VM's disks, as it is to find them."""
    traces: tuple[Move, ...]
    """Change tracking that the new VM may have made beside its disks, and where an undo puts it."""
    folders: tuple[str, ...]
    warnings: tuple[str, ...]
    room: tuple[Room, ...] = ()
    """What it takes on each mount."""


def plan_files(
    manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None, site: Site, request: RestoreRequest
) -> RestoreFiles:
    """Return the files to stage, place, park and save for a VM, ``vm`` as it is now (None: gone, or not to be touched).

    Raises NotMapped for a file that no writable mount reaches, Refused for a place that another VM holds.
    """
    if request.part is Part.CONFIGURATION:
        manifest = replace(manifest, files=tuple(file for file in manifest.files if file.kind in CONFIGURATION_KINDS))
    kept = _kept(manifest, inventory, site, request)
    places = plan_places(manifest, request, site, stay=frozenset(kept))
    if request.part is Part.CONFIGURATION:
        places = attached_places(manifest, vm)
    staged = tuple(_staged(manifest, inventory, site, request, kept=kept, places=places))
    registered = vm is not None and bool(vm.nodes)
    replaced = CONFIGURATION_KINDS if registered and not request.is_elsewhere else frozenset()
    in_the_way = [file for file in staged if file.kind not in replaced and not request.is_copy]
    old = (
        ()
        if vm is None or request.part is Part.CONFIGURATION
        else tuple(_old_disks(vm, inventory, site, {path_key(file.final) for file in staged}))
    )
    parked = aside_moves((*old, *(path for file in in_the_way for path in with_tracking(file.final, file.kind))), site, "parked")
    saved = aside_moves(_old_configuration(vm) if vm is not None and registered else (), site, "saved")
    left = () if request.is_copy else aside_moves((file.final for file in staged if file not in in_the_way), site, "parked")
    touched = (*(file.final for file in staged), *(move.source for move in (*parked, *saved)))
    disks = manifest_disk_paths(manifest)
    return RestoreFiles(
        staged=staged,
        kept=tuple(kept.items()),
        parked=parked,
        saved=saved,
        leftovers=parked + left,
        traces=traces_of(staged),
        drives=places.drives(disks),
        disk_paths=tuple(places.of(path) for path in disks),
        folders=tuple(dict.fromkeys(site.folder(path) for path in touched)),
        warnings=tuple(_warnings(manifest, vm, request)),
        room=room_for(staged, parked, vm, site),
    )


def room_for(staged: tuple[StagedFile, ...], parked: tuple[Move, ...], vm: VirtualMachine | None, site: Site) -> tuple[Room, ...]:
    """Return what the extraction takes on each mount, and what the files that are parked take there now."""
    sizes = {path_key(file.path): file.size or 0 for file in vm.files} if vm is not None else {}
    rooms: dict[str, Room] = {}
    for path, needed, freed in (
        *((file.final, file.size or 0, 0) for file in staged),
        *((move.source, 0, sizes.get(path_key(move.source), 0)) for move in parked),
    ):
        mount = site.locate(path).mount
        room = rooms.get(mount.path, Room(mount=mount.name, path=mount.path, needed=0, freed=0))
        rooms[mount.path] = replace(room, needed=room.needed + needed, freed=room.freed + freed)
    return tuple(room for room in rooms.values() if room.needed)


def traces_of(staged: tuple[StagedFile, ...]) -> tuple[Move, ...]:
    """Return where change tracking goes that the restored VM may have made beside its disks, when these are taken out again."""
    return tuple(
        Move(source=file.final + suffix, destination=file.staged + suffix)
        for file in staged
        if file.kind in DISK_KINDS
        for suffix in TRACKING_SUFFIXES
    )


def with_tracking(path: str, kind: str) -> tuple[str, ...]:
    """Return a disk's path and those of the change tracking that may lie beside it; of other files the path alone."""
    return (path, *(path + suffix for suffix in TRACKING_SUFFIXES)) if kind in DISK_KINDS else (path,)


def _kept(manifest: Manifest, inventory: Inventory, site: Site, request: RestoreRequest) -> dict[str, str]:
    """Return the archived files that stay as they are, each with the reason."""
    kept: dict[str, str] = {}
    for file in _own(manifest):
        reason = why_kept(file, inventory, site, manifest.subject, request)
        if reason is not None:
            kept[file.windows_path] = reason
    return kept


def _own(manifest: Manifest) -> Iterator[ArchivedFile]:
    return (file for file in manifest.files if file.owner == manifest.subject and file.kind not in NEVER_RESTORED)


def _staged(
    manifest: Manifest, inventory: Inventory, site: Site, request: RestoreRequest, *, kept: dict[str, str], places: Places
) -> Iterator[StagedFile]:
    for file in _own(manifest):
        if file.windows_path in kept or (request.is_copy and file.kind in CHECKPOINT_KINDS):
            continue
        final = places.of(file.windows_path)
        if final != file.windows_path:
            refuse_taken(final, inventory, site, manifest.subject, request)
        yield site.staged(file, final)


def _old_disks(vm: VirtualMachine, inventory: Inventory, site: Site, finals: set[str]) -> Iterator[str]:
    """Yield what is to be parked of the VM as it is now: its disks and their tracking, never what others use too."""
    for file in vm.files:
        in_place = path_key(file.path) in finals
        if file.exists is False or (file.kind not in DISK_KINDS and not in_place and file.kind != FileKind.CHANGE_TRACKING):
            continue
        if file.kind in CONFIGURATION_KINDS or any(other.id != vm.id for other, _ in holders(file.path, inventory, site)):
            continue
        yield from with_tracking(file.path, file.kind)


def _old_configuration(vm: VirtualMachine) -> Iterator[str]:
    """Yield the files that unregistering deletes, the configuration first.

    Beside what is listed, the guest state and the runtime state, which may be made between the listing and the copy.
    """
    if vm.configuration_path is not None:
        yield vm.configuration_path
        base = vm.configuration_path[: -len(".vmcx")] if vm.configuration_path.lower().endswith(".vmcx") else None
        if base is not None:
            yield from (f"{base}.vmgs", f"{base}.vmrs")
    yield from (file.path for file in vm.files if file.kind in CONFIGURATION_KINDS and file.exists is not False)


def aside_moves(sources: Iterable[str], site: Site, room: str) -> tuple[Move, ...]:
    """Return the renames of files into a room of this restore."""
    unique: dict[str, str] = {}
    for path in sources:
        unique.setdefault(path_key(path), path)
    return tuple(Move(source=path, destination=site.aside(path, room)) for path in unique.values())


def _warnings(manifest: Manifest, vm: VirtualMachine | None, request: RestoreRequest) -> Iterator[str]:
    """Yield what a restore takes away: disks that the archive doesn't know, checkpoints that a copy doesn't have."""
    if request.is_copy and any(file.kind in CHECKPOINT_KINDS for file in manifest.files):
        yield "a copy has no checkpoints: it is what the virtual machine was last, not what its checkpoints hold"
    then = {path_key(file.windows_path) for file in manifest.files}
    for disk in vm.disks if vm is not None and request.part is Part.ALL else ():
        if disk.path is not None and disk.disk_number is None and not any(path_key(f.path) in then for f in disk.chain):
            yield f"{disk.path} is not in the archive: it is parked with the old virtual machine and goes when that is released"
