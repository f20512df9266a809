"""The files of a VM under a recovery snapshot: its own configuration copied in time, its frozen disks known again."""

import os
import posixpath
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.core.inventory import FileKind, VirtualMachine, path_key
from borg_cluster.core.planned import PlannedArchive, PlannedFile
from borg_cluster.core.selection import DISKS
from borg_cluster.core.snapshot import Snapshot
from borg_cluster.errors import BorgClusterError, FrozenChanged

_CONFIGURATION = frozenset({FileKind.CONFIGURATION, FileKind.GUEST_STATE, FileKind.RUNTIME_STATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What to read of a VM: ``archive`` says the consistency that was reached, and why.

    ``prove`` is called after the read; it raises FrozenChanged if what was read did not stay the same.
    """

    archive: PlannedArchive
    prove: Callable[[], None]
    snapshot: Snapshot | None = None
    """The recovery snapshot that it is read from, if there is one."""
    end: Callable[[], None] = lambda: None
    """Ends that snapshot before its time: all of it is read and proven. Harmless twice."""


def disk_paths(vm: VirtualMachine) -> tuple[str, ...]:
    """Return the Windows paths of a VM's disks as they are attached."""
    return tuple(disk.path for disk in vm.disks if disk.path is not None and disk.disk_number is None)


def compare_disks(planned: PlannedArchive, vm: VirtualMachine, snapshot: Snapshot) -> None:
    """Raise FrozenChanged unless the snapshot froze the disks that are planned, each with its chain."""
    frozen = {path_key(disk.path) for disk in snapshot.disks}
    chains = {path_key(path) for disk in snapshot.disks for path in disk.chain}
    known = {path_key(file.file.windows_path) for file in planned.files}
    if frozen != {path_key(path) for path in disk_paths(vm)} or not frozen | chains <= known:
        raise FrozenChanged("its recovery snapshot froze other disks than those it was known to have")


def copy_configuration(planned: PlannedArchive, room: Path) -> dict[str, str]:
    """Copy the VM's own configuration into ``room``, as far as it can be read; return the copies by archive path.

    To be called before the snapshot is made: from then on the configuration names the new leaves.
    """
    made: dict[str, str] = {}
    for file in _configuration(planned):
        if file.file.kind != FileKind.RUNTIME_STATE:
            with suppress(OSError):  # Windows keeps it locked: the snapshot's own stands in
                made[file.file.archive_path] = _copy(file.local_path, room / file.file.archive_path)
    return made


def copy_stand_ins(planned: PlannedArchive, there: tuple[str, ...], *, copies: dict[str, str], room: Path) -> dict[str, str]:
    """Copy the snapshot's own configuration (``there``) under the names of those files of the VM that are not in ``copies``.

    So it is with the runtime state always: a snapshot's holds no memory, while that of a running VM may be as large as its memory
    and fits no disk but the live ones. Returns the copies by archive path. Raises BorgClusterError if no configuration is left.
    """
    made: dict[str, str] = {}
    own = {_suffix(path): path for path in there}
    for file in _configuration(planned):
        path, source = file.file.archive_path, own.get(_suffix(file.local_path))
        if path not in copies and source is not None:
            with suppress(OSError):  # then borg meets the live one, and says what is wrong with it
                made[path] = _copy(source, room / path)
        if file.file.kind == FileKind.CONFIGURATION and path not in copies | made:
            raise BorgClusterError(f"neither {file.local_path} nor the recovery snapshot's own configuration can be read")
    return made


def identities(files: tuple[PlannedFile, ...]) -> dict[str, tuple[int, ...]]:
    """Return what each disk's file is known by as long as nobody writes to it. Raises FrozenChanged if one is gone."""
    found: dict[str, tuple[int, ...]] = {}
    for file in files:
        if file.file.kind in DISKS:
            known = identity(file.local_path)
            if known is None:
                raise FrozenChanged(f"{file.local_path} can't be looked at any more")
            found[file.local_path] = known
    return found


def identity(path: str) -> tuple[int, ...] | None:
    """Return what a file is known by; None if it can't be looked at."""
    try:
        it = os.stat(path)  # noqa: PTH116 - names that aren't UTF-8 as well
    except OSError:
        return None
    return (it.st_dev, it.st_ino, it.st_size, it.st_mtime_ns)


def _configuration(planned: PlannedArchive) -> tuple[PlannedFile, ...]:
    return tuple(file for file in planned.files if file.file.kind in _CONFIGURATION)


def _copy(source: str, destination: Path) -> str:
    """Copy content and times; no more: a mount may answer with an error when it is asked for attributes (rclone's does)."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, destination)
    it = os.stat(source)  # noqa: PTH116 - names that aren't UTF-8 as well
    os.utime(destination, ns=(it.st_atime_ns, it.st_mtime_ns))
    return os.fspath(destination)


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()
