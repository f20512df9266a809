"""`borg-cluster config generate`."""

import tempfile
from pathlib import Path

import click

from borg_cluster import config
from borg_cluster.cli.options import Settings, exit_codes
from borg_cluster.cli.render import counted, new_console, sentence, words, write_line
from borg_cluster.cli.site import open_context
from borg_cluster.cli.terminal import Terminal
from borg_cluster.config.starting import starting
from borg_cluster.config.written import save
from borg_cluster.core.inventory import Inventory
from borg_cluster.discover import discover
from borg_cluster.errors import ExitCode, UsageError

_EXAMPLE = "hv.example.test"
_STDOUT = "-"


@click.command("generate", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.REFUSED))
@click.argument("cluster", required=False)
@click.option("--node", "nodes", multiple=True, metavar="NAME", help="Ask this one, if the cluster's name does not answer.")
@click.option("--remoting", multiple=True, metavar="KEY=VALUE", help="A key of remoting: to reach it with, and for the file.")
@click.option("--destination", metavar="FILE|-", default=str(config.DEFAULT_FILE), show_default=True, help="Where to write.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.pass_obj
def command(settings: Settings, /, *, cluster: str | None, destination: str, overwrite: bool, **options: tuple[str, ...]) -> int:
    r"""Write a configuration to begin with.

    With the name of a CLUSTER, it is asked for its nodes, volumes and VMs, which go into the file; without one the file holds an
    example. Ready to be edited, and valid as it is. A key of remoting: --remoting auth=ntlm --remoting username='EXAMPLE\me'
    --remoting addresses.node1=192.0.2.1
    """
    if destination != _STDOUT and Path(destination).exists() and not overwrite:
        save(Path(destination), "", overwrite=False)
    keys, nodes = _keys(options["remoting"]), options["nodes"]
    inventory = None if cluster is None else _ask(settings, starting(cluster, nodes=nodes, remoting=keys))
    text = starting(cluster or _EXAMPLE, nodes=nodes, remoting=keys, inventory=inventory)
    config.check(text, name=destination)
    if destination == _STDOUT:
        write_line(text.rstrip("\n"))
    else:
        save(Path(destination), text, overwrite=overwrite)
        _tell(settings, destination, inventory)
    return ExitCode.WARNINGS if inventory is not None and inventory.unanswered else ExitCode.FINE


def _keys(pairs: tuple[str, ...]) -> dict[str, object]:
    """Return the mapping that KEY=VALUE pairs stand for. Raises UsageError for one without a value."""
    made: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (key and equals):
            raise UsageError(f"--remoting wants KEY=VALUE, not {key}", hint="such as --remoting auth=ntlm")
        name, _, inner = key.partition(".")
        told = int(value) if value.isascii() and value.isdigit() else {"true": True, "false": False}.get(value, value)
        if not inner:
            made[name] = told
        else:
            nested = made.setdefault(name, {})
            if isinstance(nested, dict):
                nested[inner] = value
    return made


def _ask(settings: Settings, text: str) -> Inventory:
    """Return the inventory of the cluster of a configuration that is just being made. Raises ClusterUnreachable."""
    policy = config.check(text, name="config generate")
    console = new_console(color=settings.color, stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="borg-cluster-") as state,
        Terminal(console, verbosity=settings.verbosity, names={}) as terminal,
        # a catalog of its own: without mounts every file would be recorded as one that can't be reached
        open_context(policy, plugins=settings.plugins, emit=terminal, state=Path(state)) as context,
    ):
        return discover(context)


def _tell(settings: Settings, destination: str, inventory: Inventory | None) -> None:
    console = new_console(color=settings.color)
    what = "an example" if inventory is None else f"{inventory.cluster}, {counted(len(inventory.virtual_machines), 'VM')}"
    console.print(sentence(words(destination, "bold"), f": {what}"), soft_wrap=True)
    console.print(
        "Next: edit it, then borg-cluster config validate, borg-cluster repo-create, borg-cluster doctor", soft_wrap=True
    )
