"""What `plan`, `patterns`, `create` and `snapshot` have in common: a plan, by whose inventory the terminal learns names."""

from uuid import uuid4

from borg_cluster import planning
from borg_cluster.cli.site import Site
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.planned import BackupPlan


def make_plan(
    site: Site, jobs: tuple[str, ...], *, refresh: bool = False, run_id: str | None = None
) -> tuple[BackupPlan, Inventory]:
    """Return what ``jobs`` (none: all) would save now, and the inventory that it was decided on.

    ``run_id``: of the run that will carry it out; a new one by default. Raises as ``planning.make_plan``.
    """
    plan, inventory = planning.make_plan(site.context, jobs, run_id=run_id or str(uuid4()), refresh=refresh)
    site.names.update({vm.id: vm.name for vm in inventory.virtual_machines})
    return plan, inventory
