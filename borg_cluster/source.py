"""Where files are read: real names in place of Windows' spelling, and a view in which each mount has its own name.

Borg follows no symlink at the end of a path, but it does on the way there. So a mount whose folder is called otherwise is read
through a folder of ours that holds one symlink of the right name; the recursion roots are then the mount's entries, one by one.
Such a folder keeps its place from run to run, or else Borg would take every file for a new one.
"""

import hashlib
import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from borg_cluster import discover
from borg_cluster.context import Context
from borg_cluster.core.archive import FOLDER, ArchiveKind
from borg_cluster.core.pattern import View, odd_roots, volume_patterns
from borg_cluster.core.planned import LeftOut, PlannedArchive, PlannedFile
from borg_cluster.core.retry import Fault
from borg_cluster.errors import BorgClusterError

_MOUNTED = "is the volume mounted?"
_SHARE = Fault.SHARE_HICCUP
"""What is not there may be a share that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What Borg is given for one archive.

    ``archive`` is the planned one with the names that the files really have here, in ``local_path`` and ``archive_path``;
    ``paths`` its files in that order, or the roots of a volume that can't stand in ``patterns`` (None for a VM's archive).
    """

    archive: PlannedArchive
    paths: tuple[str, ...]
    patterns: tuple[str, ...] | None
    view: View


@contextmanager
def open_source(context: Context, planned: PlannedArchive) -> Iterator[Source]:
    """Yield where ``planned`` is read; valid inside the ``with``. Plugins (snapshots) may put other places in.

    Raises BorgClusterError if a VM's file or a volume's folder is not there.
    """

    def owner() -> str | None:
        return discover.locate_vm(context, planned.subject) if planned.kind is ArchiveKind.VIRTUAL_MACHINE else None

    with context.plugins.open_source(planned, owner=owner) as archive:
        yield look(archive, context.state / "views")


def look(planned: PlannedArchive, views: Path) -> Source:
    """Return what Borg is given for ``planned``; ``views`` is the folder for views, made when one is needed."""
    folders = _Folders()
    if planned.kind is ArchiveKind.VOLUME:
        return _volume(planned, views, folders)
    files: list[PlannedFile] = []
    paths: list[str] = []
    missing: list[str] = []
    for file in planned.files:
        found = _find(file, views, folders)
        if found is None:
            missing.append(file.local_path)
        else:
            files.append(found[0])
            paths.append(found[1])
    if missing:
        more = f" and {len(missing) - 1} more of its files" if len(missing) > 1 else ""
        hint = f"{_MOUNTED} borg-cluster discover --refresh"
        raise BorgClusterError(f"not there: {missing[0]}{more}", hint=hint, fault=_SHARE)
    archive = replace(planned, files=tuple(files))
    return Source(archive=archive, paths=tuple(paths), patterns=None, view=View(folders={}, roots=()))


class _Folders:
    """Folders as they are listed here, each read once."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, list[str]]] = {}

    def real(self, folder: str, parts: list[str]) -> list[str] | None:
        """Return the real spelling of a path below ``folder``, whose parts are known but for case, or None."""
        found: list[str] = []
        for part in parts:
            name = self._entry(folder, part)
            if name is None:
                return None
            found.append(name)
            folder = f"{folder.rstrip('/')}/{name}"
        return found

    def _entry(self, folder: str, wanted: str) -> str | None:
        """Return the entry that is meant: that name, or the only one that differs in case alone."""
        if folder not in self._names:
            names: dict[str, list[str]] = {}
            try:
                for name in os.listdir(folder):  # noqa: PTH208 - names are all that is wanted
                    names.setdefault(name.lower(), []).append(name)
            except (FileNotFoundError, NotADirectoryError):
                pass  # then it has no such entry either
            self._names[folder] = names
        alike = self._names[folder].get(wanted.lower(), [])
        if wanted in alike:
            return wanted
        return alike[0] if len(alike) == 1 else None


def _find(file: PlannedFile, views: Path, folders: _Folders) -> tuple[PlannedFile, str] | None:
    """Return a VM's file by its real name, and the path for Borg; None if it isn't there."""
    local = posixpath.normpath(file.local_path).split("/")
    named = file.file.archive_path.split("/")
    same = _same_end(local, named)
    if not same:
        raise BorgClusterError(f"{file.local_path} can't be archived as {file.file.archive_path}: the names differ")
    folder = "/".join(local[:-same]) or "/"
    real = folders.real(folder, local[-same:])
    if real is None:
        return None
    archive_path = "/".join((*named[:-same], *real))
    found = PlannedFile(local_path="/".join((folder.rstrip("/"), *real)), file=replace(file.file, archive_path=archive_path))
    return found, f"{_base(folder, named[:-same], views)}/./{archive_path}"


def _same_end(local: list[str], named: list[str]) -> int:
    """Return how many last parts agree but for case; the first part of ``named`` (the mount's name) stays out of it."""
    count = 0
    for one, other in zip(reversed(local), reversed(named[1:]), strict=False):
        if one.lower() != other.lower():
            break
        count += 1
    return count


def _base(folder: str, name: list[str], views: Path) -> str:
    """Return what Borg strips before ``name`` when it reads ``folder`` under that name."""
    if len(name) == 1 and posixpath.basename(folder) == name[0]:
        return posixpath.dirname(folder).rstrip("/")
    return _make_view(folder, name, views)


def _make_view(folder: str, name: list[str], views: Path) -> str:
    """Make (or find) the folder that holds ``folder`` under ``name``; return it."""
    key = hashlib.sha256(os.fsencode("/".join(name) + "\0" + folder)).hexdigest()[:16]
    link = views.absolute().joinpath(key, *name)
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another run made the same one just now
            link.symlink_to(folder)
    return os.fspath(views.absolute() / key)


def _volume(planned: PlannedArchive, views: Path, folders: _Folders) -> Source:
    walked: dict[str, str] = {}
    roots: list[str] = []
    real: list[LeftOut] = []
    for place, name in planned.roots:
        folder = posixpath.normpath(place)
        entries = _entries(folder)
        if posixpath.basename(folder) == name and not Path(folder).is_symlink():
            walked[name] = folder
            roots.append(f"{posixpath.dirname(folder).rstrip('/')}/./{name}")
        else:
            base = _make_view(folder, name.split("/"), views)
            walked[name] = f"{base}/{name}"
            roots.extend(f"{base}/./{name}/{entry}" for entry in _expressible(folder, entries))
        real.extend(_really_left_out(planned, folder, name, folders))
    view = View(folders=walked, roots=tuple(roots))
    archive = replace(planned, left_out=tuple(real))
    return Source(archive=archive, paths=odd_roots(view), patterns=volume_patterns(archive, view), view=view)


def _entries(folder: str) -> list[str]:
    """Return what a volume holds at its top, but for our own folder. An empty one is taken for one that is not mounted."""
    try:
        entries = sorted(os.listdir(folder))  # noqa: PTH208 - names are all that is wanted
    except OSError as error:
        raise BorgClusterError(f"{folder} can't be read: {error.strerror}", hint=_MOUNTED, fault=_SHARE) from error
    if not entries:
        raise BorgClusterError(f"{folder} is empty", hint=_MOUNTED, fault=_SHARE)
    return [entry for entry in entries if entry != FOLDER]


def _expressible(folder: str, entries: list[str]) -> list[str]:
    """Return the entries, folders first: Borg passes over a file that it has met as a root, under whatever other name."""
    for entry in entries:
        if any("\ud800" <= character <= "\udfff" for character in entry):
            shown = entry.encode("utf-8", "backslashreplace").decode()
            raise BorgClusterError(
                f"{folder}/{shown} has a name that isn't UTF-8",
                hint="rename it, or mount the volume in a folder that is called as in the configuration",
            )
    return sorted(entries, key=lambda entry: (not os.path.isdir(os.path.join(folder, entry)), entry))  # noqa: PTH112, PTH118


def _really_left_out(planned: PlannedArchive, folder: str, name: str, folders: _Folders) -> Iterator[LeftOut]:
    """Yield what is left out under the names that it has here; what isn't there need not be left out."""
    for file in planned.left_out:
        if not file.archive_path.startswith(f"{name}/"):
            continue
        found = folders.real(folder, file.archive_path.removeprefix(f"{name}/").split("/"))
        if found is not None:
            below = "/".join(found)
            yield replace(file, local_path=f"{folder.rstrip('/')}/{below}", archive_path=f"{name}/{below}")
