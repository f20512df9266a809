"""The demo's cluster, and what happens on it between its nights.

Three nodes, two volumes, eight VMs of which five are highly available: names that are patterns, quotes, YAML's false; disks on
two volumes, dynamic and fixed; a chain of checkpoints; an ISO that two VMs share; a file that belongs to no VM.
"""

from pathlib import Path

from borg_cluster.simulator.making import DiskSpec, noise
from borg_cluster.simulator.model import ClusterRole
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB

MIGRATED = "sql01"
ELEVATED = "build01"
DESTROYED = "web[1]*"
QUOTED = """O'Brien's "$(x)\""""
ISO = r"C:\ClusterStorage\Volume2\ISO\installer.iso"
STRAY = r"C:\ClusterStorage\Volume1\old exports\forgotten.bin"
STRAY_SIZE = 3 * MIB // 2
BUSY_BYTES = 300_000
"""How much each running guest writes between two nights."""


def build(folder: Path, *, seed: int = 1) -> SimulatedCluster:
    """Make the story's cluster in an empty or new folder."""
    cluster = SimulatedCluster.create(folder, seed=seed)
    cluster.write_file(ISO, noise("installer", MIB))
    cluster.write_file(STRAY, noise("forgotten", STRAY_SIZE))
    _add_highly_available(cluster)
    _add_others(cluster)
    return cluster


def _add_highly_available(cluster: SimulatedCluster) -> None:
    system = DiskSpec(size=32 * MIB, content=6 * MIB)
    web = cluster.add_vm(DESTROYED, node="node1", volume="Volume1", disks=(system, DiskSpec()), notes="shop #production")
    cluster.add_vm(
        MIGRATED,
        node="node2",
        volume="Volume1",
        disks=(system, DiskSpec(size=64 * MIB, block_size=2 * MIB, content=12 * MIB, volume="Volume2")),
        notes="#production #database",
        change_tracking=True,
    )
    cluster.add_vm(QUOTED, node="node3", volume="Volume2", iso=ISO)
    cluster.add_vm("NO", node="node1", volume="Volume2", disks=(DiskSpec(size=8 * MIB, fixed=True, content=2 * MIB),), iso=ISO)
    files = cluster.add_vm("files01", node="node2", volume="Volume1", disks=(system,))
    for number in (1, 2):
        cluster.take_checkpoint(files, f"before update {number}")
        cluster.guest_write(files, offset=number * 5 * MIB, data=noise(f"update {number}", MIB))
    cluster.edit_role(web, _distinguish)


def _distinguish(role: ClusterRole) -> None:
    """Give a role settings that a new one doesn't have, so that losing them would show."""
    role.description = "the shop's front end"
    role.properties |= {"Priority": 3000, "AutoFailbackType": 1, "FailbackWindowStart": 22, "FailbackWindowEnd": 5}
    role.preferred_owners = ["node1", "node3"]
    role.anti_affinity_class_names = ["web"]


def _add_others(cluster: SimulatedCluster) -> None:
    cluster.add_vm(ELEVATED, node="node3", volume="Volume1", highly_available=False)
    cluster.add_vm("legacy", node="node1", volume="Volume2", highly_available=False, generation=1, state="Off")
    cluster.add_vm("lab", node="node2", volume="Volume2", highly_available=False, notes="#lab")


def guest_activity(cluster: SimulatedCluster, *, night: int) -> int:
    """Let every running guest write something, other than on other nights; returns the bytes written."""
    running = [machine for machine in cluster.state.machines if machine.state == "Running"]
    for machine in running:
        place = (night * 7) % 6 * MIB + 12_345
        cluster.guest_write(machine.id, offset=place, data=noise(f"{machine.id}/{night}", BUSY_BYTES))
    return BUSY_BYTES * len(running)


def migrate_one(cluster: SimulatedCluster) -> tuple[str, str, str]:
    """Live-migrate a VM; returns its id, the node it left and the node it went to."""
    vm_id = cluster.find_vm(MIGRATED)
    source = cluster.machine(vm_id).node
    destination = next(name for name in reversed(cluster.node_names) if name != source)
    cluster.migrate(vm_id, destination)
    return vm_id, source, destination


def elevate_one(cluster: SimulatedCluster) -> str:
    """Make a VM highly available; returns its id."""
    vm_id = cluster.find_vm(ELEVATED)
    cluster.make_highly_available(vm_id)
    return vm_id


def destroy_one(cluster: SimulatedCluster) -> str:
    """Lose a highly available VM with its role, its registration and all its files; returns its id."""
    vm_id = cluster.find_vm(DESTROYED)
    cluster.destroy(vm_id)
    return vm_id
