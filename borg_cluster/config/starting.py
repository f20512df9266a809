r"""A configuration to begin with, commented; of a cluster that was asked, with its nodes, volumes and VMs. Pure.

What a volume is called here is a proposal (``/mnt/hv/NAME``): nobody but the administrator knows where it is mounted.
"""

import ntpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from borg_cluster.config import words
from borg_cluster.config.written import render
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import Inventory, VirtualMachine, path_key, storage_of

_PLACE = "/mnt/hv"
_MOST_NAMES = 200
"""More VMs than that are counted, not listed."""
_HEAD = """\
# A configuration of borg-cluster for one cluster, made by `borg-cluster config generate`. Check it: borg-cluster config validate.
# Every key with its default: config/borg-cluster.yaml of this installation; for editors: borg-cluster config schema.
"""
_REMOTING = """
# How nodes are reached. Kerberos takes the ticket of whoever runs this (kinit); other ways need a user, and a reference to the
# password, never the password itself:
#   auth: ntlm
#   username: 'EXAMPLE\\borg-cluster'
#   password: "{credential file /etc/borg-cluster/node-password}"
"""
_MOUNTS = """
# Where the cluster's files are mounted on this machine. What lies under none of these is refused, by name.
"""
_REST = """
# borg-cluster repo-create makes it; keep a copy of its key elsewhere
repositories:
  - {path: /srv/borg/hv, label: main}
# only its owner may read that file: install -m 600 /dev/stdin /etc/borg-cluster/passphrase
encryption_passphrase: "{credential file /etc/borg-cluster/passphrase}"

jobs:
  nightly: # one archive a VM
    kind: virtual_machines
    # application: the guest takes part; crash: as after a power failure. on_failure: fall_back takes the weaker one, and says so
    consistency: application
    max_age: 26h
    keep_daily: 7
    keep_weekly: 4
    keep_monthly: 6
    select:
      exclude:
        - tag: nobackup # a VM whose notes hold the word #nobackup
"""
_WEEKLY = """\
  weekly: # one archive a volume, less the files that VMs' own archives hold
    kind: volumes
    frequency: 1 week
    keep_weekly: 4

checks:
  - {name: repository, frequency: 2 weeks}
  - {name: archives, frequency: 1 month}
  - {name: extract, frequency: always} # a VM chosen by chance is extracted and compared
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Storage:
    """What VMs lie on: ``node`` None for what all nodes reach, '*' for what moves between them."""

    windows: str
    node: str | None
    name: str
    used: int


def starting(
    cluster: str,
    *,
    nodes: tuple[str, ...] = (),
    remoting: Mapping[str, object] | None = None,
    inventory: Inventory | None = None,
) -> str:
    """Return the text of a configuration that can be loaded.

    Args:
        cluster: its name.
        nodes: those to ask where its name doesn't answer.
        remoting: keys of ``remoting:`` that are known already.
        inventory: of the cluster, if it was asked.
    """
    mounts = () if inventory is None else _storages(inventory)
    lines = [_HEAD, render({"cluster": _cluster(cluster, nodes, inventory)}), _REMOTING]
    lines += [render({"remoting": dict(remoting)}) if remoting else "remoting:\n  auth: kerberos\n"]
    lines += [
        _MOUNTS,
        *(_mounts(mounts) if mounts else ("mounts:\n  - {windows: 'C:\\ClusterStorage\\Volume1', path: /mnt/hv/Volume1}\n",)),
    ]
    return "".join((*lines, _REST, *_found(inventory), _WEEKLY))


def _cluster(name: str, nodes: tuple[str, ...], inventory: Inventory | None) -> object:
    known = [] if inventory is None else [node.fqdn or node.name for node in inventory.nodes]
    return {"name": name, "nodes": known or list(nodes)} if known or nodes else name


def _storages(inventory: Inventory) -> tuple[_Storage, ...]:
    """Return the cluster's volumes and whatever else holds files of VMs, in a stable order, each under a name of its own."""
    used: dict[tuple[str, str | None], int] = {(volume.path, None): 0 for volume in inventory.volumes if volume.path}
    for vm in inventory.virtual_machines:
        for place in {_place(file.path, vm, inventory) for file in vm.files if file.path}:
            used[place] = used.get(place, 0) + 1
    taken: set[str] = set()
    made: list[_Storage] = []
    for (windows, node), count in sorted(used.items(), key=lambda item: (item[0][1] or "", path_key(item[0][0]))):
        made.append(_Storage(windows=windows, node=node, name=_name(windows, node, taken), used=count))
        taken.add(made[-1].name.lower())
    return tuple(made)


def _place(path: str, vm: VirtualMachine, inventory: Inventory) -> tuple[str, str | None]:
    """Return what a file lies on, and whose that is."""
    storage = storage_of(path, inventory.volumes)
    if words.is_cluster_wide(storage):
        return storage, None
    root = storage.rstrip("\\") + "\\"
    clustered = {path_key(one.rstrip("\\") + "\\") for disk in inventory.clustered_disks for one in disk.paths}
    return root, "*" if path_key(root) in clustered else (vm.node or "*").partition(".")[0]


def _name(windows: str, node: str | None, taken: set[str]) -> str:
    last = words.default_mount_name(windows)
    server = ntpath.splitdrive(windows)[0].strip("\\").partition("\\")[0]
    wanted = [last, f"{server}-{last}"] if node is None else [f"{node}-{last.lower()}" if node != "*" else f"disk-{last.lower()}"]
    names = [re.sub(r"[^A-Za-z0-9._-]", "_", name).strip(".") or "volume" for name in wanted]
    names += [f"{names[0]}-{number}" for number in range(2, len(taken) + 3)]
    return next(name for name in names if name.lower() not in taken)


def _mounts(storages: tuple[_Storage, ...]) -> Iterator[str]:
    yield "mounts:\n"
    for storage in storages:
        windows = "'" + storage.windows.replace("'", "''") + "'"
        keys = [f"windows: {windows}", f"path: {_PLACE}/{storage.name}", f"name: {storage.name}"]
        keys += [] if storage.node is None else [f"node: '{storage.node}'"]
        yield f"  - {{{', '.join(keys)}}} # {storage.used} of the VMs\n"


def _found(inventory: Inventory | None) -> Iterator[str]:
    """Yield comments that list the VMs that were there."""
    if inventory is None:
        return
    machines = sorted(inventory.virtual_machines, key=lambda vm: (vm.name.lower(), vm.id))
    yield f"    # {len(machines)} VMs on {inventory.taken_at}, all of them in this job:\n"
    for vm in machines[:_MOST_NAMES]:
        kind = "highly available" if vm.highly_available else "not highly available"
        yield f"    #   {one_line(vm.name)}, {kind}, on {one_line(vm.node or 'no node')}\n"
    if len(machines) > _MOST_NAMES:
        yield f"    #   and {len(machines) - _MOST_NAMES} more: borg-cluster discover\n"
    for silent in inventory.unanswered:
        yield f"    # {one_line(silent.node)} did not answer: what is there is not in this list\n"
