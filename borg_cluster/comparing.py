"""What Borg's own list of an archive says, held against what was to be read."""

import os
import posixpath
import stat
from dataclasses import replace

from borg_cluster import notes
from borg_cluster.borg_created import Created
from borg_cluster.borg_items import StoredFile
from borg_cluster.core.archive import FOLDER, ArchivedFile, Consistency, Manifest
from borg_cluster.core.pattern import explain
from borg_cluster.core.planned import PlannedFile
from borg_cluster.core.retry import Fault
from borg_cluster.errors import BorgClusterError, BorgFailed
from borg_cluster.source import Source

_MOST_WARNINGS = 20
_MISSING = " is missing"


def as_it_is(planned: PlannedFile) -> ArchivedFile:
    """Return a file with its size and time of this moment. Raises BorgClusterError if it is no file, OSError if it's gone."""
    found = os.stat(planned.local_path, follow_symlinks=False)  # noqa: PTH116 - names that aren't UTF-8 as well
    if not stat.S_ISREG(found.st_mode):
        raise BorgClusterError(f"{planned.local_path} is not a regular file")
    return replace(planned.file, size=found.st_size, mtime_ns=found.st_mtime_ns)


def changed_files(source: Source, created: Created) -> tuple[str, ...]:
    """Return the archive paths of the files that borg saw change; it shows source paths, and '?' for what isn't UTF-8."""
    prefixes = {f"{_shown(folder)}/": f"{name}/" for name, folder in source.view.folders.items()}
    exact = {_shown(posixpath.normpath(path)): path.partition("/./")[2] for path in source.paths}
    found: list[str] = []
    for path in created.changed:
        prefix = next((prefix for prefix in prefixes if path.startswith(prefix)), None)
        found.append(exact.get(path, path) if prefix is None else prefixes[prefix] + path.removeprefix(prefix))
    return tuple(found)


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode("utf-8")


def compare_files(
    manifest: Manifest, items: tuple[StoredFile, ...], *, about: notes.Notes, changed: tuple[str, ...], told: tuple[str, ...]
) -> tuple[str, ...]:
    """Return warnings where a live file changed while it was read. Raises BorgFailed where the archive isn't the manifest's.

    ``told`` are borg's own warnings, which give the reason for a file that is missing.
    """
    stored = {item.path: item for item in items}
    wanted = {file.archive_path for file in manifest.files} | about.names
    wrong = [f"{path}{_MISSING}" for path in sorted(wanted - stored.keys())]
    wrong += [f"{path} is not in the manifest" for path in sorted(stored.keys() - wanted)]
    wrong += [f"{item.path} is no regular file" for item in items if item.kind != "-"]
    moved = [f"{path} changed while it was read" for path in changed]
    for file in manifest.files:
        item = stored.get(file.archive_path)
        if item is not None and item.size != file.size:
            moved.append(f"{file.archive_path} has {item.size} bytes instead of {file.size}")
    if manifest.consistency is not Consistency.NONE:
        wrong += moved  # nothing was to write to it
        moved = []
    if wrong:
        reasons = "; ".join(_brief((*wrong, *told)))
        fault = Fault.SHARE_HICCUP if _only_missing(wrong) else None
        raise BorgFailed(f"the archive is not what it should be: {reasons}", hint="run the job again", fault=fault)
    return _brief(tuple(moved))


def _only_missing(wrong: list[str]) -> bool:
    """Return whether files could not be read, and nothing else is wrong: a share may have been away."""
    return all(one.endswith(_MISSING) for one in wrong)


def compare_roots(source: Source, items: tuple[StoredFile, ...], *, told: tuple[str, ...]) -> tuple[str, ...]:
    """Return borg's warnings about single files. Raises BorgFailed if a root that is there is not in the archive."""
    stored = {item.path for item in items}
    lines = source.patterns or ()
    missing: list[str] = []
    for root in source.view.roots:
        base, _, name = root.partition("/./")
        place = f"{base}/{name}"
        if name not in stored and os.path.lexists(place) and (root in source.paths or explain(lines, place).included):
            missing.append(name)
    if missing or not stored - {FOLDER, *notes.NOTES}:
        what = ", ".join(_brief(tuple(missing))) or source.archive.name
        message = f"the archive holds nothing of {what}: {'; '.join(_brief(told))}"
        raise BorgFailed(message, fault=Fault.SHARE_HICCUP)
    return _brief(told)


def _brief(lines: tuple[str, ...]) -> tuple[str, ...]:
    more = len(lines) - _MOST_WARNINGS
    return lines if more <= 0 else (*lines[:_MOST_WARNINGS], f"and {more} more")
