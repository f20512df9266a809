"""`borg-cluster compact`."""

import click

from borg_cluster import upkeep
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, sentence, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.errors import ExitCode


@click.command("compact", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.SOME_FAILED, ExitCode.REFUSED))
@click.argument("repositories", nargs=-1, metavar="[REPOSITORY]...")
@click.option("--force", is_flag=True, help="Whether it is due or not.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, repositories: tuple[str, ...], force: bool) -> int:
    """Free the space of archives that were removed.

    Where it is due by compact: of the configuration. REPOSITORY is a label.
    """
    with open_site(settings) as site:
        looked = upkeep.compact(site.context, repositories=repositories, force=force)
        if settings.json:
            found = [{"repository": label, **fields_of(due)} for label, due in looked]
            write_line(json_document("compacted", {"repositories": found}))
        else:
            for label, due in looked:
                if not due.due:
                    site.console.print(sentence(words(label, "bold"), f": not due, {due.reason}"))
        return site.tally.exit_code
