"""The ways of `borg-cluster extract` that bring no VM back: one file to stdout, a volume's files."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from borg_cluster.cli.options import Settings
from borg_cluster.cli.render import counted, json_document, sentence, size, words, write_line
from borg_cluster.cli.restore_options import asked_for_elsewhere
from borg_cluster.cli.site import Site, open_site
from borg_cluster.core.archive import ArchiveKind
from borg_cluster.errors import UsageError
from borg_cluster.extract.one_file import write_file
from borg_cluster.extract.volume import VolumeExtraction, extract_volume, plan_volume

Command = TypeVar("Command", bound=Callable[..., Any])


def otherwise_options(command: Command) -> Command:
    """Give the command the options of these ways."""
    for option in reversed(
        (
            click.option("--stdout", "file", metavar="PATH", help="Only write this file of the archive to stdout."),
            click.option(
                "--volume", "from_volume", metavar="VOLUME", help="Files of a volume's archive: all, or the PATHs that follow."
            ),
            click.option("--overwrite", is_flag=True, help="With --volume: what is there already may be replaced."),
        )
    ):
        command = option(command)
    return command


def extract_otherwise(
    settings: Settings,
    typed: tuple[str, ...],
    archive: str,
    destination: Path | None,
    options: dict[str, object],
    *,
    dry_run: bool,
) -> int | None:
    """Do it if one of these ways is asked for, and return the exit code; None: none is. Takes its own options out of ``options``.

    ``typed`` are the words beside the options: a VM, or with ``--volume`` paths.
    """
    file, volume = _word(options.pop("file")), _word(options.pop("from_volume"))
    overwrite = options.pop("overwrite") is True
    if file is None and volume is None:
        if overwrite:
            raise UsageError("--overwrite is for --volume")
        if not typed:
            raise UsageError("say which virtual machine", hint="borg-cluster list")
        return None
    if asked_for_elsewhere(options):
        raise UsageError("--stdout and --volume only read files: they take no option that says where a virtual machine goes")
    if file is not None:
        if destination is not None or (volume is None) != (len(typed) == 1) or (volume is not None and typed):
            raise UsageError("--stdout takes one virtual machine (or --volume VOLUME), and no other place")
        return _to_stdout(settings, volume or typed[0], file, archive, is_volume=volume is not None)
    assert volume is not None  # noqa: S101 - one of both is asked for
    with open_site(settings) as site:
        planned = plan_volume(site.context, volume, typed, archive=archive, destination=destination)
        if dry_run:
            _show(settings, site, planned)
        else:
            count = extract_volume(site.context, planned, overwrite=overwrite)
            _say(settings, site, planned, count)
        return site.tally.exit_code


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _to_stdout(settings: Settings, subject: str, path: str, archive: str, *, is_volume: bool) -> int:
    kind = ArchiveKind.VOLUME if is_volume else ArchiveKind.VIRTUAL_MACHINE
    with open_site(settings) as site:
        write_file(site.context, subject, path, _write, archive=archive, kind=kind)
        sys.stdout.flush()
        return site.tally.exit_code


def _write(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)


def _show(settings: Settings, site: Site, planned: VolumeExtraction) -> None:
    files = [item for item in planned.items if item.kind != "d"]
    taken = set(planned.taken)
    if settings.json:
        rows = [
            {"path": item.path, "to": planned.place(item.path), "size": item.size, "is_there": item.path in taken}
            for item in files
        ]
        write_line(json_document("volume_extraction_plan", {"archive": planned.archive, "files": rows}))
        return
    lines = [sentence("  ", item.path, words("  is there already", "yellow") if item.path in taken else "") for item in files]
    total = f"{counted(len(files), 'file')}, {size(planned.size)} to extract to {planned.folder}"
    site.console.print(words(planned.archive, "bold"), *lines, words(total), sep="\n", soft_wrap=True)


def _say(settings: Settings, site: Site, planned: VolumeExtraction, count: int) -> None:
    if settings.json:
        fields: dict[str, object] = {"archive": planned.archive, "folder": planned.folder.resolve(), "files": count}
        write_line(json_document("extracted", fields | {"size": planned.size}))
        return
    told = f": {counted(count, 'file')}, {size(planned.size)}, are extracted to {planned.folder.resolve()}"
    site.console.print(sentence(words(planned.archive, "bold"), told), soft_wrap=True)
