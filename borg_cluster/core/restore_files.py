r"""Which files a restore stages, places, parks and saves, and where each lies meanwhile. Pure; refuses what can't be done safely.

Everything of one restore lies in ``<mount>\.borg-cluster\<restore id>\{staged,parked,saved}`` on the same volume as its place,
so that placing and parking are renames.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from borg_cluster.core.archive import FOLDER, ArchivedFile, Manifest
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import FileKind, Inventory, OwnedFile, VirtualMachine, path_key
from borg_cluster.core.policy import Located, Mount, locate
from borg_cluster.core.step import Move, StagedFile
from borg_cluster.errors import NotMapped, Refused

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
class Site:
    """Where a restore acts: the mounts, the node whose own disks count, and the restore's id."""

    mounts: tuple[Mount, ...]
    node: str | None
    restore_id: str

    def locate(self, path: str) -> Located:
        """Return where a path is reached here; raises NotMapped."""
        located = locate(path, self.mounts, node=self.node)
        if located is None:
            raise NotMapped(
                f"{path} lies on no mount of the configuration",
                hint="add its volume to mounts:, or extract the files only: --to DIR",
                path=path,
            )
        return located

    def folder(self, path: str) -> str:
        """Return this restore's folder on the storage of ``path``."""
        return "\\".join((self.locate(path).mount.windows.rstrip("\\"), FOLDER, self.restore_id))

    def aside(self, path: str, room: str) -> str:
        """Return where a path's file is kept in ``room`` (staged, parked or saved)."""
        inside = self.locate(path).archive_path.replace("/", "\\")
        return f"{self.folder(path)}\\{room}\\{inside}"

    def staged(self, file: ArchivedFile) -> StagedFile:
        """Return an archived file with its staged and final places; raises NotMapped if we can't write there."""
        mount = self.locate(file.windows_path).mount
        if not mount.writable:
            raise NotMapped(
                f"{file.windows_path} lies on the mount {mount.path}, which is not writable",
                hint=f"mount it for writing and say writable: true for {mount.windows}, or extract the files only: --to DIR",
                path=file.windows_path,
            )
        return StagedFile(
            archive_path=file.archive_path,
            kind=file.kind,
            size=file.size,
            identifier=file.identifier,
            final=file.windows_path,
            staged=f"{self.folder(file.windows_path)}\\staged\\" + file.archive_path.replace("/", "\\"),
            local_path="/".join((mount.path.rstrip("/"), FOLDER, self.restore_id, "staged", file.archive_path)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFiles:
    """All moves of a restore. ``kept``: shared files that stay as they are, with the reason."""

    staged: tuple[StagedFile, ...]
    kept: tuple[tuple[str, str], ...]
    parked: tuple[Move, ...]
    saved: tuple[Move, ...]
    leftovers: tuple[Move, ...]
    traces: tuple[Move, ...]
    """Change tracking that the new VM may have made beside its disks, and where an undo puts it."""
    folders: tuple[str, ...]
    warnings: tuple[str, ...]


def plan_files(manifest: Manifest, inventory: Inventory, vm: VirtualMachine | None, site: Site) -> RestoreFiles:
    """Return the files to stage, place, park and save for a VM, ``vm`` as it is now (None: gone).

    Raises NotMapped for a file that no writable mount reaches, Refused for a place that another VM holds.
    """
    staged, kept = _staged(manifest, inventory, site)
    registered = vm is not None and bool(vm.nodes)
    in_the_way = [file for file in staged if not (registered and file.kind in CONFIGURATION_KINDS)]
    old = () if vm is None else tuple(_old_disks(vm, inventory, site, {path_key(file.final) for file in staged}))
    parked = _moves((*old, *(path for file in in_the_way for path in with_tracking(file.final, file.kind))), site, "parked")
    saved = _moves(_old_configuration(vm) if vm is not None and registered else (), site, "saved")
    traces = tuple(
        Move(source=file.final + suffix, destination=file.staged + suffix)
        for file in staged
        if file.kind in DISK_KINDS
        for suffix in TRACKING_SUFFIXES
    )
    touched = (*(file.final for file in staged), *(move.source for move in (*parked, *saved)))
    return RestoreFiles(
        staged=staged,
        kept=kept,
        parked=parked,
        saved=saved,
        leftovers=parked + _moves((file.final for file in staged if file not in in_the_way), site, "parked"),
        traces=traces,
        folders=tuple(dict.fromkeys(site.folder(path) for path in touched)),
        warnings=tuple(_warnings(manifest, vm)),
    )


def with_tracking(path: str, kind: str) -> tuple[str, ...]:
    """Return a disk's path and those of the change tracking that may lie beside it; of other files the path alone."""
    return (path, *(path + suffix for suffix in TRACKING_SUFFIXES)) if kind in DISK_KINDS else (path,)


def _staged(manifest: Manifest, inventory: Inventory, site: Site) -> tuple[tuple[StagedFile, ...], tuple[tuple[str, str], ...]]:
    staged: list[StagedFile] = []
    kept: list[tuple[str, str]] = []
    for file in manifest.files:
        if file.owner != manifest.subject or file.kind in NEVER_RESTORED:
            continue
        reason = _why_kept(file, inventory, site, manifest.subject)
        if reason is None:
            staged.append(site.staged(file))
        else:
            kept.append((file.windows_path, reason))
    return tuple(staged), tuple(kept)


def _why_kept(file: ArchivedFile, inventory: Inventory, site: Site, vm_id: str) -> str | None:
    """Return why an archived file need not be restored, None if it must; raises Refused where another VM's file is in the way."""
    for vm, owned in _holders(file.windows_path, inventory, site):
        if vm.id == vm_id or owned.exists is False:
            continue
        if not file.read_only:
            raise Refused(
                f"{file.windows_path} is now a file of the virtual machine {one_line(vm.name)} ({vm.id})",
                hint="extract the files elsewhere with --to DIR",
                path=file.windows_path,
            )
        if (file.size, file.identifier) != (owned.size, owned.identifier):
            raise Refused(
                f"{file.windows_path} was replaced since the backup and {one_line(vm.name)} ({vm.id}) uses it too",
                hint="extract the files elsewhere with --to DIR",
                path=file.windows_path,
            )
        return f"it is there with the same size and identity, and {one_line(vm.name)} uses it too"
    return None


def _holders(path: str, inventory: Inventory, site: Site) -> Iterator[tuple[VirtualMachine, OwnedFile]]:
    """Yield the VMs that have this file. A path on one node's own disk is another file on another node."""
    key = path_key(path)
    only = site.locate(path).mount.node
    for vm in inventory.virtual_machines:
        if only is not None and (vm.node is None or vm.node.lower() != only.lower()):
            continue
        yield from ((vm, file) for file in vm.files if path_key(file.path) == key)


def _old_disks(vm: VirtualMachine, inventory: Inventory, site: Site, finals: set[str]) -> Iterator[str]:
    """Yield what is to be parked of the VM as it is now: its disks and their tracking, never what others use too."""
    for file in vm.files:
        in_place = path_key(file.path) in finals
        if file.exists is False or (file.kind not in DISK_KINDS and not in_place and file.kind != FileKind.CHANGE_TRACKING):
            continue
        if file.kind in CONFIGURATION_KINDS or any(other.id != vm.id for other, _ in _holders(file.path, inventory, site)):
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


def _moves(sources: Iterable[str], site: Site, room: str) -> tuple[Move, ...]:
    unique: dict[str, str] = {}
    for path in sources:
        unique.setdefault(path_key(path), path)
    return tuple(Move(source=path, destination=site.aside(path, room)) for path in unique.values())


def _warnings(manifest: Manifest, vm: VirtualMachine | None) -> Iterator[str]:
    """Yield what a restore takes away: disks that the archive doesn't know."""
    then = {path_key(file.windows_path) for file in manifest.files}
    for disk in vm.disks if vm is not None else ():
        if disk.path is not None and disk.disk_number is None and not any(path_key(f.path) in then for f in disk.chain):
            yield f"{disk.path} is not in the archive: it is parked with the old virtual machine and goes when that is released"
