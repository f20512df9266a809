"""Claims: a file a VM on the cluster's own storage, made exclusively, that says who works on it."""

import json
import re
from pathlib import Path

from borg_cluster.simulator.commands import Arguments
from borg_cluster.simulator.failure import ours
from borg_cluster.simulator.model import Node
from borg_cluster.simulator.places import normalised
from borg_cluster.simulator.reports import SCHEMA, Json
from borg_cluster.simulator.world import World

_FIELDS = ("claim_id", "holder", "purpose", "since")


def get_claim(world: World, node: Node, arguments: Arguments) -> Json:
    """Get-BorgClusterClaim."""
    path, file = _place(world, node, arguments)
    return _state(arguments.text("VMId"), path, _read(file), acquired=False)


def new_claim(world: World, node: Node, arguments: Arguments) -> Json:
    """New-BorgClusterClaim: acquired when the claim on disk is the caller's, made now or before."""
    path, file = _place(world, node, arguments)
    wanted = {
        "vm_id": arguments.text("VMId"),
        "claim_id": arguments.text("ClaimId"),
        "holder": arguments.text("Holder"),
        "purpose": arguments.text("Purpose"),
        "since": world.now_text(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as opened:
            json.dump(wanted, opened, ensure_ascii=False)
    except FileExistsError:
        world.note("claim", "the claim exists already", path=path)
    found = _read(file)
    return _state(arguments.text("VMId"), path, found, acquired=found.get("claim_id") == wanted["claim_id"])


def remove_claim(world: World, node: Node, arguments: Arguments) -> Json:
    """Remove-BorgClusterClaim: only the claim with that id; another's is told and stays."""
    path, file = _place(world, node, arguments)
    if _read(file).get("claim_id") == arguments.text("ClaimId"):
        file.unlink()
    return _state(arguments.text("VMId"), path, _read(file), acquired=False)


def _place(world: World, node: Node, arguments: Arguments) -> tuple[str, Path]:
    folder = normalised(arguments.text("Folder"))
    if not re.search(r"\\\.borg-cluster$", folder, re.IGNORECASE):
        message = f"'{folder}' is no folder called .borg-cluster."
        raise ours("PathNotAllowed", message, category="InvalidArgument", target=folder)
    path = f"{folder}\\claims\\{arguments.text('VMId')}.json"
    return path, world.real(path, node.name)


def _read(file: Path) -> dict[str, object]:
    """Return a claim's fields, none without a claim; raises CommandError for a file that is no claim."""
    if not file.exists():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or not found.get("claim_id"):
        message = f"'{file.name}' is no claim. If no backup or restore of this virtual machine runs, delete it."
        raise ours("ClaimUnreadable", message, category="InvalidData", target=file.name)
    return found


def _state(vm_id: str, path: str, claim: dict[str, object], *, acquired: bool) -> Json:
    fields = {name: claim.get(name) for name in _FIELDS}
    return {"schema": SCHEMA, "vm_id": vm_id, "path": path, **fields, "acquired": acquired}
