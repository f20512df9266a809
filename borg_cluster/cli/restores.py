"""`borg-cluster restores`, and what can become of one: `resume`, `undo`, `release`."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Group, RenderableType
from rich.text import Text

from borg_cluster import extract, journal, leftovers
from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import clean, counted, duration, json_document, moment, sentence, words, write_line
from borg_cluster.cli.restore_view import possible, restore_fields
from borg_cluster.cli.site import Site, open_site
from borg_cluster.core.progress import Progress
from borg_cluster.errors import ExitCode, Refused, RestoreStopped, UsageError

Command = TypeVar("Command", bound=Callable[..., Any])

_STYLE = {"restored": "green", "undone": "dim", "released": "dim", "refused": "dim"}


@click.command("restores", epilog=exit_codes(ExitCode.REFUSED))
@click.option("--on-volumes", is_flag=True, help="Those that other backup hosts have begun, too, as the volumes tell.")
@json_option
@click.pass_obj
def restores(settings: Settings, /, *, on_volumes: bool) -> int:
    """List restores, and what can be done with each."""
    with open_site(settings) as site:
        known = _known(site)
        known += _elsewhere(site, known) if on_volumes else ()
        if settings.json:
            write_line(json_document("restores", {"restores": [_fields(site, progress, known) for progress in known]}))
        elif known:
            site.console.print(Group(*(line for progress in known for line in _lines(site, progress, known))))
        else:
            site.console.print("There were no restores yet: `borg-cluster extract VM` makes one.")
    return ExitCode.FINE


def rollback_option(command: Command) -> Command:
    """Give a command ``--rollback``; see ``rollback_of``."""
    option = click.option(
        "--rollback",
        type=click.Choice(["auto", "ask", "never"]),
        default="ask",
        show_default=True,
        help="Whether the old VM is put back if the new one does not come up; without a terminal, ask means never.",
    )
    return option(command)


def rollback_of(word: str) -> extract.Rollback:
    """Return what decides whether the old VM is put back."""

    def ask(error: RestoreStopped) -> bool:
        if not sys.stdin.isatty():
            return False
        return click.confirm(f"{clean(error.message)}. Put the old one back?", err=True)

    return {"auto": lambda _: True, "ask": ask, "never": extract.never}[word]


_take_over = click.option(
    "--take-over", is_flag=True, help="The process that holds its claim is dead, though that can't be proven from here."
)


@click.command("resume", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("restore_id", metavar="[ID]", required=False)
@rollback_option
@_take_over
@click.pass_obj
def resume(settings: Settings, /, *, restore_id: str | None, rollback: str, take_over: bool) -> int:
    """Go on with a restore that stopped in the middle.

    ID, or its beginning, is of `borg-cluster restores`; it may be left out if only one is open. Another backup host's restore is
    found on its volume.
    """
    with open_site(settings) as site:
        chosen = _chosen(site, restore_id, "resume")
        leftovers.end_own(site.context, but=chosen)
        extract.resume(site.context, chosen, rollback=rollback_of(rollback), take_over=take_over)
        return site.tally.exit_code


@click.command("undo", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("restore_id", metavar="[ID]", required=False)
@_take_over
@click.pass_obj
def undo(settings: Settings, /, *, restore_id: str | None, take_over: bool) -> int:
    """Put the old VM back, as it was before a restore.

    As long as it isn't released. ID, or its beginning, is of `borg-cluster restores`; it may be left out if there is only one.
    """
    with open_site(settings) as site:
        chosen = _chosen(site, restore_id, "undo")
        leftovers.end_own(site.context, but=chosen)
        extract.undo(site.context, chosen, take_over=take_over)
        return site.tally.exit_code


@click.command("release", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("restore_id", metavar="[ID]", required=False)
@click.option("--now", is_flag=True, help="Though it was not kept for as long as `keep_parked` says.")
@click.pass_obj
def release(settings: Settings, /, *, restore_id: str | None, now: bool) -> int:
    """Delete the old VM that a restore set aside.

    There is no undo after that. ID, or its beginning, is of `borg-cluster restores`; it may be left out if there is only one.
    """
    with open_site(settings) as site:
        chosen = _chosen(site, restore_id, "release")
        leftovers.end_own(site.context, but=chosen)
        extract.release(site.context, chosen, now=now)
        return site.tally.exit_code


def choose(known: tuple[Progress, ...], word: str | None, verb: str) -> str:
    """Return the id of the restore that is meant: by its beginning, or the only one for which ``verb`` makes sense.

    Raises Refused or UsageError.
    """
    fits: Callable[[Progress], bool] = (
        (lambda one: verb in possible(one, is_newest=_is_newest(known, one)))
        if word is None
        else (lambda one: _id(one).startswith(word))
    )
    found = [progress for progress in known if fits(progress)]
    if len(found) == 1:
        return _id(found[0])
    if not found:
        what = f"there is nothing to {verb}" if word is None else f"there is no restore {word}"
        raise Refused(what, hint="borg-cluster restores")
    raise UsageError(f"{len(found)} restores could be meant", hint=f"say which: {', '.join(map(_called, found))}")


def _called(progress: Progress) -> str:
    return f"{_id(progress)} ({clean(progress.plan.name)})"


def _id(progress: Progress) -> str:
    return progress.plan.source.restore_id


def _known(site: Site) -> tuple[Progress, ...]:
    vms = site.context.policy.cluster
    return tuple(one for one in journal.restores(site.context.state) if (one.plan.cluster or one.plan.manifest.cluster) == vms)


def _elsewhere(site: Site, known: tuple[Progress, ...]) -> tuple[Progress, ...]:
    """Return the restores that only the volumes know."""
    ids = {_id(progress) for progress in known}
    return tuple(one for one in extract.on_volumes(site.context) if _id(one) not in ids)


def _chosen(site: Site, word: str | None, verb: str) -> str:
    """Return the id of the restore that is meant; one that another host has begun is meant only by its id."""
    known = _known(site)
    if word is not None and not any(_id(one).startswith(word) for one in known):
        known += _elsewhere(site, known)
    return choose(known, word, verb)


def _state(site: Site, progress: Progress) -> str:
    if not journal.is_known(site.context.state, _id(progress)):
        step = progress.next_step
        return progress.outcome or f"{progress.purpose} of another backup host, before {step.kind if step else 'its end'}"
    if journal.is_held(site.context.state, _id(progress)):
        return "under way"
    if progress.outcome is not None:
        return progress.outcome
    doubt = " (begun, not known to be done)" if progress.in_doubt else ""
    step = progress.next_step
    return f"{progress.purpose} stopped before {step.kind}{doubt}" if step else f"{progress.purpose} stopped at its end"


def _is_newest(known: tuple[Progress, ...], progress: Progress) -> bool:
    return extract.newer_restore(known, progress) is None


def _pid(site: Site, progress: Progress) -> str | None:
    state, restore_id = site.context.state, _id(progress)
    return journal.holder(state, restore_id) if journal.is_known(state, restore_id) else None


def _fields(site: Site, progress: Progress, known: tuple[Progress, ...]) -> dict[str, object]:
    until = progress.parked_until(site.context.policy.keep_parked)
    return {
        **restore_fields(progress, is_newest=_is_newest(known, progress)),
        "state": _state(site, progress),
        "begun_at": progress.begun_at,
        "finished_at": progress.finished_at if progress.outcome is not None else None,
        "kept_until": None if until is None else until.isoformat(),
        "pid": _pid(site, progress),
    }


def _lines(site: Site, progress: Progress, known: tuple[Progress, ...]) -> tuple[RenderableType, ...]:
    state = _state(site, progress)
    head = sentence(vm_label(progress.plan.name, progress.plan.vm_id), "  ", words(state, _STYLE.get(state, "yellow")))
    verbs = [f"borg-cluster {verb} {_id(progress)}" for verb in possible(progress, is_newest=_is_newest(known, progress))]
    return (
        sentence(head, _when(site, progress)),
        *(Text("  ").append_text(words(verb, "dim")) for verb in verbs or [_id(progress)]),
    )


def _age(since: datetime, now: datetime) -> str:
    days = (now - since).days
    return counted(days, "day") if days > 1 else duration(max((now - since).total_seconds(), 0.0))


def _when(site: Site, progress: Progress) -> str:
    """Return of when the archive is, how old the restore is, who works on it, and how long its old VM is kept."""
    now = site.context.clock()
    parts = [f"  to {moment(progress.plan.manifest.created_at)}"]
    since = progress.finished_at if progress.outcome is not None else progress.begun_at
    if since is not None:
        parts.append(f"{'ended' if progress.outcome is not None else 'begun'} {_age(datetime.fromisoformat(since), now)} ago")
    pid = _pid(site, progress)
    if pid is not None:
        parts.append(f"by process {pid}")
    until = progress.parked_until(site.context.policy.keep_parked)
    if until is not None and progress.plan.request.is_copy:
        parts.append("a copy beside the original, which undo removes")
    elif until is not None:
        parts.append(f"the old one is kept until {moment(until.isoformat())}" if now < until else "the old one may go")
    return ", ".join(parts)
