"""`borg-cluster verify`."""

from pathlib import Path

import click

from borg_cluster import boot, leftovers, verify
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.errors import ExitCode, UsageError


@click.command("verify", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("vm")
@click.option("--archive", default="latest", show_default=True, metavar="latest|NAME|DATE", help="Which of its archives.")
@click.option(
    "--to", "folder", type=Path, metavar="DIR", help="Where there is room to extract it; the state directory otherwise."
)
@click.option("--boot", "boots", is_flag=True, help="Start a copy of it, without network, until its guest gives a heartbeat.")
@click.option("--node", metavar="NODE", help="With --boot: where; where the VM would be restored otherwise.")
@click.option("--to-volume", "volume", metavar="VOLUME", help="With --boot: the mount that has room; the VM's own otherwise.")
@click.option(
    "--patience",
    type=click.IntRange(1, 86400),
    default=boot.PATIENCE,
    show_default=True,
    metavar="SECONDS",
    help="With --boot: how long to wait for the heartbeat.",
)
@json_option
@click.pass_obj
def command(  # noqa: PLR0913 -- click hands over one argument for each option
    settings: Settings,
    /,
    *,
    vm: str,
    archive: str,
    folder: Path | None,
    boots: bool,
    node: str | None,
    volume: str | None,
    patience: int,
) -> int:
    """Prove an archive by extracting or booting it.

    It is compared, and what was extracted is deleted. Every file is there, made of the chunks that were read when it was
    archived; its disks are whole, and their chains fit. No node is asked anything. VM is a name or an id.

    With --boot a copy, under another name and a new id, is put on a volume of the cluster, registered without network, started,
    and removed as soon as its guest gives a heartbeat, or doesn't. The VM itself is not touched. What a proof that was killed
    has left is removed at the next start.
    """
    if boots and folder is not None:
        raise UsageError("--to is for extracting; with --boot the copy lies on the cluster", hint="--to-volume VOLUME")
    if not boots and (node is not None or volume is not None):
        raise UsageError("--node and --to-volume are for --boot")
    with open_site(settings) as site:
        if boots:
            leftovers.end_own(site.context)
            booted = boot.boot(site.context, vm, archive=archive, node=node, volume=volume, patience=patience)
            if settings.json:
                write_line(json_document("booted", fields_of(booted)))
            return site.tally.exit_code
        verified = verify.verify(site.context, vm, archive=archive, folder=folder)
        if settings.json:
            write_line(json_document("verified", fields_of(verified)))
        return site.tally.exit_code
