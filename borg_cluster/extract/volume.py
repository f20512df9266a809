"""A volume's archive, or paths of it, to its place or elsewhere; never over a file that a virtual machine holds.

Everything is extracted beside its place first, then renamed into it, a file at a time or a whole new folder at once. So a file
that is there is replaced, where that was asked for, only by one that is whole.
"""

import difflib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from borg_cluster.borg_items import StoredFile
from borg_cluster.claim_holder import is_dead, this_process
from borg_cluster.context import Context
from borg_cluster.core import event
from borg_cluster.core.archive import FOLDER, ArchiveKind
from borg_cluster.core.policy import Mount
from borg_cluster.core.volume_paths import held, is_below, root_in_archive, windows_path
from borg_cluster.discover import current_inventory
from borg_cluster.errors import BorgClusterError, NotMapped, Refused
from borg_cluster.extract.archives import resolve_archive
from borg_cluster.extract.stage import fill, open_repository

_STAGED = "volume-"
_HOLDER = "holder"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeExtraction:
    """What is to be extracted: ``items`` of the archive below ``roots``; ``mount`` None: below ``folder``, no node is asked.

    ``taken``: archive paths of files whose places are taken.
    """

    repository: str
    archive: str
    volume: str
    roots: tuple[str, ...]
    items: tuple[StoredFile, ...]
    mount: Mount | None
    folder: Path
    taken: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(item.size for item in self.items if item.kind == "-")

    def place(self, archive_path: str) -> Path:
        """Return where a file goes: below the mount without the volume's name, else with it."""
        return self.folder / (archive_path if self.mount is None else archive_path.partition("/")[2])


def plan_volume(
    context: Context, volume: str, paths: tuple[str, ...], *, archive: str = "latest", destination: Path | None = None
) -> VolumeExtraction:
    """Return what would be extracted of a volume's archive, and where to. Changes nothing, asks no node.

    Args:
        context: the site.
        volume: its name, the first part of its archive's paths.
        paths: in the archive, of Windows, or from the volume's top; none: everything.
        archive: 'latest', an archive's name, or a date.
        destination: a folder; None: the volume itself.

    Raises:
        Refused: no such archive, or no such path in it, or a link leads a file's place elsewhere.
        NotMapped: no mount leads to the volume, or it can't be written.
    """
    label, name, manifest = resolve_archive(context, volume, archive, kind=ArchiveKind.VOLUME)
    mount = next((one for one in context.policy.mounts if one.name == manifest.subject), None)
    roots = tuple(root_in_archive(path, manifest.subject, mount) for path in paths) or (manifest.subject,)
    stored = open_repository(context, label).list_files(name)
    items = tuple(item for item in stored if is_below(item.path, roots) and not item.path.startswith(f"{FOLDER}/"))
    for root in roots:
        if not any(is_below(item.path, (root,)) for item in items):
            near = difflib.get_close_matches(root, [item.path for item in stored], n=3)
            raise Refused(f"{name} holds no {root}", hint=f"did you mean {' or '.join(near)}?" if near else None)
    if destination is None and (mount is None or not mount.writable):
        raise NotMapped(
            f"the configuration has no writable mount called {manifest.subject}",
            hint="say writable: true for it in mounts:, or extract elsewhere: --to DIR",
        )
    planned = VolumeExtraction(
        repository=label,
        archive=name,
        volume=manifest.subject,
        roots=roots,
        items=items,
        mount=mount if destination is None else None,
        folder=Path(mount.path) if destination is None and mount is not None else destination or Path(),
        taken=(),
    )
    _refuse_ways_out(planned)
    taken = tuple(item.path for item in items if item.kind != "d" and os.path.lexists(planned.place(item.path)))
    return replace(planned, taken=taken)


def extract_volume(context: Context, planned: VolumeExtraction, *, overwrite: bool = False) -> int:
    """Extract what was planned; return how many files were put in place.

    Raises:
        Refused: something is in the way, a virtual machine holds one of the files, or there is no room; nothing was changed.
        BorgFailed: borg can't extract all of it; nothing was changed.
        BorgClusterError: a file could not be put in its place; those before it were.
    """
    if planned.taken and not overwrite:
        more = f" (and {len(planned.taken) - 1} more)" if len(planned.taken) > 1 else ""
        raise Refused(f"{planned.place(planned.taken[0])} is there already{more}", hint="--overwrite replaces what is there")
    _refuse_held(context, planned)
    with _staging(planned) as folder:
        _refuse_too_small(planned, folder)

        def heed(done: int, _all: int, path: str | None) -> None:
            context.emit(event.Progress(subject=planned.volume, done=done, total=planned.size, path=path))

        def write(place: Path) -> None:
            open_repository(context, planned.repository).extract(planned.archive, planned.roots, place, heed=heed)

        if planned.mount is None:
            write(folder)
        else:
            fill(context, folder, write, subject=planned.volume, mark=folder.parent.name)
        _prove(planned, folder)
        _refuse_held(context, planned)  # it took its time, and machines move
        return _put(planned, folder, overwrite=overwrite)


def _refuse_held(context: Context, planned: VolumeExtraction) -> None:
    """Ask every node first. A node that is silent may hold a file that is there; one that is not there nobody holds open."""
    if planned.mount is None:
        return
    inventory = current_inventory(context, refresh=True, because="a virtual machine may hold a file that is to be written")
    paths = tuple(windows_path(item.path, planned.mount) for item in planned.items if item.kind != "d")
    reason = next(held(inventory, paths), None)
    if reason is not None:
        hint = "bring that one back from its own archive; or extract elsewhere: --to DIR"
        raise Refused(reason, hint=hint)
    if planned.taken and inventory.unanswered:
        silent = inventory.unanswered[0]
        raise Refused(
            f"{silent.node} gave no report, and may hold {planned.place(planned.taken[0])}: {silent.message}",
            hint=silent.hint or f"bring {silent.node} back, or extract elsewhere: --to DIR",
        )


def _refuse_too_small(planned: VolumeExtraction, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if planned.size >= free:
        raise Refused(f"{folder} has {free} bytes left, the files need {planned.size}")


@contextmanager
def _staging(planned: VolumeExtraction) -> Iterator[Path]:
    """Yield an empty folder on the storage of the places, with our mark; what dead processes left of theirs goes first."""
    above = planned.folder / FOLDER
    made = [one for one in (planned.folder, above) if not one.exists()]
    folder = above / f"{_STAGED}{uuid4()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise Refused(f"can't make the folder {folder}: {error.strerror}", hint="choose another folder") from error
    try:
        for other in above.glob(f"{_STAGED}*/{_HOLDER}"):
            with suppress(FileNotFoundError):  # a live one may be through just now
                if is_dead(other.read_text(encoding="utf-8", errors="replace")):
                    shutil.rmtree(other.parent, ignore_errors=True)
        (folder / _HOLDER).write_text(this_process(), encoding="utf-8")
        staged = folder / "staged"
        staged.mkdir()
        yield staged
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for one in reversed(made):
            if one.is_dir() and not any(one.iterdir()):
                one.rmdir()


def _prove(planned: VolumeExtraction, folder: Path) -> None:
    """Raise BorgClusterError unless every file is there, in its whole length."""
    for item in planned.items:
        path = folder / item.path
        if item.kind == "-" and (path.is_symlink() or not path.is_file() or path.stat().st_size != item.size):
            raise BorgClusterError(f"{item.path} was not extracted whole; nothing was put in its place")


def _put(planned: VolumeExtraction, staged: Path, *, overwrite: bool) -> int:
    done = 0
    for item in planned.items:
        source, target = staged / item.path, planned.place(item.path)
        if not os.path.lexists(source):
            done += item.kind != "d"  # its folder went as a whole
            continue
        try:
            if (real := _way_out(planned, item)) is not None:
                raise BorgClusterError(
                    f"a link has come to lead {target} out of {planned.folder}, to {real}; {done} files are in place"
                )
            if item.kind == "d" and not source.is_symlink():
                if target.is_dir():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                source.rename(target)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if not overwrite and os.path.lexists(target):
                raise BorgClusterError(f"{target} has appeared meanwhile; {done} files are in their places")
            source.rename(target)
        except OSError as error:
            message = f"{target} can't be put in its place: {error.strerror}; {done} files are"
            raise BorgClusterError(message) from error
        done += 1
    return done


def _refuse_ways_out(planned: VolumeExtraction) -> None:
    """Before anything is done; what has become a link since then stops it in the middle."""
    for item in planned.items:
        real = _way_out(planned, item)
        if real is not None:
            raise Refused(
                f"a link leads {planned.place(item.path)} out of {planned.folder}, to {real}",
                hint="replace that link by a folder, or extract elsewhere: --to DIR",
            )


def _way_out(planned: VolumeExtraction, item: StoredFile) -> str | None:
    """Return where a link leads what is to be written, if that is out of the folder that it was asked for; else None."""
    target, top = planned.place(item.path), os.path.realpath(planned.folder)
    if target == planned.folder:
        return None  # the volume's top itself
    real = os.path.realpath(target.parent)
    return None if real == top or real.startswith(top.rstrip("/") + "/") else real
