"""What `plan`, `patterns` and `create` have in common: from job names to a plan."""

from uuid import uuid4

from borg_cluster import discover
from borg_cluster.cli.site import Site
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.planned import BackupPlan


def make_plan(
    site: Site, jobs: tuple[str, ...], *, refresh: bool = False, run_id: str | None = None
) -> tuple[BackupPlan, Inventory]:
    """Return what ``jobs`` (none: all) would save now, and the inventory that it was decided on.

    ``run_id``: of the run that will carry it out; a new one by default.
    Raises UsageError for a job that isn't configured, ClusterUnreachable where the inventory is too old and no node answers.
    """
    context = site.context
    inventory = discover.current_inventory(context, refresh=refresh)
    site.names.update({vm.id: vm.name for vm in inventory.virtual_machines})
    good = context.catalog.good_archives(context.policy.cluster, context.clock())
    plan = plan_backup(
        inventory,
        context.plugins.heed(context.policy, inventory),
        jobs=jobs,
        good=good,
        at=context.clock(),
        run_id=run_id or str(uuid4()),
        remembered=context.catalog.remembered(context.policy.cluster),
    )
    return plan, inventory
