"""One file of an archive, byte for byte."""

import difflib
from collections.abc import Callable

from borg_cluster.context import Context
from borg_cluster.core import event
from borg_cluster.core.archive import ArchiveKind, Manifest
from borg_cluster.core.inventory import path_key
from borg_cluster.core.volume_paths import root_in_archive
from borg_cluster.errors import BorgFailed, Refused
from borg_cluster.extract.archives import resolve_archive
from borg_cluster.extract.stage import open_repository

_PIECE = 1 << 20


def write_file(
    context: Context,
    subject: str,
    path: str,
    write: Callable[[bytes], object],
    *,
    archive: str = "latest",
    kind: ArchiveKind = ArchiveKind.VIRTUAL_MACHINE,
) -> int:
    """Write one file of an archive; asks no node. Returns its size in bytes.

    Args:
        context: the site.
        subject: a VM's name or id, or a volume's name.
        path: of the file: in the archive, or as Windows called it.
        write: takes the bytes; what it raises, such as BrokenPipeError, ends the reading and is passed on.
        archive: 'latest', an archive's name, or a date.
        kind: whether ``subject`` is a VM or a volume.

    Raises:
        Refused: no such archive, or no such file in it.
        BorgFailed: it can't be read, or borg has once mended it with zeros.
    """
    label, name, manifest = resolve_archive(context, subject, archive, kind=kind)
    wanted = _of_volume(context, manifest, path) if kind is ArchiveKind.VOLUME else _of_vm(manifest, path)
    with open_repository(context, label).open_archive(name, (wanted,)) as reader:
        file = reader.files.get(wanted)
        if file is None:
            near = difflib.get_close_matches(wanted, [one.archive_path for one in manifest.files], n=3, cutoff=0.3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"borg-cluster info {manifest.subject}"
            raise Refused(f"{name} holds no file {path}", hint=hint)
        if file.mended:
            raise BorgFailed(
                f"parts of {wanted} were lost, and `borg check --repair` has put zeros there", return_code=0, msgid=None
            )
        for at in range(0, file.size, _PIECE):
            write(reader.read(wanted, at, _PIECE))
            done = min(at + _PIECE, file.size)
            context.emit(event.Progress(subject=manifest.subject, done=done, total=file.size, path=wanted))
        return file.size


def _of_volume(context: Context, manifest: Manifest, path: str) -> str:
    mount = next((one for one in context.policy.mounts if one.name == manifest.subject), None)
    return root_in_archive(path, manifest.subject, mount)


def _of_vm(manifest: Manifest, path: str) -> str:
    """Return the path in the archive of a file that may be named as Windows did."""
    return next((file.archive_path for file in manifest.files if path_key(file.windows_path) == path_key(path)), path.strip("/"))
