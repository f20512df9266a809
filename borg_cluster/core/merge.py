"""Reports of one moment become one inventory: ``merge``."""

from borg_cluster.core.inventory import Inventory, Unanswered
from borg_cluster.core.policy import Mount
from borg_cluster.core.report import ClusterReport, NodeReport, WriterReport


def merge(  # noqa: PLR0913 - one argument for each kind of report
    cluster: ClusterReport,
    nodes: tuple[NodeReport, ...],
    writers: tuple[WriterReport, ...],
    unanswered: tuple[Unanswered, ...],
    *,
    writers_unanswered: tuple[Unanswered, ...] = (),
    mounts: tuple[Mount, ...] = (),
    taken_at: str,
) -> Inventory:
    """Join what the cluster and its nodes said into one inventory, by VM id."""
    raise NotImplementedError


def map_storage(inventory: Inventory, mounts: tuple[Mount, ...]) -> Inventory:
    """Return the inventory with its disk_not_mapped findings made anew for these mounts."""
    raise NotImplementedError
