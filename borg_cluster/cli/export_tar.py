"""`borg-cluster export-tar`."""

import sys
from pathlib import Path

import click

from borg_cluster.cli.options import Settings, exit_codes
from borg_cluster.cli.site import open_site
from borg_cluster.errors import ExitCode, Refused
from borg_cluster.extract import resolve_archive
from borg_cluster.upkeep import choose, open_upkeep


@click.command("export-tar", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("vm")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--archive", default="latest", show_default=True, metavar="latest|NAME|DATE", help="Which of its archives.")
@click.pass_obj
def command(settings: Settings, /, *, vm: str, file: Path, archive: str) -> int:
    """Write an archive of VM as a tar file.

    With its manifest and inventory; FILE must not be there yet, or is - for stdout. Nothing stays of a file that is not whole.
    """
    with open_site(settings) as site:
        label, name, _ = resolve_archive(site.context, vm, archive)
        (repository,) = choose(site.context, (label,))
        borg = open_upkeep(site.context, repository)
        if file == Path("-"):
            borg.export_tar(name, sys.stdout.buffer)
            return ExitCode.FINE
        try:
            opened = file.open("xb")
        except OSError as error:
            raise Refused(f"{file} can't be made: {error.strerror}") from error
        try:
            with opened:
                borg.export_tar(name, opened)
        except BaseException:
            file.unlink()
            raise
    return ExitCode.FINE
