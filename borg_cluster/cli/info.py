"""`borg-cluster info`."""

import json
from typing import Any

import click
from rich.console import Group, RenderableType

from borg_cluster.catalog import Takeover, manifest_to_json
from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import counted, fields_of, how_read, json_document, moment, sentence, size, table, words, write_line
from borg_cluster.cli.site import open_site
from borg_cluster.context import Context
from borg_cluster.core.archive import Manifest
from borg_cluster.errors import ExitCode
from borg_cluster.extract import resolve_archive
from borg_cluster.upkeep import choose, open_upkeep


@click.command("info", epilog=exit_codes(ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("vm", required=False)
@click.option("--archive", default="latest", show_default=True, metavar="latest|NAME|DATE", help="Which of VM's archives.")
@json_option
@click.pass_obj
def command(settings: Settings, /, *, vm: str | None, archive: str) -> int:
    """Show what an archive of VM holds.

    What it is worth, its files, its sizes. Without VM, the repositories: how much they hold and how much of it they store.
    """
    with open_site(settings) as site:
        if vm is None:
            found = _repositories(site.context)
            if settings.json:
                write_line(json_document("repositories", {"repositories": found}))
            else:
                site.console.print(_repositories_view(found))
            return ExitCode.FINE
        label, name, manifest = resolve_archive(site.context, vm, archive)
        (repository,) = choose(site.context, (label,))
        told = open_upkeep(site.context, repository).info(name)["archives"][0]
        takeover = site.context.catalog.takeovers(label).get(name)
        if settings.json:
            facts = {"repository": label, "archive": name, "stats": told["stats"], "seconds": told["duration"]}
            if takeover is not None:
                facts["changed_blocks"] = fields_of(takeover)
            write_line(json_document("archive", facts | {"manifest": json.loads(manifest_to_json(manifest))}))
        else:
            site.console.print(_archive_view(label, name, manifest, told["stats"], takeover))
    return ExitCode.FINE


def _repositories(context: Context) -> list[dict[str, Any]]:
    known = context.catalog.archives(context.policy.cluster)
    found: list[dict[str, Any]] = []
    for repository in choose(context, ()):
        told = open_upkeep(context, repository).info()
        stats = told["cache"]["stats"]
        found.append(
            {
                "label": repository.label,
                "path": repository.path,
                "encryption": told["encryption"]["mode"],
                "last_modified": told["repository"]["last_modified"],
                "archives": sum(row.repository == repository.label for row in known),
                "original_size": stats["total_size"],
                "deduplicated_size": stats["unique_csize"],
            }
        )
    return found


def _repositories_view(found: list[dict[str, Any]]) -> RenderableType:
    rows = table("Repository", "Archives", "Holds", "Stores", "Encryption", "Changed", right=("Archives", "Holds", "Stores"))
    for one in found:
        rows.add_row(
            sentence(words(one["label"], "bold"), " ", words(one["path"], "dim")),
            str(one["archives"]),
            size(one["original_size"]),
            size(one["deduplicated_size"]),
            words(one["encryption"]),
            words(moment(one["last_modified"]), "dim"),
        )
    return rows


def _archive_view(label: str, name: str, manifest: Manifest, stats: dict[str, int], takeover: Takeover | None) -> RenderableType:
    available = "highly available" if manifest.highly_available else "not highly available"
    sizes = f"{size(stats['original_size'])} read, {size(stats['deduplicated_size'])} stored by it alone"
    lines: list[RenderableType] = [
        sentence(vm_label(manifest.name, manifest.subject), f"  {available}, on {manifest.node or 'no node'}"),
        words(name, "dim"),
        sentence(moment(manifest.created_at), f", job {manifest.job}, repository {label}"),
        sentence(words(manifest.consistency, "bold"), f": {manifest.consistency_reason}"),
        words(f"{counted(len(manifest.files), 'file')}, {sizes}"),
    ]
    if takeover is not None:
        lines += [words(line) for line in how_read(takeover.unread, takeover.reasons)]
        if takeover.base is not None:
            lines.append(
                words(f"taken over from {takeover.base}; {size(takeover.compared)} read all the same and compared", "dim")
            )
        if takeover.suspect is not None:
            lines.append(words(f"suspect: {takeover.suspect}", "bold red"))
    rows = table("File", "Kind", "Size", right=("Size",))
    for file in manifest.files:
        rows.add_row(words(file.archive_path), words(file.kind, "dim"), size(file.size))
    return Group(*lines, rows)
