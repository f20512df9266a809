"""`borg-cluster create`."""

from dataclasses import replace

import click
from rich.cells import cell_len
from rich.text import Text

from borg_cluster import boot, create, leftovers
from borg_cluster.cli.announcing import announced
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.plan import exit_code_of_plan
from borg_cluster.cli.plan_view import plan_view
from borg_cluster.cli.planning import make_plan
from borg_cluster.cli.render import clean, duration, fields_of, how_read, json_document, short_id, size, words, write_line
from borg_cluster.cli.site import Site, open_site
from borg_cluster.context import Context
from borg_cluster.core.event import ArchiveFailed, ArchiveFinished, Event
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.planned import BackupPlan
from borg_cluster.errors import ExitCode
from borg_cluster.upkeep.rebuild import rebuild_if_lost

_RESULT = 9
_NAME = 36
_NUMBER = 11


class Results:
    """The sink that keeps how each archive ended, for the summary."""

    def __init__(self) -> None:
        self.ended: list[ArchiveFinished | ArchiveFailed] = []

    def __call__(self, event: Event) -> None:
        """Keep the event if an archive ended with it."""
        if isinstance(event, ArchiveFinished | ArchiveFailed):
            self.ended.append(event)


@click.command("create", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.SOME_FAILED, ExitCode.REFUSED))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--stats", is_flag=True, help="Add up what was read and stored.")
@click.option("--refresh", is_flag=True, help="Ask the nodes first, however young the inventory is.")
@click.option("--full", is_flag=True, help="Read all of each disk this time, and compare it with what was to be taken over.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, jobs: tuple[str, ...], dry_run: bool, stats: bool, refresh: bool, full: bool) -> int:
    """Back up VMs and volumes, now.

    One archive a VM, one a volume less the VMs' files. JOBs are all by default. A VM that fails never stops
    the others; one that moved meanwhile is followed.
    """
    results = Results()
    with open_site(settings, results, mend=not dry_run) as site:
        if dry_run:
            plan, inventory = make_plan(site, jobs, refresh=refresh)
            _show_plan(settings, site, plan, inventory)
            return exit_code_of_plan(plan)
        with announced(site, "create") as ending:
            rebuild_if_lost(site.context)
            boot.sweep(site.context)
            plan, inventory = make_plan(site, jobs, refresh=refresh, run_id=ending.run_id)
            leftovers.tell_unlisted(site.context, inventory)
            create.create(_in_full(site.context) if full else site.context, plan, inventory)
            site.context.catalog.record_run(ending.end(site.tally))
        if settings.json:
            write_line(json_document("created", _fields(plan, results, site)))
        else:
            site.console.print(*_summary(results, inventory), sep="\n", soft_wrap=True)
            if stats:
                site.console.print(_stats(results))
        return site.tally.exit_code


def _in_full(context: Context) -> Context:
    jobs = (replace(job, changed_blocks=replace(job.changed_blocks, full=True)) for job in context.policy.jobs)
    return replace(context, policy=replace(context.policy, jobs=tuple(jobs)))


def _show_plan(settings: Settings, site: Site, plan: BackupPlan, inventory: Inventory) -> None:
    if settings.json:
        write_line(json_document("plan", fields_of(plan)))
    else:
        site.console.print(plan_view(plan, inventory, policy=site.context.policy, every_file=settings.verbosity > 0))


def _fields(plan: BackupPlan, results: Results, site: Site) -> dict[str, object]:
    made = [fields_of(event) for event in results.ended if isinstance(event, ArchiveFinished)]
    failed = [fields_of(event) for event in results.ended if isinstance(event, ArchiveFailed)]
    uncovered = [fields_of(vm) for vm in plan.uncovered]
    counts = {"run_id": plan.run_id, "cluster": plan.cluster, "exit_code": site.tally.exit_code, "warnings": site.tally.warnings}
    return {**counts, "archives": made, "failed": failed, "uncovered": uncovered}


def _summary(results: Results, inventory: Inventory) -> list[Text]:
    """Return two lines an archive, since its name is longer than any column; one for what was not made."""
    machines = {vm.id for vm in inventory.virtual_machines}
    lines = [Text(), words(_row("", "", "Read", "Stored", "Took"), "bold")]
    for event in results.ended:
        name = f"{clean(event.name)} {short_id(event.subject)}" if event.subject in machines else clean(event.name)
        if isinstance(event, ArchiveFinished):
            result, style = ("warnings", "yellow") if event.warnings else ("done", "green")
            sizes = (size(event.original_size), size(event.deduplicated_size), duration(event.seconds))
            lines += [words(_row(result, name, *sizes), style), words(f"  {event.archive}", "dim")]
            lines += [words(f"  {line}", "dim") for line in how_read(event.unread, event.read_in_full)]
        else:
            lines.append(words(f"{'refused' if event.refused else 'failed':<{_RESULT}}{name}", "bold red"))
    return lines


def _row(result: str, name: str, *numbers: str) -> str:
    columns = "".join(f"{number:>{_NUMBER}}" for number in numbers)
    # a longer name pushes its own numbers aside, no one else's
    return f"{result:<{_RESULT}}{name}{' ' * max(1, _NAME - cell_len(name))}{columns}"


def _stats(results: Results) -> str:
    made = [event for event in results.ended if isinstance(event, ArchiveFinished)]
    read = sum(event.original_size for event in made)
    stored = sum(event.deduplicated_size for event in made)
    return f"\n{size(read)} read, {size(stored)} stored, {duration(sum(event.seconds for event in made))} reading"
