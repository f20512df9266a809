"""`borg-cluster plan`."""

import click

from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.plan_view import plan_view
from borg_cluster.cli.planning import make_plan
from borg_cluster.cli.render import fields_of, json_document, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.core.event import Warned
from borg_cluster.core.planned import BackupPlan
from borg_cluster.errors import ExitCode
from borg_cluster.leftovers import told


@click.command("plan", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.REFUSED))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--refresh", is_flag=True, help="Ask the nodes first, however young the inventory is.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, jobs: tuple[str, ...], refresh: bool) -> int:
    """Show what would be backed up, and why.

    Why each VM is in, out or refused, which files a volume's archive leaves out because VM archives hold them, and which VMs
    remain uncovered. `borg-cluster -v plan` names every file. Nothing is read or written; JOBs are all by default.
    """
    with open_site(settings) as site:
        plan, inventory = make_plan(site, jobs, refresh=refresh)
        for left in told(site.context, inventory):
            site.context.emit(Warned(subject=left.subject, message=f"left over: {left.message}", hint=left.ended_by))
        if settings.json:
            write_line(json_document("plan", fields_of(plan)))
        else:
            view = plan_view(plan, inventory, policy=site.context.policy, every_file=settings.verbosity > 0)
            site.console.print(view)
    return exit_code_of_plan(plan)


def exit_code_of_plan(plan: BackupPlan) -> ExitCode:
    """Return 1 if something would be refused or remain uncovered."""
    doubtful = any(not vm.by_choice for vm in plan.uncovered) or any(skipped.refused for skipped in plan.skipped)
    return ExitCode.WARNINGS if doubtful else ExitCode.FINE
