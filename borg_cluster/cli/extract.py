"""`borg-cluster extract`."""

import sys
from pathlib import Path

import click

from borg_cluster import extract, leftovers
from borg_cluster.cli.extract_otherwise import extract_otherwise, otherwise_options
from borg_cluster.cli.extract_several import extract_several
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import clean, counted, fields_of, json_document, new_console, sentence, size, words, write_line
from borg_cluster.cli.restore_options import asked_for_elsewhere, request_of, restore_options
from borg_cluster.cli.restore_view import restore_fields, restore_view
from borg_cluster.cli.restores import rollback_of, rollback_option
from borg_cluster.cli.site import Site, open_site
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.errors import ExitCode, Refused, UsageError


@click.command("extract", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.SOME_FAILED, ExitCode.REFUSED))
@click.argument("vms", metavar="VM...", nargs=-1)
@click.option("--archive", default="latest", show_default=True, metavar="latest|NAME|DATE", help="Which of its archives.")
@click.option("--to", "destination", type=Path, metavar="DIR", help="Only extract its files to DIR; no node is asked anything.")
@click.option("--dry-run", is_flag=True, help="Show the steps with their reasons, or the files, and stop.")
@click.option("--yes", is_flag=True, help="Don't ask before a VM is replaced; needed without a terminal.")
@click.option("--fail-fast", is_flag=True, help="Of several VMs, begin no other once one has failed.")
@rollback_option
@restore_options
@otherwise_options
@json_option
@click.pass_obj
def command(  # noqa: PLR0913 - each is an option
    settings: Settings,
    /,
    *,
    vms: tuple[str, ...],
    archive: str,
    destination: Path | None,
    dry_run: bool,
    yes: bool,
    fail_fast: bool,
    **options: object,
) -> int:
    """Bring VMs back from their archives.

    In its own place or another one, with its role and its settings; or as a copy beside it. A VM that still exists is set aside,
    not deleted: `borg-cluster undo` puts it back, until `borg-cluster release`. Everything is extracted and checked before it
    goes offline. VM is a name or an id; DATE is a day or a moment (UTC): the newest archive up to then. Several are restored one
    after the other, roles of high priority first; one that fails doesn't stop the others.

    With --stdout one file of an archive is written out and nothing else is done; with --volume files of a volume's archive come
    to their places, or to DIR, never over a file that a virtual machine holds.
    """
    rollback = rollback_of(str(options.pop("rollback")))
    done = extract_otherwise(settings, vms, archive, destination, options, dry_run=dry_run)
    if done is not None:
        return done
    vm = vms[0]
    if len(vms) > 1 and (destination is not None or options.get("copy_name") is not None):
        raise UsageError("--to and --copy are for one virtual machine at a time")
    if destination is not None and asked_for_elsewhere(options):
        raise UsageError("--to only extracts files: it takes no option that says where the virtual machine goes")
    request = request_of(vm, archive, options)
    with open_site(settings) as site:
        if destination is not None and dry_run:
            _show_files(settings, site, vm, archive)
            return site.tally.exit_code
        if destination is not None:
            name = extract.extract_to(site.context, vm, destination, archive=archive)
            _say_extracted(settings, site, name, destination)
            return site.tally.exit_code
        if len(vms) > 1:
            requests = tuple(request_of(one, archive, options) for one in vms)
            return extract_several(settings, site, requests, dry_run=dry_run, yes=yes, fail_fast=fail_fast, rollback=rollback)
        if not dry_run:
            leftovers.end_own(site.context)
            extract.release_due(site.context)
        plan = extract.plan(site.context, request)
        site.names[plan.vm_id] = plan.name
        if dry_run:
            _show(settings, site, plan)
            extract.check_room(plan)
            return ExitCode.WARNINGS if plan.warnings else ExitCode.FINE
        _agree(settings, plan, yes=yes)
        progress = extract.restore(site.context, plan, rollback=rollback)
        if settings.json:
            write_line(json_document("restore", restore_fields(progress)))
        return site.tally.exit_code


def _say_extracted(settings: Settings, site: Site, archive: str, destination: Path) -> None:
    if settings.json:
        write_line(json_document("extracted", {"archive": archive, "folder": destination.resolve()}))
    else:
        site.console.print(sentence(words(archive, "bold"), " is extracted to ", destination.resolve()), soft_wrap=True)


def _show_files(settings: Settings, site: Site, vm: str, archive: str) -> None:
    _, name, manifest = extract.resolve_archive(site.context, vm, archive)
    if settings.json:
        write_line(json_document("extraction_plan", {"archive": name, "files": [fields_of(file) for file in manifest.files]}))
        return
    files = [words(f"  {file.archive_path}") for file in manifest.files]
    total = f"{counted(len(files), 'file')}, {size(sum(file.size or 0 for file in manifest.files))} to extract"
    site.console.print(words(name, "bold"), *files, total, sep="\n", soft_wrap=True)


def _show(settings: Settings, site: Site, plan: RestorePlan) -> None:
    if settings.json:
        write_line(json_document("restore_plan", fields_of(plan)))
    else:
        site.console.print(restore_view(plan, is_begun=False))


def _agree(settings: Settings, plan: RestorePlan, *, yes: bool) -> None:
    """Ask before a VM that exists is replaced. Raises Refused without a yes, or where nobody can be asked."""
    if yes or plan.expected is None:
        return
    name = clean(plan.name)
    if not sys.stdin.isatty():
        deleted = ": its disks are deleted first, and there is no undo" if plan.request.in_place else ""
        raise Refused(
            f"{name} exists and would be replaced{deleted}",
            hint="there is no terminal to ask on: say --yes, or look with --dry-run",
        )
    new_console(color=settings.color, stderr=True).print(restore_view(plan))
    aside = "Its disks are DELETED first, and there is no undo." if plan.request.in_place else "It is set aside, not deleted."
    if not click.confirm(f"Replace {name} on {clean(plan.node)}? {aside}", err=True):
        raise Refused("nothing was changed")
