r"""Windows' paths and the real folders behind them.

- ``C:\ClusterStorage\Volume1\...``: folder/volumes/Volume1/..., on every node
- ``S:\...`` (a clustered disk): folder/disks/<disk's name>/..., on the owner of its role
- ``D:\...``: folder/local/<node>/D/..., on that node
- ``\\server\share\...``: folder/shares/server/share/..., on every node
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from borg_cluster.simulator.failure import ours, path_not_found
from borg_cluster.simulator.model import ClusteredDisk, State

_CSV = re.compile(r"C:\\ClusterStorage\\([^\\]+)(?:\\(.*))?", re.IGNORECASE | re.DOTALL)
_SHARE = re.compile(r"\\\\([^\\]+)\\([^\\]+)(?:\\(.*))?", re.DOTALL)
_DRIVE = re.compile(r"([A-Za-z]):(?:\\(.*))?", re.DOTALL)


_FULL = re.compile(r"(?:[A-Za-z]:[\\/]|\\\\(?=[^\\/?.][^\\/]*[\\/]))(.+)")
_NO_PART = re.compile(
    r"|.*[<>:\"|?*\x00-\x1F].*|.*[. ]|(?:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:\..*)?", re.IGNORECASE | re.DOTALL
)
"""What is no name of a file: empty, with a forbidden character, with a dot or a blank at the end, or a device's."""


def normalised(path: str) -> str:
    """Return a full path without a trailing backslash; raises CommandError for any other, such as one with '..' in it.

    By the same rule as the module's Resolve-BorgClusterPath.
    """
    trimmed = path.rstrip("\\/")
    full = _FULL.fullmatch(trimmed)
    if full is None or any(_NO_PART.fullmatch(part) for part in re.split(r"[\\/]", full[1])):
        message = f"'{path}' is not a full, normalised path."
        raise ours("PathNotAllowed", message, category="InvalidArgument", target=path)
    return trimmed


def volume_root(path: str) -> str:
    """Return where the volume of a full path begins: a Cluster Shared Volume's folder, a share, or a drive."""
    match = _CSV.fullmatch(path)
    if match is not None:
        return path[: match.end(1)]
    share = _SHARE.fullmatch(path)
    return path[: share.end(2)] if share is not None else path[:2]


class Places:
    """Where Windows' paths lie in ``folder``."""

    def __init__(self, folder: Path, state: Callable[[], State]) -> None:
        self.folder = folder
        self._state = state

    def real(self, path: str, node: str) -> Path:
        """Return the real path of Windows' ``path`` as that node sees it; the file needn't exist.

        Raises CommandError when the node has no such volume, or for a path with '..'.
        """
        root, rest = self.root(path, node)
        parts = [part for part in rest.replace("/", "\\").split("\\") if part]
        if ".." in parts or "." in parts:
            raise path_not_found(path)
        for part in parts:
            root = _child(root, part)
        return root

    def root(self, path: str, node: str) -> tuple[Path, str]:
        """Return the real root of the volume that holds ``path``, and the rest of the path."""
        found = self._csv(path) or self._share(path) or self._drive(path, node)
        if found is None:
            raise path_not_found(path)
        return found

    def key(self, path: str, node: str) -> str:
        """Return what identifies the file: its real path below the world's folder."""
        return str(self.real(path, node).relative_to(self.folder))

    def _csv(self, path: str) -> tuple[Path, str] | None:
        match = _CSV.fullmatch(path)
        if match is None:
            return None
        for volume in self._state().volumes:
            if volume.folder.lower() == match[1].lower() and volume.state == "Online":
                return self.folder / "volumes" / volume.folder, match[2] or ""
        raise path_not_found(path)

    def _share(self, path: str) -> tuple[Path, str] | None:
        match = _SHARE.fullmatch(path)
        return (self.folder / "shares" / match[1].lower() / match[2].lower(), match[3] or "") if match else None

    def _drive(self, path: str, node: str) -> tuple[Path, str] | None:
        match = _DRIVE.fullmatch(path)
        if match is None:
            return None
        drive = f"{match[1].upper()}:\\"
        for disk in self._state().disks:
            if drive in disk.paths:
                return self._clustered(disk, path, node), match[2] or ""
        return self.folder / "local" / node / match[1].upper(), match[2] or ""

    def _clustered(self, disk: ClusteredDisk, path: str, node: str) -> Path:
        owner = next(role.owner_node for role in self._state().roles if role.id == disk.role_id)
        if disk.state != "Online" or owner != node:
            raise path_not_found(path)
        return self.folder / "disks" / disk.name


def _child(folder: Path, name: str) -> Path:
    """Return the entry called ``name``, whatever its case, as Windows finds it."""
    exact = folder / name
    if exact.exists() or not folder.is_dir():
        return exact
    return next((one for one in folder.iterdir() if one.name.lower() == name.lower()), exact)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder; what the product removes there meanwhile, which takes no lock of ours, is passed over."""
    for root, _, names in os.walk(folder):
        yield from (Path(root, name) for name in names)
