"""The options that say which part of a VM is restored, where it goes and how it ends, for `extract`."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from borg_cluster.core.restore_request import Availability, Part, RestoreRequest
from borg_cluster.errors import UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

_POSITION = re.compile(r"(?i)(scsi|ide|pmem):\d+:\d+")
_ELSEWHERE = {"ha": "--ha", "node": "--to-node", "volume": "--to-volume", "copy_name": "--copy"}
_OPTIONS = (
    click.option("--disk", "disks", multiple=True, metavar="SCSI:0:1", help="Only this disk, where it is now; repeatable."),
    click.option("--disks-only", is_flag=True, help="Only its disks; its configuration stays as it is now."),
    click.option("--config-only", is_flag=True, help="Only its configuration; its disks stay as they are now."),
    click.option(
        "--ha",
        type=click.Choice([word.value for word in Availability]),
        help="Whether it ends highly available; otherwise it does if it is now, or was then.",
    ),
    click.option("--start/--no-start", default=None, help="Whether it runs at the end; otherwise as now, or as then."),
    click.option("--to-node", "node", metavar="NODE", help="The node to register it on."),
    click.option("--to-volume", "volume", metavar="VOLUME", help="Where its files go: a mount's name or Windows path."),
    click.option("--from-cluster", "cluster", metavar="NAME", help="The archive is another cluster's, as that is called in it."),
    click.option("--map", "mapped", multiple=True, metavar="STORAGE=MOUNT", help="Where storage of the archive is here."),
    click.option("--in-place", is_flag=True, help="Delete its old disks first, if there is no room for both: no undo then."),
    click.option("--copy", "copy_name", metavar="NAME", help="A copy of that name and a new id, off and on no network."),
)


def restore_options(command: Command) -> Command:
    """Give a command the options of a restore; it takes them as keywords for ``request_of``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def request_of(vm: str, archive: str, options: Mapping[str, Any]) -> RestoreRequest:
    """Return what was asked for. Raises UsageError for what can't be."""
    name, ha, disks = options.get("copy_name"), options.get("ha"), tuple(options.get("disks") or ())
    if name is not None and not name.strip():
        raise UsageError("--copy needs a name")
    part = _part(disks, options)
    elsewhere = next((word for key, word in _ELSEWHERE.items() if options.get(key) is not None), None)
    if part is not Part.ALL and elsewhere is not None:
        raise UsageError(f"{elsewhere} is for a whole virtual machine: a part of one is restored in its place")
    return RestoreRequest(
        vm=vm,
        archive=archive,
        ha=None if ha is None else Availability(ha),
        start=options.get("start"),
        node=options.get("node"),
        volume=options.get("volume"),
        copy_name=name,
        part=part,
        disks=disks,
        in_place=bool(options.get("in_place")),
        cluster=options.get("cluster"),
        mapped=tuple(_pair(word) for word in options.get("mapped") or ()),
    )


def _pair(word: str) -> tuple[str, str]:
    old, _, new = word.partition("=")
    if not old or not new:
        raise UsageError(f"--map {word!r} names no pair", hint="say it as STORAGE=MOUNT, such as Volume1=Volume3")
    return old, new


def _part(disks: tuple[str, ...], options: Mapping[str, Any]) -> Part:
    if bool(disks) + bool(options.get("disks_only")) + bool(options.get("config_only")) > 1:
        raise UsageError("of --disk, --disks-only and --config-only only one can be meant")
    wrong = next((word for word in disks if not _POSITION.fullmatch(word)), None)
    if wrong is not None:
        raise UsageError(f"--disk {wrong!r} is no position of a disk", hint="say its controller and its place there: SCSI:0:1")
    if disks or options.get("disks_only"):
        return Part.DISKS
    return Part.CONFIGURATION if options.get("config_only") else Part.ALL


def asked_for_elsewhere(options: Mapping[str, Any]) -> bool:
    """Return whether any of the options was given."""
    return any(value not in {None, False, ()} for value in options.values())
