"""`borg-cluster discover`."""

import click

from borg_cluster import discover, leftovers
from borg_cluster.cli.inventory_view import inventory_view
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.core.event import Warned
from borg_cluster.core.inventory import Inventory, Severity
from borg_cluster.errors import ExitCode


@click.command("discover", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.REFUSED))
@click.option("--refresh/--no-refresh", default=True, help="Ask the nodes now (the default), or only if it is time to.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, refresh: bool) -> int:
    """Ask every node and show all virtual machines.

    Where each one is, whether it is highly available (HA), and every doubt: !n counts errors, ?n warnings about a VM; they are
    listed below the table. Recovery snapshots that a backup which died left on the cluster are ended.
    """
    with open_site(settings) as site:
        inventory = discover.discover(site.context) if refresh else discover.current_inventory(site.context)
        inventory = leftovers.end(site.context, inventory)
        for one in leftovers.restores(site.context):
            site.context.emit(Warned(subject=one.subject, message=one.message, hint=one.ended_by))
        if settings.json:
            write_line(json_document("inventory", fields_of(inventory)))
        else:
            site.console.print(inventory_view(inventory, mounts=site.context.policy.mounts))
        return _exit_code(inventory) or site.tally.exit_code


def _exit_code(inventory: Inventory) -> ExitCode:
    doubtful = inventory.unanswered or any(finding.severity is not Severity.INFO for finding in inventory.findings)
    return ExitCode.WARNINGS if doubtful else ExitCode.FINE
