"""`borg-cluster list`."""

import difflib

import click
from rich.console import Group, RenderableType
from rich.text import Text

from borg_cluster.catalog import Catalog, RecordedArchive
from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import fields_of, json_document, moment, sentence, size, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.core.archive import ArchiveKind
from borg_cluster.errors import ExitCode, UnknownVM

_MOST_NAMED = 5


@click.command("list", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("vm", required=False)
@json_option
@click.pass_obj
def command(settings: Settings, /, *, vm: str | None) -> int:
    """List the archives of VM, or all of them.

    VM is a name or an id; a volume's name works as well. Oldest first, from the catalog.
    """
    with open_site(settings) as site:
        cluster = site.context.policy.cluster
        archives = _archives(site.context.catalog, cluster, vm)
        if settings.json:
            write_line(json_document("archives", {"cluster": cluster, "archives": [fields_of(archive) for archive in archives]}))
        elif archives:
            site.console.print(_view(archives))
        else:
            site.console.print("There are no archives yet: `borg-cluster create` makes them.")
    return ExitCode.FINE


def _archives(catalog: Catalog, cluster: str, word: str | None) -> tuple[RecordedArchive, ...]:
    """Return archives by subject's id or name, whether the VM still exists or not."""
    known = catalog.archives(cluster)
    if word is None:
        return known
    wanted = word.lower()
    found = tuple(archive for archive in known if wanted in {archive.subject.lower(), archive.name.lower()})
    if not found:
        names = sorted({archive.name for archive in known})
        near = difflib.get_close_matches(word, names, n=_MOST_NAMED, cutoff=0.5) or names[:_MOST_NAMED]
        more = f" and {len(names) - len(near)} more: borg-cluster list" if len(names) > len(near) else ""
        hint = f"there are archives of: {', '.join(near)}{more}" if names else "borg-cluster create"
        raise UnknownVM(f"no archive of {word}", hint=hint)
    return found


def _view(archives: tuple[RecordedArchive, ...]) -> RenderableType:
    """Return a block a subject; an archive's name has its own line, since it is longer than any column."""
    lines: list[RenderableType] = []
    for subject in dict.fromkeys(archive.subject for archive in archives):
        of_subject = [archive for archive in archives if archive.subject == subject]
        newest = of_subject[-1]
        machine = newest.kind == ArchiveKind.VIRTUAL_MACHINE
        lines.append(vm_label(newest.name, subject) if machine else sentence(words(newest.name, "bold"), "  volume"))
        lines += [line for archive in of_subject for line in _lines(archive)]
    return Group(*lines)


def _lines(archive: RecordedArchive) -> tuple[Text, Text]:
    read, stored = size(archive.original_size), size(archive.deduplicated_size)
    facts = f"  {archive.consistency:<11} {read:>10} read {stored:>10} stored"
    if archive.changed_while_read:
        facts += f"  {len(archive.changed_while_read)} changed"
    return sentence("  ", moment(archive.created_at), facts), words(f"    {archive.archive}", "dim")
