"""The ways of `borg-cluster extract` that bring no VM back: one file to stdout, a volume's files, a runbook."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from borg_cluster import extract
from borg_cluster.cli.options import Settings
from borg_cluster.cli.render import counted, json_document, sentence, size, words, write_line
from borg_cluster.cli.restore_options import asked_for_elsewhere, request_of
from borg_cluster.cli.site import Site, open_site
from borg_cluster.context import Context
from borg_cluster.core.archive import ArchiveKind
from borg_cluster.core.event import Warned
from borg_cluster.core.quoting import without_passwords
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.core.restore_runbook import restore_runbook
from borg_cluster.core.runbook import runbook
from borg_cluster.errors import ClusterUnreachable, UsageError
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
            click.option(
                "--runbook", is_flag=True, help="Only write what a person without this tool would do, as things are now."
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
    overwrite, by_hand = options.pop("overwrite") is True, options.pop("runbook") is True
    if by_hand:
        if file is not None or volume is not None or destination is not None or len(typed) != 1:
            raise UsageError("--runbook takes one virtual machine, and where it is to go")
        return _runbook(settings, request_of(typed[0], archive, options))
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


def _runbook(settings: Settings, request: RestoreRequest) -> int:
    """Print it, of today's plan; if no node answers, that of the archive, which knows how things were."""
    with open_site(settings) as site:
        context = site.context
        try:
            plan = extract.plan(context, request)
        except ClusterUnreachable as error:
            label, archive, manifest = extract.resolve_archive(context, request.vm, request.archive)
            text = runbook(manifest, repository=_repository(context, label), archive=archive)
            message = f"nothing is known of how things are now: {error.message}; this is the runbook that the archive holds"
            context.emit(Warned(subject=manifest.subject, message=message, hint=error.hint))
        else:
            text = restore_runbook(plan, repository=_repository(context, plan.source.repository))
        if settings.json:
            write_line(json_document("runbook", {"text": text}))
        else:
            write_line(text.removesuffix("\n"))
        return site.tally.exit_code


def _repository(context: Context, label: str) -> str:
    path = next(one.path for one in context.policy.repositories if one.label == label)
    return without_passwords(path)


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
