"""The commands that change a VM on the node that executes them: stop, start, unregister, register, saved state, access."""

from borg_cluster.simulator.activity import start_vm, stop_vm
from borg_cluster.simulator.chains import exists, why_unusable
from borg_cluster.simulator.checkpoints import merge_checkpoints
from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.definition import Definition, DefinitionDamaged, read_definition, write_definition
from borg_cluster.simulator.failure import (
    import_failed,
    invalid_vm_state,
    ours,
    path_not_found,
    remove_vm_failed,
)
from borg_cluster.simulator.machines import OFF_STATES, drop_saved_state, load, unload
from borg_cluster.simulator.making import grant_all
from borg_cluster.simulator.model import Machine, Node
from borg_cluster.simulator.places import normalised
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.role_commands import need_hyper_v
from borg_cluster.simulator.storage import delete_configuration
from borg_cluster.simulator.vm_answers import file_result, vm_state
from borg_cluster.simulator.world import World

SWITCH_MISSING = 33012
FILE_MISSING = 40010
DISK_UNUSABLE = 40012
VERSION_UNSUPPORTED = 24000


def stop_vm_command(world: World, node: Node, arguments: Arguments) -> Json:
    """Stop-BorgClusterVM; a VM that isn't registered here is fine."""
    machine = _find(world, node, arguments)
    if machine is not None:
        stop_vm(world, machine, arguments.text("Action"), arguments.number("TimeoutSecond"))
    return vm_state(world, node, arguments.text("VMId"))


def start_vm_command(world: World, node: Node, arguments: Arguments) -> Json:
    """Start-BorgClusterVM."""
    need_hyper_v(node)
    machine = world.machine(arguments.text("VMId"), node.name)
    start_vm(world, machine, arguments.number("TimeoutSecond"))
    return vm_state(world, node, machine.id)


def test_boot(world: World, node: Node, arguments: Arguments) -> Json:
    """Test-BorgClusterBoot: the heartbeat tells; one that never comes is no error."""
    need_hyper_v(node)
    machine = world.machine(arguments.text("VMId"), node.name)
    if machine.heartbeat is None or not machine.heartbeat.startswith("Ok"):
        world.pause(arguments.number("TimeoutSecond"))
    return vm_state(world, node, machine.id)


def remove_saved_state(world: World, node: Node, arguments: Arguments) -> Json:
    """Remove-BorgClusterSavedState; a VM that has none, or isn't registered here, is fine."""
    machine = _find(world, node, arguments)
    if machine is not None:
        drop_saved_state(world, machine)
    return vm_state(world, node, arguments.text("VMId"))


def _find(world: World, node: Node, arguments: Arguments) -> Machine | None:
    need_hyper_v(node)
    return world.find_machine(arguments.text("VMId"), node.name)


def unregister(world: World, node: Node, arguments: Arguments) -> Json:
    """Unregister-BorgClusterVM, that is Remove-VM.

    The configuration is deleted, checkpoints are merged, VHDX files stay. A VM that isn't registered here is fine.
    """
    vm_id = arguments.text("VMId")
    machine = _find(world, node, arguments)
    if machine is not None:
        if world.find_role(vm_id) is not None:
            message = f"The virtual machine {vm_id} has a role; remove that first."
            raise ours("RolePresent", message, category="ResourceBusy", target=vm_id)
        if machine.state not in OFF_STATES:
            raise ours("VMRunning", f"The virtual machine {vm_id} is {machine.state}.", category="ResourceBusy", target=vm_id)
        if machine.migration is not None:
            raise invalid_vm_state(machine.definition.name, "RemoveVM", target=vm_id)
        remove_vm(world, machine)
    return vm_state(world, node, vm_id)


def remove_vm(world: World, machine: Machine) -> None:
    """Remove a VM as Remove-VM does; raises CommandError where absent disks matter."""
    absent = [path for path in machine.definition.disk_paths() if not exists(world, path, machine.node)]
    if absent and world.switches.remove_vm_needs_disks:
        raise remove_vm_failed(machine.definition.name, path=absent[0])
    unload(world, machine)
    merge_checkpoints(world, machine)
    delete_configuration(world, machine)


def register(world: World, node: Node, arguments: Arguments) -> Json:
    """Register-BorgClusterVM: Compare-VM, mend what can be mended, Import-VM -Register.

    An incompatibility that nothing mends leaves the VM unregistered; the answer tells it.
    """
    need_hyper_v(node)
    vm_id, path = arguments.text("VMId"), normalised(arguments.text("Path"))
    present = world.find_machine(vm_id, node.name)
    if present is not None and present.configuration_path.lower() != path.lower():
        message = f"The virtual machine {vm_id} is registered from '{present.configuration_path}'."
        raise ours("VMRegisteredElsewhere", message, category="ResourceExists", target=vm_id)
    findings: list[Json] = []
    if present is None:
        definition = read_configuration(world, node, vm_id, path)
        _move_drives(definition, path, arguments.texts("Source"), arguments.texts("Destination"))
        findings = compare(world, node, definition)
        if all(finding["mended_by"] for finding in findings):
            _import(world, node, definition, path)
    return {
        "schema": SCHEMA,
        "vm_id": vm_id,
        "registered": world.find_machine(vm_id, node.name) is not None,
        "incompatibilities": findings,
        "state": vm_state(world, node, vm_id),
    }


def _move_drives(definition: Definition, path: str, sources: list[str], destinations: list[str]) -> None:
    """Let disks lie elsewhere than the configuration says; what else the VM writes goes beside it then."""
    if len(sources) != len(destinations):
        raise ours("UnequalPairs", f"{len(sources)} sources, but {len(destinations)} destinations.", category="InvalidArgument")
    if not sources:
        return
    moved = dict(zip((normalised(one).lower() for one in sources), map(normalised, destinations), strict=True))
    unknown = set(moved) - {leaf.lower() for leaf in definition.disk_paths()}
    if unknown:
        message = f"'{path}' has no disk '{min(unknown)}'."
        raise ours("DiskNotFound", message, category="ObjectNotFound", target=min(unknown))
    for slot in definition.disks:
        if slot.path is not None:
            slot.path = moved.get(slot.path.lower(), slot.path)
    definition.snapshot_location = definition.smart_paging_path = path.rsplit("\\", 2)[0]


def read_configuration(world: World, node: Node, vm_id: str, path: str) -> Definition:
    """Return the definition of that VM from a .vmcx; raises CommandError when it can't be read or is another's."""
    if not exists(world, path, node.name):
        raise path_not_found(path)
    try:
        definition = read_definition(world.real(path, node.name))
    except (DefinitionDamaged, OSError, TypeError, KeyError, ValueError) as problem:
        raise import_failed(path) from problem
    if definition.id != vm_id:
        message = f"'{path}' is the configuration of {definition.id}, not of {vm_id}."
        raise ours("VMIdDiffers", message, category="InvalidData", target=path)
    return definition


def compare(world: World, node: Node, definition: Definition) -> list[Json]:
    """Return the incompatibilities; what can be mended is mended in ``definition``."""
    findings = []
    for adapter in definition.adapters:
        if adapter.switch_name is not None and adapter.switch_name not in node.switches:
            text = f"Could not find Ethernet switch '{adapter.switch_name}'."
            findings.append(_finding(SWITCH_MISSING, "VMNetworkAdapter", adapter.name, text, mended_by="disconnected"))
            adapter.switch_name = None
    for leaf in definition.disk_paths():
        problem = why_unusable(world, leaf, node.name)
        if problem is not None:
            findings.append(_finding(DISK_UNUSABLE, "HardDiskDrive", leaf, f"'{problem[1]}' can't be opened ({problem[0]})."))
    for drive in definition.dvds:
        if drive.path is not None and not exists(world, drive.path, node.name):
            text = f"'{drive.path}' can't be found."
            findings.append(_finding(FILE_MISSING, "DvdDrive", drive.path, text, mended_by="ejected"))
            drive.path = None
    if _version(definition.version) > _version(node.newest_version):
        text = f"The configuration version {definition.version} is not supported."
        findings.append(_finding(VERSION_UNSUPPORTED, "VirtualMachine", definition.name, text))
    return findings


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


def _finding(message_id: int, source_type: str, source_name: str, message: str, *, mended_by: str | None = None) -> Json:
    return {
        "message_id": message_id,
        "source_type": source_type,
        "source_name": source_name,
        "message": message,
        "mended_by": mended_by,
    }


def _import(world: World, node: Node, definition: Definition, path: str) -> None:
    write_definition(world.real(path, node.name), definition)
    if world.switches.register_grants_access:
        grant_all(world, definition, path, node.name)
    world.state.reappearing[:] = [one for one in world.state.reappearing if one.vm_id != definition.id]
    load(world, node.name, path)


def grant_access(world: World, node: Node, arguments: Arguments) -> Json:
    """Grant-BorgClusterVMAccess."""
    paths = [normalised(path) for path in arguments.texts("Path")]
    for path in paths:
        if not exists(world, path, node.name):
            raise ours("PathMissing", f"'{path}' does not exist.", category="ObjectNotFound", target=path)
    for path in paths:
        world.grant(path, node.name, arguments.text("VMId"))
    return file_result(world, node.name, None, paths)
