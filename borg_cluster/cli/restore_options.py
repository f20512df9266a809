"""The options that say where a restored VM goes and how it ends, for `extract`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from borg_cluster.core.restore_request import Availability, RestoreRequest
from borg_cluster.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--ha",
        type=click.Choice([word.value for word in Availability]),
        help="Whether it ends highly available; otherwise it does if it is now, or was then.",
    ),
    click.option("--start/--no-start", default=None, help="Whether it runs at the end; otherwise as now, or as then."),
    click.option("--to-node", "node", metavar="NODE", help="The node to register it on."),
    click.option(
        "--to-volume", "volume", metavar="VOLUME", help="The volume to put its files on: a mount's name or Windows path."
    ),
    click.option(
        "--copy", "copy_name", metavar="NAME", help="A copy of that name and a new id, off and connected to no network."
    ),
)


def restore_options(command: Command) -> Command:
    """Give a command the options of a restore; it takes them as keywords for ``request_of``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def request_of(vm: str, archive: str, options: Mapping[str, Any]) -> RestoreRequest:
    """Return what was asked for. Raises UsageError for what can't be."""
    name = options.get("copy_name")
    if name is not None and not name.strip():
        raise UsageError("--copy needs a name")
    ha = options.get("ha")
    return RestoreRequest(vm=vm, archive=archive, **{**options, "ha": None if ha is None else Availability(ha)})


def asked_for_elsewhere(options: Mapping[str, Any]) -> bool:
    """Return whether any of the options was given."""
    return any(value is not None for value in options.values())
