"""`borg-cluster diff`."""

import click
from rich.table import Table

from borg_cluster.borg_upkeep import FileChange
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, sentence, size, table, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.context import Context
from borg_cluster.core.archive import FOLDER
from borg_cluster.errors import ExitCode, Refused
from borg_cluster.extract import resolve_archive
from borg_cluster.upkeep import choose, open_upkeep


@click.command("diff", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("vm")
@click.argument("old", required=False)
@click.argument("new", default="latest")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, vm: str, old: str | None, new: str) -> int:
    """Show what changed between two archives of VM.

    Which files came, went or changed, and by how many bytes. OLD and NEW are latest, an archive's name, or a date; NEW is the
    latest by default, OLD the one before it.
    """
    with open_site(settings) as site:
        first, second, changes = _changes(site.context, vm, old, new)
        if settings.json:
            fields: dict[str, object] = {"old": first, "new": second, "changes": [fields_of(change) for change in changes]}
            write_line(json_document("diff", fields))
            return ExitCode.FINE
        site.console.print(sentence(words(first, "dim")), sentence(words(second, "dim")), sep="\n", soft_wrap=True)
        site.console.print(_view(changes) if changes else "No file differs.")
    return ExitCode.FINE


def _changes(context: Context, vm: str, old: str | None, new: str) -> tuple[str, str, tuple[FileChange, ...]]:
    label, second, manifest = resolve_archive(context, vm, new)
    if old is None:
        first = _before(context, label, second, manifest.subject)
    else:
        other, first, _ = resolve_archive(context, vm, old)
        if other != label:
            raise Refused(f"{first} is in the repository {other}, {second} in {label}: borg compares within one")
    (repository,) = choose(context, (label,))
    found = open_upkeep(context, repository).diff(first, second)
    return first, second, tuple(change for change in found if not change.path.startswith(f"{FOLDER}/"))


def _before(context: Context, label: str, archive: str, subject: str) -> str:
    """Return the archive of the same VM before this one in the same repository."""
    names = [row.archive for row in context.catalog.archives(context.policy.cluster, subject) if row.repository == label]
    place = names.index(archive) if archive in names else 0
    if place == 0:
        raise Refused(f"there is no archive before {archive} in {label}", hint="borg-cluster list")
    return names[place - 1]


def _view(changes: tuple[FileChange, ...]) -> Table:
    rows = table("File", "What", "Came", "Went", right=("Came", "Went"))
    for change in changes:
        rows.add_row(words(change.path), words(change.kind), size(change.added), size(change.removed))
    return rows
