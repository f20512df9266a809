"""Which files of a volume's archive are meant, where each goes, and which of them a virtual machine holds. Pure."""

import ntpath
from collections.abc import Iterator

from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory, VirtualMachine, path_key
from borg_cluster.core.policy import Mount


def root_in_archive(path: str, volume: str, mount: Mount | None) -> str:
    r"""Return the archive path of a file or folder, which may be named in three ways.

    As in the archive (``Volume1/ISO``), as Windows calls it (``C:\ClusterStorage\Volume1\ISO``), or from the volume's top
    (``ISO``). ``volume`` is the first part of the archive's paths.
    """
    if mount is not None:
        key, prefix = path_key(path), path_key(mount.windows)
        if key == prefix or key.startswith(prefix.rstrip("\\") + "\\"):
            inside = ntpath.normpath(path)[len(prefix) :].strip("\\").replace("\\", "/")
            return f"{volume}/{inside}".rstrip("/")
    plain = "/".join(part for part in path.split("/") if part not in {"", "."})
    return plain if plain == volume or plain.startswith(f"{volume}/") else f"{volume}/{plain}".rstrip("/")


def is_below(path: str, roots: tuple[str, ...]) -> bool:
    """Return whether an archive path is one of ``roots`` or lies below one."""
    return any(path == root or path.startswith(f"{root}/") for root in roots)


def windows_path(archive_path: str, mount: Mount) -> str:
    """Return what Windows calls a file of a volume's archive."""
    inside = archive_path.partition("/")[2].replace("/", "\\")
    root = mount.windows.rstrip("\\")
    return f"{root}\\{inside}"


def held(inventory: Inventory, paths: tuple[str, ...]) -> Iterator[str]:
    """Yield why each of these Windows paths must not be written: which virtual machine holds it."""
    holders = {path_key(path): vm for vm in inventory.virtual_machines for path in _paths(vm)}
    for path in paths:
        vm = holders.get(path_key(path))
        if vm is not None:
            where = f"registered on {', '.join(vm.nodes)}" if vm.nodes else "known to the cluster"
            yield one_line(f"{path} belongs to the virtual machine {vm.name} ({vm.id}), {where}")


def _paths(vm: VirtualMachine) -> Iterator[str]:
    yield from (file.path for file in vm.files)
    yield from (link.path for disk in vm.disks for link in disk.chain)
    yield from (disk.path for disk in vm.disks if disk.path is not None)
    if vm.configuration_path is not None:
        yield vm.configuration_path
