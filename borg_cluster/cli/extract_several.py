"""`borg-cluster extract` with several VMs: their plans, one question for all of them, and a summary."""

import sys

import click
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from borg_cluster import extract, leftovers
from borg_cluster.cli.options import Settings
from borg_cluster.cli.render import clean, counted, fields_of, json_document, moment, new_console, sentence, words, write_line
from borg_cluster.cli.restore_view import restore_fields, restore_view
from borg_cluster.cli.site import Site
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.errors import ExitCode, Refused
from borg_cluster.extract.several import One, plan_several, restore_several


def extract_several(  # noqa: PLR0913 - what is wanted, and each option
    settings: Settings,
    site: Site,
    requests: tuple[RestoreRequest, ...],
    *,
    dry_run: bool,
    yes: bool,
    fail_fast: bool,
    rollback: extract.Rollback,
) -> int:
    """Show or restore several VMs; return the exit code."""
    if not dry_run:
        leftovers.end_own(site.context)
        extract.release_due(site.context)
    ones = plan_several(site.context, requests)
    site.names.update({one.plan.vm_id: one.plan.name for one in ones if one.plan is not None})
    if dry_run:
        _show(settings, site, ones)
        return _code(ones)
    if all(one.plan is None for one in ones):
        first = ones[0].error
        raise Refused(
            f"none of {len(ones)} can be restored: {first.message if first else ''}", hint=first.hint if first else None
        )
    _agree(settings, ones, yes=yes)
    ended = tuple(restore_several(site.context, ones, fail_fast=fail_fast, rollback=rollback))
    if settings.json:
        write_line(json_document("restores", {"restores": [_fields(one) for one in ended]}))
    else:
        site.console.print(_summary(ended))
    return _code(ended)


def _code(ones: tuple[One, ...]) -> int:
    failed = sum(one.error is not None or one.left_out for one in ones)
    if failed:
        return ExitCode.SOME_FAILED if failed < len(ones) else ExitCode.ALL_FAILED
    warned = any((one.progress.warnings if one.progress else ()) or (one.plan.warnings if one.plan else ()) for one in ones)
    return ExitCode.WARNINGS if warned else ExitCode.FINE


def _show(settings: Settings, site: Site, ones: tuple[One, ...]) -> None:
    if settings.json:
        write_line(json_document("restore_plans", {"plans": [_fields(one) for one in ones]}))
        return
    parts: list[RenderableType] = []
    for one in ones:
        parts += [restore_view(one.plan, is_begun=False) if one.plan is not None else _why_not(one), Text()]
    site.console.print(Group(*parts, words(f"in this order: {', '.join(clean(one.name) for one in ones if one.plan)}", "bold")))


def _why_not(one: One) -> RenderableType:
    reason = one.error.message if one.error is not None else ""
    hint = f"; {one.error.hint}" if one.error is not None and one.error.hint else ""
    return sentence(words(clean(one.name), "bold"), words(" can't be restored: ", "red"), reason + hint)


def _agree(settings: Settings, ones: tuple[One, ...], *, yes: bool) -> None:
    """Ask once before VMs that exist are replaced. Raises Refused without a yes, or where nobody can be asked."""
    replaced = [clean(one.plan.name) for one in ones if one.plan is not None and one.plan.expected is not None]
    if yes or not replaced:
        return
    if not sys.stdin.isatty():
        raise Refused(
            f"{counted(len(replaced), 'virtual machine')} exist and would be replaced: {', '.join(replaced)}",
            hint="there is no terminal to ask on: say --yes, or look with --dry-run",
        )
    console = new_console(color=settings.color, stderr=True)
    for one in ones:
        console.print(restore_view(one.plan) if one.plan is not None else _why_not(one))
    in_place = any(one.request.in_place for one in ones)
    aside = "Their disks are DELETED first, and there is no undo." if in_place else "They are set aside, not deleted."
    if not click.confirm(f"Replace {', '.join(replaced)}? {aside}", err=True):
        raise Refused("nothing was changed")


def _fields(one: One) -> dict[str, object]:
    error = None if one.error is None else {"message": one.error.message, "hint": one.error.hint}
    facts: dict[str, object] = {"vm": one.request.vm, "error": error, "left_out": one.left_out}
    if one.progress is not None:
        return {**facts, **restore_fields(one.progress)}
    return {**facts, "name": one.name, "plan": None if one.plan is None else fields_of(one.plan)}


def _summary(ones: tuple[One, ...]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for _ in range(3):
        table.add_column(overflow="fold")
    for one in ones:
        if one.progress is not None:
            seconds = one.progress.offline_seconds
            offline = f"offline for {seconds:.0f} s" if seconds is not None else "was not running"
            made = f"as of {moment(one.progress.plan.manifest.created_at)}; {offline}"
            table.add_row(words(clean(one.name), "bold"), words(one.progress.outcome or "", "green"), words(made))
        elif one.left_out:
            table.add_row(words(clean(one.name), "bold"), words("not begun", "yellow"), words("another one failed before it"))
        else:
            reason = words(one.error.message if one.error is not None else "")
            if one.error is not None and one.error.hint:
                reason.append("\n").append_text(words(one.error.hint, "dim"))
            table.add_row(words(clean(one.name), "bold"), words("failed", "red"), reason)
    return table
