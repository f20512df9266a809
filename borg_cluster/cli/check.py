"""`borg-cluster check`."""

import secrets

import click

from borg_cluster import boot, upkeep
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import json_document, sentence, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.core.policy import CheckKind
from borg_cluster.core.schedule import DueCheck
from borg_cluster.errors import ExitCode

SEEDS = 1 << 32
"""As many ways there are to choose a VM by chance."""


@click.command("check", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.SOME_FAILED, ExitCode.REFUSED))
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option(
    "--only", multiple=True, type=click.Choice([str(kind) for kind in CheckKind]), help="Only this kind; may be repeated."
)
@click.option("--force", is_flag=True, help="Whether it is due or not.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, repositories: tuple[str, ...], only: tuple[str, ...], force: bool) -> int:
    """Make the checks that are due.

    By checks: of the configuration: Borg's own of the repository, of the archives, of all data; 'extract', which extracts the
    newest archive of a VM chosen by chance and compares it; and 'boot', which starts a copy of one without network. Nothing is
    ever repaired. REPOSITORY is a label.
    """
    with open_site(settings) as site:
        kinds = tuple(CheckKind(kind) for kind in only)
        seed = secrets.randbelow(SEEDS)
        boot.sweep(site.context)
        looked = upkeep.check(site.context, seed=seed, repositories=repositories, only=kinds, force=force)
        if settings.json:
            found = [_fields(label, one) for label, one in looked]
            write_line(json_document("checked", {"exit_code": site.tally.exit_code, "checks": found}))
        else:
            for label, one in looked:
                if not one.due.due:
                    site.console.print(sentence(words(label, "bold"), f": {one.kind} is not due, {one.due.reason}"))
        return site.tally.exit_code


def _fields(label: str, one: DueCheck) -> dict[str, object]:
    return {"repository": label, "check": one.kind.value, "due": one.due.due, "reason": one.due.reason}
