"""A small simulated cluster for tests, and commands whose every answer is held against its JSON Schema."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from borg_cluster.simulator.making import DiskSpec
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB

SCHEMAS = Path(__file__).parents[2] / "powershell" / "BorgCluster" / "schemas"
SMALL = DiskSpec(size=8 * MIB, content=MIB)
RESTORE_ID = "0b0e0000-0000-4000-8000-000000000001"


@cache
def schema_of(command: str) -> jsonschema.Draft202012Validator:
    """Return the validator of a command's answer."""
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{command}.json").read_text(encoding="utf-8")))


def ask(cluster: SimulatedCluster, node: str, command: str, **parameters: object) -> Any:
    """Invoke a command and return its answer, which must fit its schema."""
    answer = json.loads(cluster.invoke(node, command, parameters))
    schema_of(command).validate(answer)
    return answer


def registration(cluster: SimulatedCluster, vm_id: str, node: str = "node1") -> Any:
    """Return how a node has a VM registered, or None."""
    return ask(cluster, node, "Get-BorgClusterVMState", VMId=vm_id)["registration"]


def role(cluster: SimulatedCluster, vm_id: str, node: str = "node1") -> Any:
    """Return the role of a VM, or None."""
    return ask(cluster, node, "Get-BorgClusterVMState", VMId=vm_id)["role"]


def listed(cluster: SimulatedCluster, node: str) -> dict[str, Any]:
    """Return what a node lists, by VM id."""
    return {vm["id"]: vm for vm in ask(cluster, node, "Get-BorgClusterNodeReport")["vms"]}
