"""`borg-cluster files`: list and get single files out of the disks of an archive."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import clean, counted, json_document, json_text, sentence, size, table, words, write_line
from borg_cluster.cli.site import Site, open_site
from borg_cluster.core.event import Progress, Warned
from borg_cluster.errors import BorgClusterError, ExitCode, Refused, UsageError
from borg_cluster.guest_files import GuestPath, OpenDisks, Volume, choose, open_disks, opened, parse_path
from borg_cluster.guest_files.file_system import Complaint, Entry
from borg_cluster.guest_files.writing import Writer, Written, refuse_what_is_there

_ACTIONS = {"ls", "get"}
_STDOUT = "-"
_LETTERS = {"file": "-", "folder": "d", "link": "l", "special": "s"}
_SECOND = 10**9


class _Wanted:
    """What was typed: VM [ARCHIVE] ls|get [PATH] [DEST]."""

    def __init__(self, typed: tuple[str, ...]) -> None:
        at = next((at for at, word in enumerate(typed[1:3], start=1) if word in _ACTIONS), None)
        if at is None:
            raise UsageError("say what to do: ls or get", hint="borg-cluster files VM [ARCHIVE] ls|get PATH")
        self.vm, self.archive = typed[0], typed[1] if at > 1 else "latest"
        self.action, rest = typed[at], typed[at + 1 :]
        if len(rest) > (1 if self.action == "ls" else 2) or (self.action == "get" and not rest):
            hint = "ls takes one PATH" if self.action == "ls" else "get takes PATH, and where it goes: a place, or - for stdout"
            raise UsageError(f"{len(rest)} words follow {self.action}", hint=hint)
        self.path: GuestPath | None = parse_path(rest[0]) if rest else None
        self.destination: str | None = rest[1] if len(rest) > 1 else None


@click.command("files", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("what", nargs=-1, required=True, metavar="VM [ARCHIVE] ls|get PATH [DEST|-]")
@click.option("--disk", metavar="SCSI:0:1", help="Which disk, where it isn't clear.")
@click.option("--partition", type=int, metavar="NUMBER", help="Which partition of it.")
@click.option("-R", "--recursive", is_flag=True, help="ls: also what is in the folders, and so on.")
@click.option("--overwrite", is_flag=True, help="get: what is at DEST already may be replaced.")
@json_option
@click.pass_obj
def command(
    settings: Settings,
    /,
    *,
    what: tuple[str, ...],
    disk: str | None,
    partition: int | None,
    recursive: bool,
    overwrite: bool,
) -> int:
    r"""List or get files inside a VM's disks.

    Out of an archive, without extracting its disks: only what is needed is read. NTFS, ext4 and XFS, on GPT, MBR or neither.
    `ls` without PATH lists disks and partitions. PATH is as the guest writes it: /etc/hosts or C:\Users; of several volumes the
    only one that has it is meant. `get` writes a file or a folder to DEST, by default the current folder, or a file to stdout.
    """
    wanted = _Wanted(what)
    with open_site(settings) as site, open_disks(site.context, wanted.vm, wanted.archive, disk=disk) as disks:
        site.names[disks.vm_id] = disks.name
        if wanted.path is None:
            _show_volumes(settings, site, disks)
            return site.tally.exit_code
        volume = choose(disks, wanted.path, partition=partition)
        if wanted.action == "ls":
            _list(settings, site, disks, volume, wanted.path, recursive=recursive)
        elif wanted.destination == _STDOUT:
            _to_stdout(site, volume, wanted.path)
        else:
            _get(settings, site, disks, volume, wanted, overwrite=overwrite)
        return site.tally.exit_code


def _show_volumes(settings: Settings, site: Site, disks: OpenDisks) -> None:
    rows = [
        {
            "disk": volume.disk,
            "path": volume.windows_path,
            "partition": None if volume.partition is None else volume.partition.number,
            "kind": None if volume.partition is None else volume.partition.kind,
            "size": None if volume.partition is None else volume.partition.length,
            "file_system": volume.file_system,
            "problem": volume.problem,
        }
        for volume in disks.volumes
    ]
    if settings.json:
        write_line(json_document("guest_volumes", {"archive": disks.archive, "volumes": rows, **_fetched(disks)}))
        return
    shown = table("disk", "partition", "size", "file system", "", right=("size",))
    for row in rows:
        number = "-" if not row["partition"] else f"{row['partition']}"
        kind = f"{row['kind']}" if row["kind"] else ""
        told = row["problem"] or (kind if row["partition"] else "")
        length = row["size"]
        shown.add_row(
            words(row["disk"]),
            words(number),
            words(size(length) if isinstance(length, int) else "?"),
            words(row["file_system"]),
            words(told),
        )
    site.console.print(shown)


def _list(settings: Settings, site: Site, disks: OpenDisks, volume: Volume, path: GuestPath, *, recursive: bool) -> None:
    """Print a folder's entries as they come: there may be millions."""
    with opened(site.context, volume) as guest:
        answers = guest.list(path.names, recursive=recursive)
        if not settings.json:
            for entry in _entries(site, volume, path, answers):
                write_line(_line(entry, path))
            return
        fields: dict[str, object] = {"archive": disks.archive, "disk": volume.disk, "file_system": volume.file_system}
        fields["partition"] = None if volume.partition is None else volume.partition.number
        head, _, tail = json_document("guest_files", {**fields, "entries": []}).rpartition("[]")
        write_line(f"{head}[")
        separator = ""
        for entry in _entries(site, volume, path, answers):
            write_line(separator + json_text(_facts(entry, path), indent=None))
            separator = ","
        write_line(f"]{tail}")


def _entries(site: Site, volume: Volume, path: GuestPath, answers: Iterator[Entry | Complaint]) -> Iterator[Entry]:
    """Yield what a folder holds, or the one that is no folder; what can't be read is a warning."""
    for answer in answers:
        if isinstance(answer, Complaint):
            subject = f"{volume.name} {'/'.join((path.text.rstrip('/'), *answer.path))}"
            site.context.emit(Warned(subject=subject, message=answer.message, hint=None))
        elif answer.path or answer.kind != "folder":
            yield answer


def _line(entry: Entry, path: GuestPath) -> str:
    name = "/".join(entry.path) or path.text
    told = f" -> {entry.target}" if entry.target is not None else f"  ({entry.refused})" if entry.refused else ""
    return clean(f"{_LETTERS[entry.kind]} {entry.size:>14} {_time(entry.mtime_ns)} {name}{told}")


def _time(mtime_ns: int) -> str:
    try:
        return f"{datetime.fromtimestamp(mtime_ns // _SECOND, tz=UTC):%Y-%m-%d %H:%M:%SZ}"
    except (OverflowError, ValueError, OSError):
        return "?".ljust(20)


def _facts(entry: Entry, path: GuestPath) -> dict[str, object]:
    return {
        "path": "/".join(entry.path) or path.text,
        "kind": entry.kind,
        "size": entry.size,
        "mtime_ns": entry.mtime_ns,
        "target": entry.target,
        "refused": entry.refused,
    }


def _to_stdout(site: Site, volume: Volume, path: GuestPath) -> None:
    """Write a file's bytes to stdout, and nothing else."""
    with opened(site.context, volume) as guest:
        answers = guest.get(path.names)
        first = next(answers)
        if not isinstance(first, Entry) or first.kind != "file" or first.refused:
            why = first.refused if isinstance(first, Entry) and first.refused else "it is no file"
            raise Refused(f"{path.text} can't be written to stdout: {why}")
        for answer in answers:
            if not isinstance(answer, bytes):
                message = answer.message if isinstance(answer, Complaint) else "its reader gave another file"
                raise BorgClusterError(f"{path.text}: {message}")
            sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def _get(settings: Settings, site: Site, disks: OpenDisks, volume: Volume, wanted: _Wanted, *, overwrite: bool) -> None:
    assert wanted.path is not None  # noqa: S101 - get has one
    parent, name = _place(wanted.destination, wanted.path, volume)
    refuse_what_is_there(parent, name, overwrite=overwrite)
    with opened(site.context, volume) as guest:

        def heed(done: int, path: str) -> None:
            site.context.emit(Progress(subject=disks.vm_id, done=done, total=0, path=path))

        written = Writer(parent, name, overwrite=overwrite, heed=heed).write(guest.get(wanted.path.names))
    for path, why in written.skipped:
        site.context.emit(Warned(subject=path, message=why, hint=None))
    if not written.files + written.folders + written.links:
        raise BorgClusterError(f"nothing of {wanted.path.text} could be had")
    _say(settings, site, disks, parent / name, written)


def _place(destination: str | None, path: GuestPath, volume: Volume) -> tuple[Path, str]:
    """Return the folder, and the name in it: a DEST that is a folder gets it under its own name."""
    own = path.names[-1] if path.names else volume.name.replace(":", "-").replace(" ", "-")
    place = Path(destination or ".")
    if place.is_dir():
        return place, own
    return place.parent, place.name


def _say(settings: Settings, site: Site, disks: OpenDisks, place: Path, written: Written) -> None:
    if settings.json:
        fields: dict[str, object] = {
            "archive": disks.archive,
            "destination": place.resolve(),
            "files": written.files,
            "folders": written.folders,
            "links": written.links,
            "size": written.size,
            "skipped": [{"path": path, "reason": why} for path, why in written.skipped],
        }
        write_line(json_document("guest_files_written", {**fields, **_fetched(disks)}))
        return
    read = f"{size(disks.reader.bytes_fetched)} of {size(disks.disk_bytes)} were read"
    told = f"{counted(written.files, 'file')}, {size(written.size)}, at {place}; {read}"
    site.console.print(sentence(words(told)), soft_wrap=True)


def _fetched(disks: OpenDisks) -> dict[str, object]:
    return {"bytes_fetched": disks.reader.bytes_fetched, "disk_bytes": disks.disk_bytes}
