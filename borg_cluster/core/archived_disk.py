"""Which files of a VM's archive make up each of its disks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from borg_cluster.core.archive import Manifest
from borg_cluster.core.inventory import path_key

_VHDX = (".vhdx", ".avhdx")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedDisk:
    """A disk of a VM as it was archived.

    ``name`` is its place in the VM, such as ``SCSI:0:1``; ``windows_path`` its file; ``chain`` archive paths from the leaf to the
    base. ``problem``: why it can't be read.
    """

    name: str
    windows_path: str | None
    chain: tuple[str, ...]
    problem: str | None


def archived_disks(manifest: Manifest) -> tuple[ArchivedDisk, ...]:
    """Return the disks of an archived VM, in the order of their places."""
    disks = (manifest.vm or {}).get("disks")
    known = {path_key(file.windows_path): file.archive_path for file in manifest.files}
    found = [_disk(disk, known) for disk in (disks if isinstance(disks, list) else ()) if isinstance(disk, Mapping)]
    return tuple(sorted(found, key=lambda disk: disk.name))


def _disk(disk: Mapping[str, object], known: Mapping[str, str]) -> ArchivedDisk:
    name = f"{disk.get('controller_type')}:{disk.get('controller_number')}:{disk.get('controller_location')}"
    path = disk.get("path")
    links = disk.get("chain")
    paths = [str(link.get("path")) for link in (links if isinstance(links, list) else ()) if isinstance(link, Mapping)]
    chain = tuple(known[path_key(one)] for one in paths if path_key(one) in known)
    return ArchivedDisk(
        name=name,
        windows_path=None if path is None else str(path),
        chain=chain,
        problem=_problem(disk, paths, known),
    )


def _problem(disk: Mapping[str, object], paths: list[str], known: Mapping[str, str]) -> str | None:
    if disk.get("disk_number") is not None:
        return "it is a physical disk given to the VM, which no archive holds"
    if disk.get("chain_error") is not None or not paths:
        return f"its chain of files was not known when it was archived: {disk.get('chain_error')}"
    missing = next((path for path in paths if path_key(path) not in known), None)
    if missing is not None:
        return f"the archive does not hold {missing}"
    other = next((path for path in paths if not path.lower().endswith(_VHDX)), None)
    return None if other is None else f"{other} is no VHDX file"
