"""`borg-cluster history`."""

import click
from rich.table import Table
from rich.text import Text

from borg_cluster import discover
from borg_cluster.catalog import Catalog, Gap
from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import counted, fields_of, json_document, moment, table, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.core.history import Change, ChangeKind
from borg_cluster.errors import ExitCode, UnknownVM

_WORDS = {
    ChangeKind.APPEARED: "appeared",
    ChangeKind.MIGRATED: "migrated",
    ChangeKind.BECAME_HIGHLY_AVAILABLE: "became highly available",
    ChangeKind.CEASED_TO_BE_HIGHLY_AVAILABLE: "is no longer highly available",
    ChangeKind.MOVED_STORAGE: "moved its storage",
    ChangeKind.RENAMED: "was renamed",
    ChangeKind.VANISHED: "vanished",
}


@click.command("history", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("vm", required=False)
@json_option
@click.pass_obj
def command(settings: Settings, /, *, vm: str | None) -> int:
    """Show what happened to VM, or to all.

    VM is a name or an id, also of one that is gone. It appeared, migrated, became highly available or ceased to be, moved its
    storage, was renamed, vanished: what discovery saw, oldest first.
    """
    with open_site(settings) as site:
        cluster = site.context.policy.cluster
        changes = site.context.catalog.history(cluster, None if vm is None else _vm_id(site.context.catalog, cluster, vm))
        gaps = site.context.catalog.gaps(cluster)
        if settings.json:
            fields: dict[str, object] = {"gaps": [fields_of(gap) for gap in gaps], "changes": [fields_of(one) for one in changes]}
            write_line(json_document("history", {"cluster": cluster, **fields}))
        elif changes or gaps:
            site.console.print(*(_gap_line(gap) for gap in gaps), *([_view(changes)] if changes else []), sep="\n")
        else:
            site.console.print("Nothing is known yet: `borg-cluster discover` asks the cluster.")
    return ExitCode.FINE


def change_words(change: Change) -> str:
    """Return what happened, for people: ``became highly available``."""
    return _WORDS[change.kind]


def _vm_id(catalog: Catalog, cluster: str, word: str) -> str:
    """Return the id of a VM that is known now, or was once: history is also of those that are gone."""
    inventory = catalog.latest_inventory(cluster)
    try:
        if inventory is not None:
            return discover.find_vm(inventory, word).id
    except UnknownVM:
        gone = {change.vm_id for change in catalog.history(cluster) if word.lower() in {change.name.lower(), change.vm_id}}
        if len(gone) != 1:
            raise
        return gone.pop()
    raise UnknownVM(f"no VM {word}: nothing is known of {cluster} yet", hint="borg-cluster discover")


def _gap_line(gap: Gap) -> Text:
    since = f", the oldest of {moment(gap.oldest)}" if gap.oldest else ""
    found = f"{counted(gap.archives, 'archive')} of {counted(gap.runs, 'run')} were found{since}"
    lost = f"What happened until {moment(gap.until)} is not known: the catalog was begun anew ({gap.reason}); {found}."
    return words(lost, "yellow")


def _view(changes: tuple[Change, ...]) -> Table:
    rows = table("Time", "VM", "What", "From", "To")
    rows.columns[0].no_wrap = True
    for change in changes:
        was, now = (words(value or "", "dim" if value is None else "") for value in (change.was, change.now))
        rows.add_row(words(moment(change.at), "dim"), vm_label(change.name, change.vm_id), words(change_words(change)), was, now)
    return rows
