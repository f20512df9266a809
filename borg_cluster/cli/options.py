"""What every command knows: the global options, and how a command says which exit codes it has."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import click

from borg_cluster.errors import EXIT_CODE_MEANING, ExitCode
from borg_cluster.plugins import PluginManager

CONFIG_VARIABLE = "BORG_CLUSTER_CONFIG"
PLUGINS_VARIABLE = "BORG_CLUSTER_PLUGINS"
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The global options. ``config`` None: the usual places; ``verbosity`` -1 quiet, 0, 1 verbose, 2 more so."""

    plugins: PluginManager
    config: Path | None = None
    cluster: str | None = None
    json: bool = False
    log_json: bool = False
    verbosity: int = 0
    color: bool = True
    trace_plugins: bool = False


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        context.obj = replace(context.obj, json=True)


def json_option(command: Command) -> Command:
    """Give a command ``--json`` of its own, so that it may stand behind the command's name too."""
    return click.option("--json", is_flag=True, expose_value=False, callback=_set_json, help="Print one JSON document.")(command)


def exit_codes(*codes: ExitCode) -> str:
    """Return the part of a command's help that lists its exit codes; those that every command has are added."""
    listed = sorted({ExitCode.FINE, ExitCode.USAGE, *codes})
    lines = [f"  {code:>5}  {EXIT_CODE_MEANING[code]}" for code in listed]
    return "\n".join(("\b", "Exit codes:", *lines, "  128+n  ended by signal n"))
