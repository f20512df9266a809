"""`borg-cluster mount` and `umount`."""

from pathlib import Path

import click

from borg_cluster.cli.options import Settings, exit_codes
from borg_cluster.cli.render import sentence, words
from borg_cluster.cli.site import open_site
from borg_cluster.errors import ExitCode, Refused
from borg_cluster.extract import resolve_archive
from borg_cluster.upkeep import choose, open_upkeep


@click.command("mount", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("vm")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--archive", default="latest", show_default=True, metavar="latest|NAME|DATE", help="Which of its archives.")
@click.pass_obj
def mount(settings: Settings, /, *, vm: str, folder: Path, archive: str) -> int:
    """Mount an archive of VM on FOLDER, to look into it.

    Read-only, until `borg-cluster umount FOLDER`. Borg needs FUSE for it: the extra 'fuse'.
    """
    with open_site(settings) as site:
        label, name, _ = resolve_archive(site.context, vm, archive)
        place = folder.resolve()
        if not place.is_dir() or any(place.iterdir()):
            raise Refused(f"{folder} is no empty folder", hint=f"mkdir {folder}")
        (repository,) = choose(site.context, (label,))
        open_upkeep(site.context, repository).mount(name, place)
        if not settings.json:
            site.console.print(sentence(words(name, "bold"), f" is mounted on {place}"), soft_wrap=True)
    return ExitCode.FINE


@click.command("umount", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.pass_obj
def umount(settings: Settings, /, *, folder: Path) -> int:
    """End a mount of `borg-cluster mount`."""
    with open_site(settings) as site:
        repositories = choose(site.context, ())
        if not repositories:
            raise Refused("the configuration has no repository", hint=f"borg umount {folder}")
        open_upkeep(site.context, repositories[0]).umount(folder.resolve())
    return ExitCode.FINE
