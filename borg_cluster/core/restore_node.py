"""On which node a restored VM is registered, and why. Pure."""

from borg_cluster.core.archive import Manifest
from borg_cluster.core.inventory import Inventory, VirtualMachine, path_key
from borg_cluster.core.policy import Mount, locate
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.errors import Refused


def likely_node(manifest: Manifest, vm: VirtualMachine | None, request: RestoreRequest) -> str | None:
    """Return the node whose own disks a path means: the one that is asked for, else where the VM is or was."""
    return request.node or (vm.node if vm is not None else None) or manifest.node


def choose_node(
    manifest: Manifest,
    inventory: Inventory,
    vm: VirtualMachine | None,
    mounts: tuple[Mount, ...],
    *,
    configuration: str,
    asked: str | None = None,
) -> tuple[str, str]:
    """Return the node to register the VM on, and why.

    Args:
        manifest: of the archive.
        inventory: what is true now.
        vm: the VM that is there now; None: it's gone, or not the one that is restored.
        mounts: of the configuration.
        configuration: where its configuration will lie.
        asked: the node that was asked for.

    Raises:
        Refused: no node can, or not that one.
    """
    up = {node.name.lower(): node.name for node in inventory.nodes if node.state == "Up"}
    local = _own_disk_of(configuration, mounts, asked or (vm.node if vm is not None else None) or manifest.node)
    if asked is not None:
        return _asked(asked, inventory, up, configuration=configuration, local=local), "it was asked for"
    if vm is not None and vm.nodes and local is None:
        return vm.nodes[0], "it is registered there"
    if local is not None:
        if local.lower() not in up:
            raise Refused(f"{configuration} lies on {local}'s own disk, and {local} is not up", hint=f"bring {local} back")
        return up[local.lower()], f"{configuration} lies on its own disk"
    if not up:
        raise Refused("no node of the cluster is up", hint="look at: borg-cluster discover --refresh")
    if vm is not None and (vm.node or "").lower() in up:
        return up[(vm.node or "").lower()], "it owns the role"
    if (manifest.node or "").lower() in up:
        return up[(manifest.node or "").lower()], "it was there when it was backed up"
    return _any_node(configuration, inventory, up)


def refuse_unreached(vm: VirtualMachine | None, node: str, mounts: tuple[Mount, ...]) -> None:
    """Raise Refused if the old VM lies on its node's own disk and the new one is to be on another: neither reaches both."""
    if vm is None or not vm.nodes or vm.nodes[0].lower() == node.lower():
        return
    path = next((file.path for file in vm.files if _own_disk_of(file.path, mounts, vm.nodes[0]) is not None), None)
    if path is not None:
        raise Refused(
            f"{path} lies on {vm.nodes[0]}'s own disk, which {node} does not reach",
            hint=f"restore it on {vm.nodes[0]}, or make a copy: --copy NAME --to-node {node} --to-volume VOLUME",
            path=path,
        )


def _own_disk_of(path: str, mounts: tuple[Mount, ...], likely: str | None) -> str | None:
    """Return the node on whose own disk a path lies, or None: it lies on no node's own. Of several the ``likely`` one."""
    if locate(path, mounts, node=None) is not None:
        return None
    owners = [mount.node for mount in mounts if mount.node and locate(path, (mount,), node=mount.node)]
    return next((owner for owner in owners if owner.lower() == (likely or "").lower()), owners[0] if owners else None)


def _asked(asked: str, inventory: Inventory, up: dict[str, str], *, configuration: str, local: str | None) -> str:
    known = {node.name.lower(): node.state for node in inventory.nodes}
    if asked.lower() not in known:
        raise Refused(f"the cluster has no node {asked!r}", hint=f"say one of: {', '.join(up.values())}")
    if asked.lower() not in up:
        raise Refused(f"{asked} is {known[asked.lower()]}", hint=f"say one that is up: {', '.join(up.values())}")
    if local is not None and local.lower() != asked.lower():
        hint = f"say --to-node {local}, or another volume: --to-volume VOLUME"
        raise Refused(f"{configuration} lies on {local}'s own disk, which {asked} does not reach", hint=hint)
    return up[asked.lower()]


def _any_node(configuration: str, inventory: Inventory, up: dict[str, str]) -> tuple[str, str]:
    for volume in inventory.volumes:
        on_it = path_key(configuration).startswith(path_key(volume.path).rstrip("\\") + "\\")
        if on_it and (volume.owner_node or "").lower() in up:
            return up[(volume.owner_node or "").lower()], f"it coordinates {volume.path}"
    load = {name: sum((vm.node or "").lower() == name for vm in inventory.virtual_machines) for name in up}
    least = min(up, key=lambda name: (load[name], name))
    return up[least], f"it has the fewest virtual machines ({load[least]})"
