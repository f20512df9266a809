"""Words in, exit code out; the only place that prints. One file a command."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from borg_cluster import __version__, plugins
from borg_cluster import config as configuration
from borg_cluster.cli import (
    archives,
    assign,
    borgmatic_config,
    break_lock,
    catalog,
    check,
    claim,
    compact,
    config,
    create,
    demo,
    diff,
    discover,
    doctor,
    export_tar,
    extract,
    files,
    history,
    info,
    mount,
    patterns,
    plan,
    plugin_list,
    prune,
    repo_create,
    restores,
    run_due,
    snapshot,
    status,
    verify,
)
from borg_cluster.cli.failure import SIGNALLED, end_on_signals, exit_code_of, tell
from borg_cluster.cli.options import CONFIG_VARIABLE, PLUGINS_VARIABLE, Settings, exit_codes
from borg_cluster.cli.render import ReaderGone
from borg_cluster.core.settings import PluginSettings
from borg_cluster.errors import ExitCode

_STORY = (
    *("discover", "history", "plan", "patterns"),
    *("run", "create", "prune", "compact", "check", "status"),
    *("list", "info", "diff", "verify"),
    *("extract", "files", "restores", "resume", "undo", "release", "claim"),
)


class _Commands(click.Group):
    """Lists the commands as they are met with: the cluster, the backup, the restore, then the rest by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        others = [name for name in super().list_commands(ctx) if name not in _STORY]
        return [name for name in _STORY if name in self.commands] + others

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader that went away keeps its own name, where click would make it a plain exit."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGone from error


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=exit_codes(*ExitCode),
)
@click.option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE|DIR",
    type=Path,
    envvar=CONFIG_VARIABLE,
    show_envvar=True,
    help="Configuration, or a folder of several.",
)
@click.option("--cluster", metavar="NAME", help="Which cluster, where several are configured.")
@click.option("--json", is_flag=True, help="Print one JSON document to stdout.")
@click.option("--log-json", is_flag=True, help="Write what happens to stderr, one JSON object a line.")
@click.option("-v", "--verbose", count=True, help="Also tell who is asked and what is begun.")
@click.option("-q", "--quiet", is_flag=True, help="Tell only what is wrong.")
@click.option(
    "--plugins",
    "plugin_names",
    metavar="none|NAME,...",
    envvar=PLUGINS_VARIABLE,
    show_envvar=True,
    help="Load these plugins alone, whatever the configuration says.",
)
@click.option("--trace-plugins", is_flag=True, help="Also tell of each call of a plugin's hook.")
@click.option("--no-color", is_flag=True, help="No colours; NO_COLOR in the environment does the same.")
@click.version_option(__version__, prog_name="borg-cluster")
@click.pass_context
def cli(  # noqa: PLR0913 -- click hands over one argument for each option
    context: click.Context,
    /,
    *,
    config_path: Path | None,
    cluster: str | None,
    json: bool,
    log_json: bool,
    verbose: int,
    quiet: bool,
    plugin_names: str | None,
    trace_plugins: bool,
    no_color: bool,
) -> None:
    """Cluster-aware backups of Hyper-V failover clusters with BorgBackup."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
        return
    del plugin_names  # it was heeded before: plugins add commands
    context.obj = Settings(
        plugins=context.obj,
        config=config_path,
        cluster=cluster,
        json=json,
        log_json=log_json,
        verbosity=-1 if quiet else verbose,
        color=not no_color,
        trace_plugins=trace_plugins,
    )


for _module in (plugin_list, discover, doctor, history, plan, patterns, create, archives, extract, files, config, demo):
    cli.add_command(_module.command)
for _module in (
    run_due,
    assign,
    prune,
    compact,
    check,
    status,
    info,
    diff,
    verify,
    export_tar,
    break_lock,
    repo_create,
    snapshot,
    borgmatic_config,
):
    cli.add_command(_module.command)
cli.add_command(catalog.command)
cli.add_command(claim.command)
for _command in (restores.restores, restores.resume, restores.undo, restores.release, mount.mount, mount.umount):
    cli.add_command(_command)


def _plugin_settings(arguments: Sequence[str]) -> PluginSettings:
    """Return which plugins the command line, the environment and the configuration want; before all else, as they add commands.

    The command line and the environment outweigh the configuration.
    """
    context = cli.make_context("borg-cluster", list(arguments), resilient_parsing=True)
    settings = configuration.plugin_settings(context.params.get("config_path"))
    words = context.params.get("plugin_names")
    if words is None:
        return settings
    names = tuple(name.strip() for name in words.split(",") if name.strip() not in {"", "none"})
    return replace(settings, only=names, blocked=())


def run(arguments: Sequence[str]) -> int:
    """Carry out a command line and return its exit code; whatever goes wrong is one line on stderr."""
    try:
        loaded = plugins.load(settings=_plugin_settings(arguments))
        loaded.add_commands(cli)
        code = cli.main(list(arguments), prog_name="borg-cluster", standalone_mode=False, obj=loaded)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 -- the last stop of everything; `tell` shows it and the code says it
        tell(error, log_json="--log-json" in arguments)
        return exit_code_of(error)
    return code if isinstance(code, int) else ExitCode.FINE


def main() -> None:
    """Run `borg-cluster`."""
    end_on_signals()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal's encoding lacks must not end a run
    code = run(sys.argv[1:])
    if code > SIGNALLED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)  # every context has ended; a thread that waits for a frozen node must not hold us
    sys.exit(code)
