"""`borg-cluster plugins`: other people's code, where it came from, and whether it takes part."""

import click
from rich.table import Table
from rich.text import Text

from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import json_document, new_console, write_line
from borg_cluster.errors import ExitCode
from borg_cluster.plugins import Plugin, PluginManager


@click.command("plugins", epilog=exit_codes(ExitCode.WARNINGS))
@json_option
@click.pass_obj
def command(settings: Settings, /) -> int:
    """List the plugins, and whether each is on.

    Where it came from, its hooks, and why it is off if it is; the one that is asked first stands first. A plugin with something
    wrong with it is off, and each run warns of it.
    """
    found = settings.plugins
    if settings.json:
        fields = [_fields(plugin) for plugin in reversed(found.plugins)]
        write_line(json_document("plugins", {"plugins": fields, "complaints": found.complaints}))
    else:
        _show(found, color=settings.color)
    return ExitCode.WARNINGS if found.complaints else ExitCode.FINE


def _fields(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "origin": plugin.origin,
        "hooks": list(plugin.hooks),
        "on": plugin.off is None,
        "reason": plugin.off,
    }


def _show(found: PluginManager, *, color: bool) -> None:
    console = new_console(color=color)
    table = Table(box=None, pad_edge=False)
    for title in ("plugin", "on", "hooks", "from"):
        table.add_column(title, overflow="fold")
    for plugin in reversed(found.plugins):
        state = Text("yes", style="green") if plugin.off is None else Text("no", style="yellow")
        table.add_row(Text(plugin.name), state, Text(", ".join(plugin.hooks)), Text(plugin.origin))
    console.print(table)
    for plugin in reversed(found.plugins):
        if plugin.off is not None and not any(plugin.off in complaint for complaint in found.complaints):
            console.print(Text(f"{plugin.name} is off: {plugin.off}"), soft_wrap=True)
    for complaint in found.complaints:
        console.print(Text(complaint, style="yellow"), soft_wrap=True)
