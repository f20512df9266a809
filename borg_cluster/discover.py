"""Verb: ask every node, return the inventory."""

from collections.abc import Callable
from typing import TypeVar

from borg_cluster.bridge import Lost
from borg_cluster.context import Context
from borg_cluster.core.inventory import Inventory, VirtualMachine

T = TypeVar("T")


def discover(context: Context, *, because: str = "it was asked for") -> Inventory:
    """Ask the cluster and every node that is up; merge, record and return. Raises ClusterUnreachable."""
    raise NotImplementedError


def current_inventory(context: Context, *, refresh: bool = False, because: str | None = None) -> Inventory:
    """Return the last inventory if it is young enough, else discover; ``because`` a contradiction: discover."""
    raise NotImplementedError


def find_vm(inventory: Inventory, word: str) -> VirtualMachine:
    """Return the VM with that id or name. Raises UnknownVM: with near names, or with the ids if several have the name."""
    raise NotImplementedError


def locate_vm(context: Context, vm_id: str) -> str | None:
    """Return the node that owns a VM now (its role's owner, else the node that reports it), or None. Raises ClusterUnreachable."""
    raise NotImplementedError


def ask_any(context: Context, ask: Callable[[str], T | Lost]) -> T:
    """Call ``ask`` on one live node after the other until one answers. Raises ClusterUnreachable with each reason."""
    raise NotImplementedError
