"""`borg-cluster verify`."""

from pathlib import Path

import click

from borg_cluster import verify
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.errors import ExitCode


@click.command("verify", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("vm")
@click.option("--archive", default="latest", show_default=True, metavar="latest|NAME|DATE", help="Which of its archives.")
@click.option(
    "--to", "folder", type=Path, metavar="DIR", help="Where there is room to extract it; the state directory otherwise."
)
@json_option
@click.pass_obj
def command(settings: Settings, /, *, vm: str, archive: str, folder: Path | None) -> int:
    """Prove an archive by extracting it.

    It is compared, and what was extracted is deleted. Every file is there, made of the chunks that were read when it was
    archived; its disks are whole, and their chains fit. No node is asked anything. VM is a name or an id.
    """
    with open_site(settings) as site:
        verified = verify.verify(site.context, vm, archive=archive, folder=folder)
        if settings.json:
            write_line(json_document("verified", fields_of(verified)))
        return site.tally.exit_code
