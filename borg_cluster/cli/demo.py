"""`borg-cluster demo`: the method's story on a simulated cluster, with the real Borg, every claim checked."""

import importlib
import shlex
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from types import ModuleType

import click

from borg_cluster.cli.demo_player import Player
from borg_cluster.cli.demo_site import DemoSite, environment_of
from borg_cluster.cli.demo_story import tell_story
from borg_cluster.cli.failure import Interrupted
from borg_cluster.cli.options import Settings, exit_codes
from borg_cluster.cli.render import new_console, write_line
from borg_cluster.errors import ExitCode, UsageError

_PACKAGE = "borg_cluster"


@click.command("demo", epilog=exit_codes(ExitCode.ALL_FAILED))
@click.option("--keep", type=Path, metavar="DIR", help="Leave everything in the new folder DIR, to play with.")
@click.option("--serve", type=Path, metavar="DIR", help="Serve a cluster that --keep left, until Ctrl-C.")
@click.pass_obj
def command(settings: Settings, /, *, keep: Path | None, serve: Path | None) -> int:
    """Watch it work on a simulated cluster.

    Three nodes that answer PowerShell Remoting on loopback addresses, eight VMs with real disk files, the real Borg: discovered,
    backed up twice, one VM lost and brought back. Every claim is checked; one that doesn't hold ends the demo with code 2.
    Nothing is left behind, unless --keep says so.
    """
    if keep is not None and serve is not None:
        raise UsageError("--keep plays the story and --serve serves what it left: one of them", hint="borg-cluster demo --help")
    stage = _stage()
    if serve is not None:
        return _serve(stage, DemoSite(folder=serve.resolve()), settings)
    with ExitStack() as stack:
        folder = (
            _new_folder(keep) if keep else Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="borg-cluster-demo-")))
        )
        site = DemoSite(folder=folder)
        stack.enter_context(environment_of(site))
        tell_story(stack.enter_context(stage.staged(site)), site, _player(settings))
        if keep:
            _tell_how_to_play(site)
    return ExitCode.FINE


def _stage() -> ModuleType:
    """Import what needs the simulator, so that borg-cluster runs without its extra. Raises UsageError that names the extra."""
    try:
        return importlib.import_module("borg_cluster.cli.demo_stage")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == _PACKAGE:
            raise
        raise UsageError(f"the demo needs {error.name}", hint="pip install 'borg-cluster[demo]'") from error


def _player(settings: Settings) -> Player:
    from borg_cluster.cli import run  # noqa: PLC0415 -- the group that holds this command

    return Player(run, color=settings.color)


def _new_folder(folder: Path) -> Path:
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        hint = f"borg-cluster demo --serve {folder} serves it, if a demo left it" if folder.is_dir() else None
        raise UsageError(f"{folder} is there already", hint=hint) from error
    except OSError as error:
        raise UsageError(f"can't make {folder}: {error.strerror}") from error
    return folder.resolve()


PLAY = ("discover", "-v plan", "create", "list", "extract sql01 --dry-run")
"""What may be typed with what the demo kept."""


def _tell_how_to_play(site: DemoSite) -> None:
    lines = (
        "",
        f"All of it is left in {site.folder}. To play with it, serve its cluster in one terminal:",
        "",
        f"  borg-cluster demo --serve {shlex.quote(str(site.folder))}",
        "",
        "and type in another:",
        "",
        *(f"  export {name}={shlex.quote(value)}" for name, value in site.environment.items()),
        *(f"  borg-cluster {words}" for words in PLAY),
    )
    for line in lines:
        write_line(line)


def _serve(stage: ModuleType, site: DemoSite, settings: Settings) -> int:
    if not site.configuration.exists():
        raise UsageError(f"{site.folder} holds no demo", hint=f"borg-cluster demo --keep {site.folder} makes one")
    with stage.served_again(site):
        new_console(color=settings.color).print("The cluster is served; Ctrl-C ends it. In another terminal:\n")
        for name, value in site.environment.items():
            write_line(f"export {name}={shlex.quote(value)}")
        write_line("borg-cluster discover")
        sys.stdout.flush()
        with suppress(Interrupted):
            signal.pause()
    return ExitCode.FINE
