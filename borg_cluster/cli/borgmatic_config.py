"""`borg-cluster borgmatic-config`."""

import os
import sys
from pathlib import Path

import click

from borg_cluster.cli.options import Settings, exit_codes
from borg_cluster.cli.render import write_line
from borg_cluster.cli.site import open_site
from borg_cluster.config.borgmatic import borgmatic
from borg_cluster.core.policy import Policy, Repository
from borg_cluster.errors import ExitCode, UsageError
from borg_cluster.snapshot_session import job_of, place_of


@click.command("borgmatic-config", epilog=exit_codes())
@click.option("--job", required=True, metavar="NAME", help="The job whose VMs borgmatic backs up.")
@click.option("--repository", "labels", multiple=True, metavar="LABEL", help="Where to; the job's own by default.")
@click.pass_obj
def command(settings: Settings, /, *, job: str, labels: tuple[str, ...]) -> int:
    """Print a configuration file for borgmatic.

    An existing borgmatic (2.1 and later) runs it as it is. It freezes the job's VMs before a create, reads what is frozen,
    and ends the snapshots afterwards, also if something failed.
    """
    with open_site(settings) as site:
        policy = site.context.policy
        place = place_of(site.context, job)
        chosen = job_of(site.context, job)
        repositories = _repositories(policy, labels or chosen.labels)
        call = _call(settings, policy, site.context.state)
        text = borgmatic(policy, chosen, repositories, patterns=str(place.for_borgmatic), call=call)
    write_line(text.rstrip("\n"))
    return ExitCode.FINE


def _repositories(policy: Policy, labels: tuple[str, ...]) -> tuple[Repository, ...]:
    known = {one.label: one for one in policy.repositories}
    unknown = next((label for label in labels if label not in known), None)
    if unknown is not None:
        raise UsageError(f"the configuration has no repository {unknown}", hint=f"there are: {', '.join(known) or 'none'}")
    return tuple(known[label] for label in labels)


def _call(settings: Settings, policy: Policy, state: Path) -> tuple[str, ...]:
    """Return the words that call this program for this site from anywhere: under systemd, borgmatic has a state of its own."""
    program = Path(sys.executable).with_name("borg-cluster")
    words = [str(program)] if program.exists() else [sys.executable, "-m", "borg_cluster"]
    if settings.config is not None:
        words += ["--config", os.fspath(settings.config.absolute())]
    if settings.cluster is not None:
        words += ["--cluster", policy.cluster]
    return ("env", f"STATE_DIRECTORY={state.absolute()}", *words)
