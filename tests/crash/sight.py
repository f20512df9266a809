"""What a cell compares: all of a world that a restore may not change, or must."""

import hashlib
import json
from pathlib import Path
from typing import Any

from borg_cluster.extract.beside import ROOM
from borg_cluster.simulator.fingerprint import fingerprint
from borg_cluster.simulator.model import Grant, Machine
from borg_cluster.simulator.places import files_below
from borg_cluster.simulator.state import SimulatedCluster
from tests.crash.hits import is_copy


def world(cluster: SimulatedCluster) -> Any:
    """Return all that a restore may not change, or must: VMs, roles, every file byte for byte, who may open it.

    Left out is what Windows makes anew: ids of roles and resources, times, empty folders.
    """
    with cluster.lock:
        cluster.commit()
        root = cluster.folder / "volumes"
        found = {
            **fingerprint(cluster),
            "files": {str(path.relative_to(root)): _digest(path) for path in sorted(files_below(root))},
            "rights": {key: sorted(one.vm_ids) for key, one in _rights(cluster)},
        }
        return _without_new_ids(found, [one for one in cluster.state.machines if is_copy(one)])


def _without_new_ids(found: Any, copies: list[Machine]) -> Any:
    """Leave out the ids that Windows gave copies and their adapters, which are in their configurations, too."""
    if not copies:
        return found
    text = json.dumps(found, default=sorted)
    for copy in copies:
        for adapter in copy.definition.adapters:
            text = text.replace(adapter.id, "an adapter's id")
        text = text.replace(copy.id, "a copy's id").replace(copy.id.upper(), "A COPY'S ID")
    made = json.loads(text)
    made["files"] |= {path: "made anew" for path in made["files"] if path.endswith("A COPY'S ID.vmcx")}
    return made


def _rights(cluster: SimulatedCluster) -> list[tuple[str, Grant]]:
    """Return what may be opened by whom, of the files that are there, but for checkpoints' own configurations."""
    known = ((key, one) for key, one in sorted(cluster.state.access.items()) if "/Snapshots/" not in key)
    return [(key, one) for key, one in known if one.inode == _inode(cluster, key)]


def _inode(cluster: SimulatedCluster, key: str) -> int | None:
    path = cluster.folder / key
    return path.stat().st_ino if path.exists() else None


def _digest(path: Path) -> str:
    if path.parent.name == ROOM:
        return "a plan, or records with their times"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def anywhere(found: Any) -> Any:
    """Leave out on which node things are: a failover decides that."""
    vms = {}
    for vm_id, vm in found["vms"].items():
        registrations = [{**one, "node": None} for one in vm["registrations"]]
        role = None if vm["role"] is None else {**vm["role"], "owner": None}
        vms[vm_id] = {**vm, "registrations": registrations, "role": role}
    return {**found, "vms": vms}


def differences(expected: Any, found: Any, where: str = "") -> tuple[str, ...]:
    """Return in what two worlds differ, one line each."""
    if isinstance(expected, dict) and isinstance(found, dict):
        keys = sorted({*expected, *found}, key=str)
        absent = "(nothing)"
        return tuple(
            line for key in keys for line in differences(expected.get(key, absent), found.get(key, absent), f"{where}/{key}")
        )
    return () if expected == found else (f"{where}: {_short(found)}, not {_short(expected)}",)


def _short(value: Any) -> str:
    return json.dumps(value, default=str)[:300]
