"""`borg-cluster run`."""

import secrets
from dataclasses import replace

import click
from rich.console import Group, RenderableType

from borg_cluster import run
from borg_cluster.cli.announcing import announced
from borg_cluster.cli.check import SEEDS
from borg_cluster.cli.history import change_words
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import counted, fields_of, json_document, sentence, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.errors import ExitCode
from borg_cluster.run import RunOutcome


@click.command("run", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.SOME_FAILED, ExitCode.REFUSED))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, jobs: tuple[str, ...]) -> int:
    """Do what is due: create, prune, compact, check.

    What a timer runs each night. JOBs that are named are due; without names each job is by its frequency. A repository that does
    not open costs its own archives, a cluster that does not answer costs the archives but not the checks, and nothing is pruned
    of a VM whose archive failed.
    """
    with open_site(settings, mend=True) as site:
        with announced(site, "run") as ending:
            outcome = run.run(site.context, run_id=ending.run_id, seed=secrets.randbelow(SEEDS), jobs=jobs)
            ending.end(site.tally, outcome.exit_code)
        # what failed after the run itself (a plugin, a file of `monitoring:`) is a warning, too
        outcome = replace(outcome, warnings=site.tally.warnings, exit_code=outcome.exit_code or site.tally.exit_code)
        if settings.json:
            write_line(json_document("run", _fields(outcome)))
        else:
            site.console.print(_view(outcome), soft_wrap=True)
        return outcome.exit_code


def _fields(outcome: RunOutcome) -> dict[str, object]:
    return {
        "run_id": outcome.run_id,
        "exit_code": outcome.exit_code,
        "done": outcome.done,
        "warnings": outcome.warnings,
        "jobs": [{"job": name, **fields_of(due)} for name, due in outcome.jobs],
        "failed": [{"name": name, "reason": reason} for name, reason in outcome.failed],
        "changes": [fields_of(change) for change in outcome.changes],
    }


def _view(outcome: RunOutcome) -> RenderableType:
    """Return the summary: what failed stands last, where it is read first."""
    lines: list[RenderableType] = [
        sentence(words(name, "bold"), f": {'due' if due.due else 'not due'}, {due.reason}") for name, due in outcome.jobs
    ]
    for change in outcome.changes:
        moved = f" from {change.was or 'nowhere'} to {change.now or 'nowhere'}" if change.was or change.now else ""
        lines.append(sentence(words(change.name, "bold"), f" {change_words(change)}{moved} since the last run"))
    style = "bold red" if outcome.failed else "yellow" if outcome.warnings else "green"
    counts = f"{outcome.done} done, {len(outcome.failed)} failed, {counted(outcome.warnings, 'warning')}"
    lines.append(words(counts, style))
    lines += [sentence(words("failed  ", "bold red"), words(name, "bold"), f"  {reason}") for name, reason in outcome.failed]
    return Group(*lines)
