"""How a restored VM is to end: highly available or not, and what people should know of it before they agree. Pure."""

from collections.abc import Iterator

from borg_cluster.core.archive import Manifest
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import VirtualMachine
from borg_cluster.core.policy import Mount, locate
from borg_cluster.core.restore_case import Case
from borg_cluster.core.restore_files import RestoreFiles
from borg_cluster.core.restore_request import Availability, Part, RestoreRequest
from borg_cluster.errors import Refused

_DYNAMIC = "00155D"
"""How the addresses begin that Hyper-V gives by itself."""


def choose_availability(manifest: Manifest, vm: VirtualMachine | None, request: RestoreRequest) -> tuple[bool, str]:
    """Return whether the VM shall be highly available, and why; ``vm``: what is there now, also of a copy's original."""
    now, then = vm is not None and vm.role is not None, bool(manifest.highly_available)
    match request.ha:
        case Availability.YES | Availability.NO:
            return request.ha is Availability.YES, "it was asked for"
        case Availability.AS_WAS:
            return then, "as it was then" if then else "it wasn't then, and as-was was asked for"
        case Availability.AS_IS if vm is not None:
            return now, "as it is now" if now else "it isn't now, and as-is was asked for"
        case _:
            reason = "as it is now" if now else "as it was then" if then else "it isn't highly available now, nor was it then"
            return now or then, reason


def refuse_in_place(manifest: Manifest, request: RestoreRequest, files: RestoreFiles) -> None:
    """Raise Refused if deleting the old VM's disks first makes no room, or isn't meant."""
    if request.is_elsewhere or request.part is not Part.ALL:
        raise Refused("--in-place is for a whole virtual machine in its own place", hint="leave it out")
    if not any(room.freed for room in files.room):
        raise Refused(
            f"{one_line(manifest.name)} has no files where it would be restored: nothing would be freed",
            hint="make room, or say another volume: --to-volume VOLUME",
        )


def priority_of(case: Case) -> int | None:
    """Return the priority of the role that the VM will have: today's, or else the archived one's."""
    if not case.highly_available:
        return None
    if case.vm is not None and case.vm.role is not None:
        return case.vm.role.priority
    properties = (case.manifest.role_setting or {}).get("properties")
    priority = properties.get("Priority") if isinstance(properties, dict) else None
    return priority if isinstance(priority, int) else None


def refuse_own_disk(configuration: str, node: str, mounts: tuple[Mount, ...]) -> None:
    """Raise Refused if a VM that shall be highly available would lie where only one node reaches it."""
    located = locate(configuration, mounts, node=node)
    if located is not None and located.mount.node is not None:
        raise Refused(
            f"{configuration} lies on {located.mount.node}'s own disk: it could not fail over",
            hint="say another volume, --to-volume VOLUME, or --ha no",
            path=configuration,
        )


def warnings_of(case: Case) -> Iterator[str]:
    """Yield what an undo can't bring back, and what is to be done with a copy by hand."""
    if case.has_role and not case.registered and not case.runs_now and case.store is None:
        yield "its role names no configuration: should it belong to no virtual machine any more, an undo won't bring it back"
    if not case.is_whole:
        yield "files of it are gone already: an undo puts back what is left, and cannot register it"
    if case.in_place:
        yield "its disks are deleted before those of the archive are extracted: from then on it is off, and there is no undo"
    if case.copy_name is not None:
        yield from _of_adapters(case.manifest)


def _of_adapters(manifest: Manifest) -> Iterator[str]:
    adapters = (manifest.vm or {}).get("network_adapters")
    for adapter in adapters if isinstance(adapters, list | tuple) else ():
        if not isinstance(adapter, dict):
            continue
        address, switch = str(adapter.get("mac_address") or ""), adapter.get("switch_name")
        name = adapter.get("name") or "its network adapter"
        if address and not address.upper().startswith(_DYNAMIC):
            yield f"{name} has the static MAC address {address}, as the original has: change it before you connect the copy"
        elif switch:
            yield f"{name} is not connected; the original's is connected to {switch}"
