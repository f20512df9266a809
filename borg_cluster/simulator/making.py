"""Making a world: a cluster without VMs, and VMs with real files."""

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from borg_cluster.simulator.definition import (
    Adapter,
    Definition,
    DiskSlot,
    DvdDrive,
    FibreChannelPort,
    write_definition,
    write_no_saved_state,
)
from borg_cluster.simulator.machines import beside, configuration_path, load
from borg_cluster.simulator.model import Access, ClusterRole, Machine, Node, State, Volume
from borg_cluster.simulator.vhdx import MIB, NewDisk, create
from borg_cluster.simulator.vhdx_content import write
from borg_cluster.simulator.world import World

_GUEST_STATE_SIZE = 64 * 1024
_MODIFIED_REGION_TABLE_SIZE = 77_824


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpec:
    """A disk to make. Sizes are bytes; ``content`` bytes of it are filled, spread over the disk."""

    size: int = 16 * MIB
    block_size: int = MIB
    sector_size: int = 512
    content: int = 3 * MIB // 2
    fixed: bool = False
    name: str | None = None
    """File name; None: made from the VM's name."""
    volume: str | None = None
    """Another volume (or drive such as 'D:') than the VM's."""
    controller_type: str = "SCSI"
    shared: bool = False
    disk_number: int | None = None
    """Not None: a pass-through disk, without a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VMSpec:
    """A VM to make; ``home`` None: a folder on ``volume`` that is called like the VM."""

    name: str
    node: str
    volume: str
    disks: tuple[DiskSpec, ...] = (DiskSpec(),)
    generation: int = 2
    notes: str = ""
    iso: str | None = None
    switch: str | None = "Production"
    san: str | None = None
    """A virtual SAN that its guest reaches by Fibre Channel."""
    home: str | None = None
    change_tracking: bool = False
    vm_id: str | None = None
    version: str = "10.0"


def new_state(*, name: str, domain: str, nodes: tuple[str, ...], seed: int) -> State:
    """Return the state of a cluster with nodes only."""
    identity = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return State(
        name=name,
        domain=domain,
        seed=seed,
        id=str(uuid.UUID(bytes=identity[:16], version=4)),
        nodes=[Node(name=one) for one in nodes],
    )


def populate(world: World, volumes: tuple[str, ...]) -> None:
    """Give a new cluster its own roles and its volumes, which the nodes coordinate in turn."""
    first = world.state.nodes[0].name
    for name, kind, empty in (("Cluster Group", "Cluster", "Online"), ("Available Storage", "AvailableStorage", "Offline")):
        world.state.roles.append(
            ClusterRole(id=world.new_id(), name=name, group_type=kind, owner_node=first, empty_state=empty, properties={})
        )
    for number, folder in enumerate(volumes):
        owner = world.state.nodes[number % len(world.state.nodes)].name
        (world.folder / "volumes" / folder).mkdir(parents=True)
        world.state.volumes.append(
            Volume(
                id=world.new_id(),
                name=f"Cluster Disk {number + 1}",
                folder=folder,
                owner_node=owner,
                partition=f"\\\\?\\Volume{{{world.new_id()}}}\\",
                access=[Access(node=node.name) for node in world.state.nodes],
            )
        )


def volume_path(world: World, volume: str) -> str:
    """Return Windows' path of a volume given by its folder's name; a drive or share is taken as it is."""
    for one in world.state.volumes:
        if one.folder.lower() == volume.lower():
            return one.path
    return volume.rstrip("\\")


def file_name(text: str) -> str:
    """Return a file name that Windows takes, as like ``text`` as possible."""
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", text).rstrip(". ") or "_"
    return f"_{name}" if re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name) else name


def make_vm(world: World, spec: VMSpec) -> Machine:
    """Make a VM with all its files and register it, Off, on its node."""
    vm_id = spec.vm_id or world.new_id()
    home = spec.home or _free_home(world, spec)
    configuration = configuration_path(home, vm_id)
    world.real(configuration, spec.node).parent.mkdir(parents=True, exist_ok=True)
    definition = Definition(
        id=vm_id,
        name=spec.name,
        generation=spec.generation,
        version=spec.version,
        notes=spec.notes,
        snapshot_location=home,
        smart_paging_path=home,
        disks=[_make_disk(world, spec, home, number) for number in range(len(spec.disks))],
        dvds=[DvdDrive(path=spec.iso)] if spec.iso else [],
        adapters=[Adapter(id=world.new_id(), switch_name=spec.switch, mac_address=_mac(vm_id))],
        fibre_channel=[FibreChannelPort(id=world.new_id(), san_name=spec.san)] if spec.san else [],
    )
    write_definition(world.real(configuration, spec.node), definition)
    write_no_saved_state(world.real(beside(configuration, ".vmrs"), spec.node))
    if spec.generation > 1:
        world.real(beside(configuration, ".vmgs"), spec.node).write_bytes(noise(f"{vm_id}/guest state", _GUEST_STATE_SIZE))
    grant_all(world, definition, configuration, spec.node)
    return load(world, spec.node, configuration)


def grant_all(world: World, definition: Definition, configuration: str, node: str) -> None:
    """Put the VM's account on its own files, as Hyper-V does when it makes them."""
    states = [beside(configuration, ".vmrs"), beside(configuration, ".vmgs")]
    for path in [configuration, *states, *definition.disk_paths(), *definition.iso_paths()]:
        if world.real(path, node).exists():
            world.grant(path, node, definition.id)


def _free_home(world: World, spec: VMSpec) -> str:
    wanted = f"{volume_path(world, spec.volume)}\\{file_name(spec.name)}"
    home, number = wanted, 2
    while world.real(home, spec.node).exists():
        home, number = f"{wanted} ({number})", number + 1
    return home


def _make_disk(world: World, spec: VMSpec, home: str, number: int) -> DiskSlot:
    disk = spec.disks[number]
    slot = DiskSlot(
        controller_type=disk.controller_type, controller_location=number, disk_number=disk.disk_number, shared=disk.shared
    )
    if disk.disk_number is not None:
        return slot
    base = home.rsplit("\\", 1)[1]
    folder = home if disk.volume is None else f"{volume_path(world, disk.volume)}\\{base}"
    slot.path = f"{folder}\\{disk.name or (f'{base}.vhdx' if number == 0 else f'{base}-{number}.vhdx')}"
    real = world.real(slot.path, spec.node)
    real.parent.mkdir(parents=True, exist_ok=True)
    if not real.exists():  # a shared disk is there already
        first, second = uuid.UUID(world.new_id()), uuid.UUID(world.new_id())
        shape = NewDisk(
            size=disk.size,
            block_size=disk.block_size,
            sector_size=disk.sector_size,
            fixed=disk.fixed,
            identifier=first,
            data_write=second,
        )
        create(real, shape)
        _fill(world, real, disk)
    if spec.change_tracking:
        real.with_name(f"{real.name}.rct").write_bytes(bytes(4096))
        real.with_name(f"{real.name}.mrt").write_bytes(bytes(_MODIFIED_REGION_TABLE_SIZE))
    return slot


def _fill(world: World, real: Path, disk: DiskSpec) -> None:
    pieces = -(-disk.content // disk.block_size)
    for piece in range(pieces):
        length = min(disk.block_size, disk.content - piece * disk.block_size)
        at = piece * (disk.size // pieces) // disk.sector_size * disk.sector_size
        write([real], at, noise(world.new_id(), length), data_write=uuid.UUID(world.new_id()))


def noise(seed: str, length: int) -> bytes:
    """Return ``length`` bytes that look random and are the same for the same seed."""
    return hashlib.shake_128(seed.encode()).digest(length)


def _mac(vm_id: str) -> str:
    return "00155D" + hashlib.sha256(vm_id.encode()).hexdigest()[:6].upper()


def spec_from(name: str, options: Mapping[str, object]) -> VMSpec:
    """Return a VMSpec from keyword arguments; raises TypeError for one that it doesn't have."""
    return VMSpec(name=name, **options)  # type: ignore[arg-type] # the keyword arguments are VMSpec's own, checked by it
