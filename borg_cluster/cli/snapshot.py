"""`borg-cluster snapshot open` and `close`."""

import click

from borg_cluster import boot
from borg_cluster.claim_holder import process, user_of_this
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.planning import make_plan
from borg_cluster.cli.render import counted, json_document, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.config import words
from borg_cluster.errors import ExitCode, UsageError
from borg_cluster.snapshot_session import close_session, job_of, open_session

_job = click.option("--job", required=True, metavar="NAME", help="The job whose VMs are meant.")


@click.group("snapshot", epilog=exit_codes())
def command() -> None:
    """Freeze a job's VMs for borgmatic, or for Borg by hand."""


@command.command("open", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@_job
@click.option(
    "--owner", type=click.IntRange(min=1), metavar="PID", help="The process that reads; by default whoever called this."
)
@click.option("--max-age", default="48h", show_default=True, metavar="DURATION", help="Then it is over, whoever seems to use it.")
@json_option
@click.pass_obj
def open_command(settings: Settings, /, *, job: str, owner: int | None, max_age: str) -> int:
    """Make the recovery snapshots of a job's VMs and leave them open.

    Prints the pattern file that names what is frozen, for `borg create --patterns-from`. All of them or none: if one VM can't be
    frozen as its job wants, the others are ended again and this fails. Warnings don't change the exit code, since borgmatic takes
    any other one for a failure. What is open is swept when its owner is dead, or its time is over.
    """
    try:
        seconds = words.parse_duration(max_age)
    except words.Wrong as wrong:
        raise UsageError(f"--max-age: {wrong}", hint=wrong.hint) from wrong
    with open_site(settings) as site:
        chosen = job_of(site.context, job)
        boot.sweep(site.context)
        plan, inventory = make_plan(site, (job,))
        holder = process(user_of_this() if owner is None else owner)
        place, names = open_session(site.context, plan, inventory, chosen, holder=holder, seconds=int(str(seconds)))
        if settings.json:
            fields: dict[str, object] = {"job": job, "patterns": place.patterns, "patterns_borgmatic": place.for_borgmatic}
            write_line(json_document("snapshots_open", {**fields, "frozen": names, "holder": holder}))
        else:
            write_line(str(place.patterns))
    return ExitCode.FINE


@command.command("close", epilog=exit_codes(ExitCode.ALL_FAILED))
@_job
@json_option
@click.pass_obj
def close_command(settings: Settings, /, *, job: str) -> int:
    """End what `snapshot open` opened, and nothing else.

    Harmless if nothing is open. Fails if what was frozen did not stay the same: then what was made of it is worth nothing.
    """
    with open_site(settings) as site:
        count = close_session(site.context, job)
        if settings.json:
            write_line(json_document("snapshots_closed", {"job": job, "ended": count}))
        elif settings.verbosity >= 0:
            site.console.print(
                f"{counted(count, 'recovery snapshot')} of job {job} ended" if count else f"Nothing was open for job {job}."
            )
    return ExitCode.FINE
