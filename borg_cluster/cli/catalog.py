"""`borg-cluster catalog`."""

import click

from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import counted, json_document, moment, sentence, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.core.event import Warned
from borg_cluster.errors import ExitCode
from borg_cluster.upkeep.rebuild import Rebuilt, rebuild


@click.group("catalog", epilog=exit_codes())
def command() -> None:
    """Work on what is known besides the archives."""


@command.command("rebuild", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.REFUSED))
@json_option
@click.pass_obj
def rebuild_command(settings: Settings, /) -> int:
    """Take in what the archives tell of themselves.

    For a catalog that was lost, damaged (it is set aside, never deleted) or is older than its repositories: every archive whose
    manifest is of this cluster is taken in, with the run that made it. What happened to VMs between the backups can't be had
    back: `borg-cluster history` names the gap. `create` and `run` do the same by themselves where nothing is known.
    """
    with open_site(settings, mend=True) as site:
        rebuilt = rebuild(site.context, reason="it was asked for")
        for label, reason in rebuilt.failed:
            message = f"the archives of the repository {label} could not be looked at: {reason}"
            site.context.emit(Warned(subject=label, message=message, hint=None))
        if settings.json:
            write_line(json_document("catalog_rebuilt", _fields(rebuilt)))
        else:
            since = f", the oldest of {moment(rebuilt.oldest)}" if rebuilt.oldest else ""
            counts = f"{counted(rebuilt.archives, 'archive')} of {counted(rebuilt.runs, 'run')} were not known{since}"
            site.console.print(sentence(counts))
        return site.tally.exit_code


def _fields(rebuilt: Rebuilt) -> dict[str, object]:
    return {
        "archives": rebuilt.archives,
        "runs": rebuilt.runs,
        "oldest": rebuilt.oldest,
        "failed": [{"repository": label, "reason": reason} for label, reason in rebuilt.failed],
    }
