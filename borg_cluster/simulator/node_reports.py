"""The answers that describe a node: what is registered there, from the state and the files at each question."""

import ntpath
from datetime import UTC, datetime
from pathlib import Path

from borg_cluster.simulator.chains import Link, exists, find_chain
from borg_cluster.simulator.definition import DiskSlot
from borg_cluster.simulator.failure import SHARING_VIOLATION
from borg_cluster.simulator.machines import beside, free_memory, snapshot_folder
from borg_cluster.simulator.model import Machine, Node
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.world import World


def node_report(world: World, node: Node) -> Json:
    """Return Get-BorgClusterNodeReport's answer: what is registered on this node, and nothing else."""
    return {
        "schema": SCHEMA,
        "node": node.name,
        "fqdn": f"{node.name}.{world.state.domain}",
        "module_version": node.module_version,
        "taken_at": world.now_text(),
        "os_build": node.build,
        "memory_available": free_memory(world, node),
        "vms": [_vm(world, machine) for machine in listed(world, node.name)],
    }


def listed(world: World, node: str) -> list[Machine]:
    """Return the VMs that Get-VM lists on a node now: in a migration's blackout that is a doubt."""
    found = []
    for machine in world.state.machines:
        blackout = machine.migration is not None and machine.migration.phase == "blackout"
        here = machine.node == node
        if blackout and world.switches.blackout_listed != "source":
            there = machine.migration is not None and machine.migration.destination == node
            here = world.switches.blackout_listed == "both" and (here or there)
        if here:
            found.append(machine)
    return found


def _vm(world: World, machine: Machine) -> Json:
    definition = machine.definition
    return {
        "id": machine.id,
        "name": definition.name,
        "state": machine.state,
        "operational_status": machine.shown_status(),
        "is_clustered": machine.is_clustered,
        "generation": definition.generation,
        "version": definition.version,
        "path": machine.home,
        "configuration_location": machine.home,
        "snapshot_location": definition.snapshot_location,
        "smart_paging_path": definition.smart_paging_path,
        "checkpoint_type": definition.checkpoint_type,
        "automatic_start_action": definition.automatic_start_action,
        "notes": definition.notes,
        "uptime_seconds": _uptime(world, machine),
        "memory_startup": definition.memory_startup,
        "replication_mode": definition.replication_mode,
        "replication_state": definition.replication_state,
        "replication_health": definition.replication_health,
        "disks": [_disk(world, machine, slot) for slot in definition.disks],
        "files": vm_files(world, machine),
        "checkpoints": [
            {
                "id": one.id,
                "name": one.name,
                "type": one.type,
                "parent_id": one.parent_id,
                "created": one.created,
                "disk_paths": [slot.path for slot in one.disks if slot.path is not None],
            }
            for one in definition.present()
        ],
        "network_adapters": [
            {"id": one.id, "name": one.name, "switch_name": one.switch_name, "mac_address": one.mac_address}
            for one in definition.adapters
        ],
        "fibre_channel_adapters": [{"id": one.id, "san_name": one.san_name} for one in definition.fibre_channel],
    }


def _uptime(world: World, machine: Machine) -> int:
    if machine.started_at is None:
        return 0
    return max(0, int((world.now() - datetime.fromisoformat(machine.started_at)).total_seconds()))


def _disk(world: World, machine: Machine, slot: DiskSlot) -> Json:
    chain, error = ([], None) if slot.path is None else _chain(world, machine, slot.path)
    return {
        "controller_type": slot.controller_type,
        "controller_number": slot.controller_number,
        "controller_location": slot.controller_location,
        "path": slot.path if slot.disk_number is None else f"Disk {slot.disk_number} 100.00 GB Bus 0 Lun 3 Target 1",
        "disk_number": slot.disk_number,
        "shared": slot.shared,
        "chain": chain,
        "chain_error": error,
    }


def _chain(world: World, machine: Machine, leaf: str) -> tuple[list[Json], str | None]:
    if _held_elsewhere(world, machine, leaf):
        real = world.real(leaf, machine.node) if exists(world, leaf, machine.node) else None
        return [_disk_file(Link(path=leaf, real=real, info=None), None)], SHARING_VIOLATION
    chain = find_chain(world, leaf, machine.node)
    parents = [*(link.path for link in chain.links[1:]), None]
    return [_disk_file(link, parent) for link, parent in zip(chain.links, parents, strict=True)], chain.error


def _held_elsewhere(world: World, machine: Machine, leaf: str) -> bool:
    """An open disk can only be looked at by the node that uses it; in a migration's blackout by neither."""
    if machine.migration is not None and machine.migration.phase == "blackout":
        return True
    key = world.places.key(leaf, machine.node) if exists(world, leaf, machine.node) else ""
    others = (one for one in world.state.machines if one.node != machine.node and key in one.held and one.held[key].running)
    return next(others, None) is not None and machine.state != "Running"


def _disk_file(link: Link, parent_path: str | None) -> Json:
    real, info = link.real, link.info
    return {
        "path": link.path,
        "format": "VHDX" if info else None,
        "type": info.type if info else None,
        "file_size": real.stat().st_size if real else None,
        "size": info.size if info else None,
        "block_size": info.block_size if info else None,
        "logical_sector_size": info.logical_sector_size if info else None,
        "identifier": str(info.identifier) if info else None,
        "parent_path": parent_path,
        "modified": modified(real) if real else None,
        "exists": real is not None,
    }


def modified(real: Path) -> str:
    """Return a file's time of modification as ISO 8601 in UTC, in the 100 ns that Windows counts in."""
    seconds, nanoseconds = divmod(real.stat().st_mtime_ns, 10**9)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 100:07d}Z"


def vm_files(world: World, machine: Machine) -> list[Json]:
    """Return the files of a VM that are no disks; those that may or may not be there only if they are."""
    configuration = machine.configuration_path
    rows = [(configuration, "configuration"), (beside(configuration, ".vmrs"), "runtime_state")]
    if machine.definition.generation > 1:
        rows.append((beside(configuration, ".vmgs"), "guest_state"))
    folder = snapshot_folder(machine.definition, configuration)
    for one in machine.definition.present():
        rows.append((f"{folder}\\{one.id.upper()}.vmcx", "checkpoint_configuration"))
        rows += _if_there(world, machine, [f"{folder}\\{one.id.upper()}{end}" for end in (".vmrs", ".vmgs")], "checkpoint_state")
    for leaf in machine.definition.disk_paths():
        for path in find_chain(world, leaf, machine.node).paths:
            rows += _if_there(world, machine, [f"{path}.rct", f"{path}.mrt"], "change_tracking")
    rows += _if_there(world, machine, [beside(configuration, ".slp")], "smart_paging")
    rows += [(path, "iso") for path in machine.definition.iso_paths()]
    return [_file(world, machine.node, path, kind) for path, kind in rows]


def _if_there(world: World, machine: Machine, paths: list[str], kind: str) -> list[tuple[str, str]]:
    return [(path, kind) for path in paths if exists(world, path, machine.node)]


def _file(world: World, node: str, path: str, kind: str) -> Json:
    real = world.real(path, node) if exists(world, path, node) else None
    return {
        "path": path,
        "kind": kind,
        "size": real.stat().st_size if real else None,
        "modified": modified(real) if real else None,
        "exists": real is not None,
    }


def writer_report(world: World, node: Node) -> Json:
    """Return Get-BorgClusterWriterReport's answer: the Hyper-V writer's components of this node."""
    return {
        "schema": SCHEMA,
        "node": node.name,
        "module_version": node.module_version,
        "taken_at": world.now_text(),
        "components": [_component(world, machine) for machine in listed(world, node.name)],
        "writers": [{"writer_id": one.writer_id, "state": one.state, "failure_code": one.failure_code} for one in node.writers],
    }


def _component(world: World, machine: Machine) -> Json:
    disks = [path for leaf in machine.definition.disk_paths() for path in find_chain(world, leaf, machine.node).paths]
    others = [str(one["path"]) for one in vm_files(world, machine) if one["exists"] and one["kind"] != "iso"]
    omitted = {path.lower() for path in world.state.writer_omits}
    paths = [*disks, *others, *world.state.writer_adds.get(machine.id, [])]
    return {
        "vm_id": machine.id,
        "caption": f"{'Online' if machine.state == 'Running' else 'Offline'}\\{machine.definition.name}",
        "files": [
            {"path": ntpath.dirname(path), "filespec": ntpath.basename(path)}
            for path in dict.fromkeys(paths)
            if path.lower() not in omitted
        ],
    }
