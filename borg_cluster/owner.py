"""Whoever owns a VM now is asked: a VM may be on its way to another node, or busy, and both pass."""

from collections.abc import Callable
from typing import TypeVar

from borg_cluster import discover
from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core.inventory import Inventory
from borg_cluster.errors import BorgClusterError, CommandFailed, CommandMissing, Refused
from borg_cluster.whereabouts import address

T = TypeVar("T")
_PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0)
"""Seconds between two questions while the VM is between two owners, or busy with something else."""
_PASSING = {"32774", "32775", "0x80070020", "0x8007139F"}
"""Codes of a VM that does something else now: it is in use, or in a state that passes."""


def ask_owner(context: Context, inventory: Callable[[], Inventory | None], vm_id: str, ask: Callable[[str], T | Lost]) -> T:
    """Return the answer of whoever owns the VM now; look again as long as that may be changing. Raises BorgClusterError."""
    doubt = BorgClusterError("no node of the cluster has it", lost="unreachable")
    for pause in (*_PAUSES, None):
        try:
            node = discover.locate_vm(context, vm_id)
            known = inventory()
            name = node if known is None else address(known, node)
            answer = None if name is None else ask(name)
        except (CommandFailed, Refused) as error:
            if isinstance(error, CommandFailed) and not _passes(error):
                raise
            doubt = BorgClusterError(error.message, hint=error.hint, **error.fields)
        else:
            if isinstance(answer, Lost):
                if answer.missing:
                    raise CommandMissing(answer.message, hint=answer.hint, node=answer.node)
                doubt = BorgClusterError(answer.message, hint=answer.hint, lost=answer.reason)
            elif answer is not None:
                return answer
        if pause is not None:
            context.stop.pause(pause)
    raise doubt


def _passes(error: CommandFailed) -> bool:
    """Return whether an error is of a VM that is on its way to another node, or busy."""
    where = str(error.fields.get("error_id") or "").startswith("BorgClusterVMNotRegistered")
    return where or str(error.fields.get("code")) in _PASSING
