"""Where VMs' files are reached here, under a key that is the same for two spellings of one file."""

from collections.abc import Iterator
from dataclasses import dataclass

from borg_cluster.core.inventory import OwnedFile, VirtualMachine
from borg_cluster.core.policy import Located, Mount, locate


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A VM's file that a mount reaches."""

    vm: VirtualMachine
    file: OwnedFile
    located: Located

    @property
    def key(self) -> str:
        """The identity of the file on this machine."""
        return file_key(self.located)


def file_key(located: Located) -> str:
    """Return the key of a file here: below the mount Windows compares without case, this machine's own folders keep it."""
    return f"{located.mount.path.rstrip('/')}/{located.inside.lower()}"


def place(vm: VirtualMachine, files: tuple[OwnedFile, ...], mounts: tuple[Mount, ...]) -> Iterator[Placed]:
    """Yield those ``files`` of ``vm`` that a mount reaches."""
    for file in files:
        located = locate(file.path, mounts, node=vm.node)
        if located is not None:
            yield Placed(vm=vm, file=file, located=located)


def inside_of(key: str, folder: str) -> str | None:
    """Return the part of a file's ``key`` below ``folder`` (a local path), or None if it isn't there."""
    prefix = folder.rstrip("/") + "/"
    return key[len(prefix) :] if key.startswith(prefix) else None
