"""From job names to a plan, on what is known of the cluster now: nothing is refused by what was known before."""

from dataclasses import replace

from borg_cluster.context import Context
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.event import Event, NodeAsked
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.planned import BackupPlan
from borg_cluster.discover import current_inventory
from borg_cluster.errors import ClusterUnreachable


def make_plan(context: Context, jobs: tuple[str, ...], *, run_id: str, refresh: bool = False) -> tuple[BackupPlan, Inventory]:
    """Return what ``jobs`` (none: all) would save now, and the inventory that it was decided on.

    A VM that a young inventory would have refused may be well by now, its node up again: the cluster is asked anew before.

    Raises UsageError for a job that isn't configured, ClusterUnreachable where the inventory is too old and no node answers.
    """
    asked: list[str] = []

    def hear(event: Event) -> None:
        if isinstance(event, NodeAsked):
            asked.append(event.node)
        context.emit(event)

    inventory = current_inventory(replace(context, emit=hear), refresh=refresh)
    plan = _plan(context, jobs, inventory, run_id)
    refused = next((one.name for one in plan.skipped if one.refused), None)
    if refused is None or asked:
        return plan, inventory
    try:
        inventory = current_inventory(context, because=f"{refused} would be refused by what was known of it")
    except ClusterUnreachable:
        return plan, inventory
    return _plan(context, jobs, inventory, run_id), inventory


def _plan(context: Context, jobs: tuple[str, ...], inventory: Inventory, run_id: str) -> BackupPlan:
    cluster = context.policy.cluster
    return plan_backup(
        inventory,
        context.plugins.heed(context.policy, inventory),
        jobs=jobs,
        good=context.catalog.good_archives(cluster, context.clock()),
        at=context.clock(),
        run_id=run_id,
        remembered=context.catalog.remembered(cluster),
    )
