r"""Where each file of an archive goes: its own place, another volume, or the folder of a copy. Pure.

A VM's home is the folder above ``Virtual Machines``. What lies in it keeps its place inside; what lies elsewhere goes below the
new home under its archive path, so that no two files meet and the files of a chain keep their way to each other.
"""

import ntpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from borg_cluster.core.archive import ArchivedFile, Manifest
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import FileKind, VirtualMachine, path_key
from borg_cluster.core.policy import Mount
from borg_cluster.core.report import Disk
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.core.restore_shared import STAY
from borg_cluster.core.restore_site import Site
from borg_cluster.core.restore_target import ELSEWHERE, manifest_configuration, manifest_disks, position_of
from borg_cluster.core.staged import Move
from borg_cluster.errors import NotMapped, Refused

CHECKPOINT_KINDS = frozenset({FileKind.CHECKPOINT_CONFIGURATION, FileKind.CHECKPOINT_STATE})
_ID_PREFIX = 8
_NO_FILE_NAME = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The new place of each file that moves, by ``path_key``."""

    moved: Mapping[str, str]

    def of(self, path: str) -> str:
        """Return where a file goes."""
        return self.moved.get(path_key(path), path)

    def drives(self, paths: Iterable[str]) -> tuple[Move, ...]:
        """Return the disks that lie elsewhere than the archived configuration says."""
        return tuple(Move(source=path, destination=self.of(path)) for path in paths if path_key(path) in self.moved)


def plan_places(manifest: Manifest, request: RestoreRequest, site: Site, *, stay: frozenset[str] = frozenset()) -> Places:
    """Return where the files of an archive go.

    Args:
        manifest: of the archive.
        request: what is asked for.
        site: the mounts, the node, and the restore's id, by which a copy's folder is nobody else's.
        stay: archived paths of files that stay where they are, since others use them too.

    Raises:
        Refused: no mount is called so, or a disk chain would lose its way.
        NotMapped: a copy is to lie beside its original, whose volume no mount reaches.
    """
    mapped = _mapped(manifest, request, site, stay)
    if not request.is_elsewhere:
        _refuse_lost_chains(manifest, Places(moved=mapped), stay)
        return Places(moved=mapped)
    configuration = manifest_configuration(manifest)
    home = home_of(configuration)
    mount = _mount(request, mapped.get(path_key(configuration), configuration), site)
    target = _target(manifest, request, home, mount, site.restore_id)
    moved = {
        path_key(file.windows_path): new
        for file in manifest.files
        if file.owner == manifest.subject
        and file.kind not in STAY
        and file.windows_path not in stay
        and (new := _new_place(file, home, target, mount, keep=not request.is_copy)) is not None
    }
    places = Places(moved=moved)
    _refuse_lost_chains(manifest, places, stay)
    return places


def attached_places(manifest: Manifest, vm: VirtualMachine | None) -> Places:
    """Return where the disks of an archived configuration are now, by their positions, for a restore of the configuration alone.

    Raises Refused: the VM has or had checkpoints, or lacks a disk that the configuration has.
    """
    if any(file.kind == FileKind.CHECKPOINT_CONFIGURATION for file in manifest.files) or (vm is not None and vm.checkpoints):
        raise Refused(f"{one_line(manifest.name)} has or had checkpoints, which know its disks", hint="restore all of it")
    moved: dict[str, str] = {}
    for disk in manifest_disks(manifest) if vm is not None else ():
        now = next((one.path for one in vm.disks if _is_at(one, disk.position)), None) if vm is not None else None
        if now is None:
            raise Refused(f"{one_line(manifest.name)} has no disk at {disk.position} now", hint="restore all of it")
        if path_key(now) != path_key(disk.path):
            moved[path_key(disk.path)] = now
    return Places(moved=moved)


def _is_at(disk: Disk, position: str) -> bool:
    return position_of(disk.controller_type, disk.controller_number, disk.controller_location) == position


def home_of(configuration: str) -> str:
    """Return the folder of a VM by the path of its configuration."""
    folder = ntpath.dirname(configuration)
    return ntpath.dirname(folder) if ntpath.basename(folder).lower() == "virtual machines" else folder


def file_name(text: str) -> str:
    """Return a folder's name that Windows takes, as like a VM's name as possible."""
    name = _NO_FILE_NAME.sub("_", text)[:_LONGEST_NAME].strip().rstrip(". ") or "_"
    return f"_{name}" if _DEVICE.fullmatch(name) else name


def _mapped(manifest: Manifest, request: RestoreRequest, site: Site, stay: frozenset[str]) -> dict[str, str]:
    """Return the places here of files on storage that is called otherwise here. Raises Refused for storage that isn't there."""
    moved: dict[str, str] = {}
    for old, new in request.mapped:
        mount, found = _named_mount(new, site), False
        for file in manifest.files:
            inside = _inside(file, old)
            found = found or inside is not None
            if inside is not None and file.kind not in STAY and file.windows_path not in stay:
                moved[path_key(file.windows_path)] = mount.windows.rstrip("\\") + "\\" + inside
        if not found:
            known = ", ".join(dict.fromkeys(file.archive_path.partition("/")[0] for file in manifest.files))
            raise Refused(f"nothing in the archive lies on {old!r}", hint=f"it has: {known}")
    return {key: new for key, new in moved.items() if path_key(new) != key}


def _inside(file: ArchivedFile, storage: str) -> str | None:
    """Return a file's path inside a storage, which is named as in the archive or by its Windows path; None: it isn't there."""
    name, _, inside = file.archive_path.partition("/")
    if name.lower() == storage.lower():
        return inside.replace("/", "\\")
    prefix = path_key(storage).rstrip("\\") + "\\"
    path = ntpath.normpath(file.windows_path)
    return path[len(prefix) :] if path.lower().startswith(prefix) else None


def _mount(request: RestoreRequest, configuration: str, site: Site) -> Mount:
    if request.volume is None:
        located = site.look_up(configuration)
        if located is None:
            raise NotMapped(f"{configuration} lies on no mount of the configuration", hint="say where to: --to-volume NAME")
        return located.mount
    return _named_mount(request.volume, site)


def _named_mount(word: str, site: Site) -> Mount:
    for mount in site.mounts:
        if word.lower() == mount.name.lower() or path_key(word) == path_key(mount.windows):
            return mount
    known = ", ".join(mount.name for mount in site.mounts)
    raise Refused(f"the configuration has no mount {word!r}", hint=f"add it to mounts:, or say one of: {known}")


def _target(manifest: Manifest, request: RestoreRequest, home: str, mount: Mount, restore_id: str) -> str:
    root = mount.windows.rstrip("\\")
    if request.copy_name is not None:
        return f"{root}\\{file_name(request.copy_name)}-{restore_id[:_ID_PREFIX]}"
    if path_key(home).startswith(path_key(root) + "\\"):
        return home
    own = ntpath.basename(home) if len(home.rstrip("\\").split("\\")) > _depth_of_root(home) else ""
    return f"{root}\\{own or file_name(manifest.name) + '-' + manifest.subject[:_ID_PREFIX]}"


def _depth_of_root(home: str) -> int:
    r"""Return how many parts the root of a storage has: ``D:``, ``C:\ClusterStorage\Volume1``, ``\\server\share``."""
    parts = home.lower().split("\\")
    if home.startswith("\\\\"):
        return 4
    return 3 if len(parts) > 1 and parts[1] == "clusterstorage" else 1


def _new_place(file: ArchivedFile, home: str, target: str, mount: Mount, *, keep: bool) -> str | None:
    """Return where a file goes, None if it stays; ``keep``: what is on the target's volume already."""
    path = ntpath.normpath(file.windows_path)
    prefix = home.rstrip("\\") + "\\"
    if path.lower().startswith(prefix.lower()):
        new = f"{target}\\{path[len(prefix) :]}"
    elif keep and path_key(path).startswith(path_key(mount.windows).rstrip("\\") + "\\"):
        return None
    else:
        new = f"{target}\\" + file.archive_path.replace("/", "\\")
    return None if path_key(new) == path_key(path) else new


def _refuse_lost_chains(manifest: Manifest, places: Places, stay: frozenset[str]) -> None:
    """A differencing disk finds its parent beside itself first: if the way changed, it might take the original's."""
    for child, parent in _links(manifest):
        new_child, new_parent = places.of(child), places.of(parent)
        if parent in stay or not {path_key(parent), path_key(child)} & set(places.moved):
            continue
        if _way(child, parent) != _way(new_child, new_parent):
            raise Refused(
                one_line(f"{child} would not find its parent {parent} any more"),
                hint=f"restore it in place, or {ELSEWHERE}",
                path=child,
            )


def _way(child: str, parent: str) -> str:
    try:
        return ntpath.relpath(parent, ntpath.dirname(child)).lower()
    except ValueError:  # another drive
        return path_key(parent)


def _links(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield each differencing disk of the archived VM with its parent, both in the archive."""
    archived = {path_key(file.windows_path) for file in manifest.files if file.owner == manifest.subject}
    disks = (manifest.vm or {}).get("disks")
    for disk in disks if isinstance(disks, list | tuple) else ():
        chain = disk.get("chain") if isinstance(disk, dict) else None
        for link in chain if isinstance(chain, list | tuple) else ():
            child, parent = (link.get("path"), link.get("parent_path")) if isinstance(link, dict) else (None, None)
            if isinstance(child, str) and isinstance(parent, str) and {path_key(child), path_key(parent)} <= archived:
                yield child, parent
