"""Files of an archive that several VMs use: which stay as they are, and why; a place that is another VM's is refused. Pure."""

from collections.abc import Iterator

from borg_cluster.core.archive import ArchivedFile
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import FileKind, Inventory, OwnedFile, VirtualMachine, path_key
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.core.restore_site import Site
from borg_cluster.errors import Refused

STAY = frozenset({FileKind.ISO, FileKind.OTHER})
"""What a VM uses and does not own: it is never moved, and a copy never brings its own."""
_ELSEWHERE = "extract the files elsewhere with --to DIR"


def why_kept(file: ArchivedFile, inventory: Inventory, site: Site, subject: str, request: RestoreRequest) -> str | None:
    """Return why an archived file need not be restored, None if it must.

    Raises Refused where another VM's file is in the way of one that doesn't move.
    """
    if file.kind in STAY and request.cluster is not None and site.look_up(file.windows_path) is None:
        return "it lay on storage of another cluster: the virtual machine goes without"
    moves = (request.is_elsewhere or bool(request.mapped)) and file.kind not in STAY
    for vm, owned in holders(file.windows_path, inventory, site):
        if (vm.id == subject and not request.is_copy) or owned.exists is False:
            continue
        same = (file.size, file.identifier) == (owned.size, owned.identifier)
        if vm.id == subject and moves:
            continue  # a copy has its own
        if file.read_only and same:
            return f"it is there with the same size and identity, and {one_line(vm.name)} uses it too"
        if moves:
            continue
        if request.is_copy:
            return f"{one_line(vm.name)} uses what is there now, and so does the copy"
        what = "was replaced since the backup and" if file.read_only else "is now a file of the virtual machine"
        who = f"{one_line(vm.name)} ({vm.id})" + (" uses it too" if file.read_only else "")
        raise Refused(f"{file.windows_path} {what} {who}", hint=_ELSEWHERE, path=file.windows_path)
    return "a copy uses what lies there" if request.is_copy and file.kind in STAY else None


def refuse_taken(final: str, inventory: Inventory, site: Site, subject: str, request: RestoreRequest) -> None:
    """Raise Refused if a file's new place is a file of another VM, or, for a copy, of any."""
    for vm, owned in holders(final, inventory, site):
        if (vm.id != subject or request.is_copy) and owned.exists is not False:
            raise Refused(f"{final} is a file of the virtual machine {one_line(vm.name)} ({vm.id})", hint=_ELSEWHERE, path=final)


def refuse_shared(path: str, inventory: Inventory, site: Site, vm: VirtualMachine) -> None:
    """Raise Refused if another VM uses this file of ``vm``."""
    for other, _ in holders(path, inventory, site):
        if other.id != vm.id:
            raise Refused(f"{path} is also a file of {one_line(other.name)} ({other.id})", hint=_ELSEWHERE, path=path)


def holders(path: str, inventory: Inventory, site: Site) -> Iterator[tuple[VirtualMachine, OwnedFile]]:
    """Yield the VMs that have this file. A path on one node's own disk is another file on another node."""
    key = path_key(path)
    located = site.look_up(path)
    only = located.mount.node if located is not None else None
    for vm in inventory.virtual_machines:
        if only is not None and (vm.node is None or vm.node.lower() != only.lower()):
            continue
        yield from ((vm, file) for file in vm.files if path_key(file.path) == key)
