"""`borg-cluster prune`."""

import click
from rich.console import Group
from rich.text import Text

from borg_cluster import upkeep
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, moment, sentence, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.core.retention import Decision, Retained
from borg_cluster.errors import ExitCode


@click.command("prune", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.SOME_FAILED, ExitCode.REFUSED))
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option("--dry-run", is_flag=True, help="Show what would go and what stays, each with its reason, and stop.")
@click.option("--list", "every", is_flag=True, help="Show every archive with its reason.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, repositories: tuple[str, ...], dry_run: bool, every: bool) -> int:
    """Remove the archives that no keep rule keeps.

    By the rules of each job (keep_daily and the like). A VM's last archive always stays; nothing goes of a VM whose newest run
    failed or was refused, nothing that isn't ours, and nothing at all while an archive awaits its comparison. The space is freed
    by `borg-cluster compact`. REPOSITORY is a label.
    """
    with open_site(settings) as site:
        retained = upkeep.prune(site.context, repositories=repositories, dry_run=dry_run)
        if settings.json:
            write_line(json_document("pruned", _fields(retained, dry_run=dry_run)))
        elif every or dry_run:
            site.console.print(_view(retained, dry_run=dry_run), soft_wrap=True)
        return site.tally.exit_code


def _decisions(retained: tuple[Retained, ...]) -> list[Decision]:
    found = [decision for one in retained for decision in (*one.keep, *one.remove)]
    return sorted(found, key=lambda one: (one.archive.name.lower(), one.archive.subject, -one.archive.made_at.timestamp()))


def _fields(retained: tuple[Retained, ...], *, dry_run: bool) -> dict[str, object]:
    archives = [
        fields_of(one.archive) | {"keep": one.keep, "reason": one.reason, "made_at": one.archive.made_at.isoformat()}
        for one in _decisions(retained)
    ]
    return {"dry_run": dry_run, "archives": archives}


def _view(retained: tuple[Retained, ...], *, dry_run: bool) -> Group:
    word = "would go" if dry_run else "removed"
    lines: list[Text] = []
    for one in _decisions(retained):
        state = words(f"{'keep' if one.keep else word:<10}", "green" if one.keep else "yellow")
        made = moment(one.archive.made_at.isoformat())
        lines.append(sentence(state, words(one.archive.name, "bold"), f"  {made}  ", words(one.reason, "dim")))
    return Group(*lines)
