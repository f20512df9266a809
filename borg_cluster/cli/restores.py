"""`borg-cluster restores`, and what can become of one: `resume`, `undo`, `release`."""

from collections.abc import Callable

import click
from rich.console import Group, RenderableType
from rich.text import Text

from borg_cluster import extract, journal, sweep
from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.render import json_document, moment, sentence, words, write_line
from borg_cluster.cli.restore_view import possible, restore_fields
from borg_cluster.cli.site import Site, open_site
from borg_cluster.core.progress import Progress
from borg_cluster.errors import ExitCode, Refused, UsageError

_STYLE = {"restored": "green", "undone": "dim", "released": "dim", "refused": "dim"}


@click.command("restores", epilog=exit_codes(ExitCode.REFUSED))
@json_option
@click.pass_obj
def restores(settings: Settings, /) -> int:
    """List restores, and what can be done with each."""
    with open_site(settings) as site:
        known = _known(site)
        if settings.json:
            write_line(json_document("restores", {"restores": [_fields(site, progress, known) for progress in known]}))
        elif known:
            site.console.print(Group(*(line for progress in known for line in _lines(site, progress, known))))
        else:
            site.console.print("There were no restores yet: `borg-cluster extract VM` makes one.")
    return ExitCode.FINE


@click.command("resume", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("restore_id", metavar="[ID]", required=False)
@click.pass_obj
def resume(settings: Settings, /, *, restore_id: str | None) -> int:
    """Go on with a restore that stopped in the middle.

    ID, or its beginning, is of `borg-cluster restores`; it may be left out if only one is open.
    """
    with open_site(settings) as site:
        chosen = _chosen(site, restore_id, "resume")
        sweep.sweep_own(site.context)
        extract.resume(site.context, chosen)
        return site.tally.exit_code


@click.command("undo", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("restore_id", metavar="[ID]", required=False)
@click.pass_obj
def undo(settings: Settings, /, *, restore_id: str | None) -> int:
    """Put the old VM back, as it was before a restore.

    As long as it isn't released. ID, or its beginning, is of `borg-cluster restores`; it may be left out if there is only one.
    """
    with open_site(settings) as site:
        chosen = _chosen(site, restore_id, "undo")
        sweep.sweep_own(site.context)
        extract.undo(site.context, chosen)
        return site.tally.exit_code


@click.command("release", epilog=exit_codes(ExitCode.WARNINGS, ExitCode.ALL_FAILED, ExitCode.REFUSED))
@click.argument("restore_id", metavar="[ID]", required=False)
@click.pass_obj
def release(settings: Settings, /, *, restore_id: str | None) -> int:
    """Delete the old VM that a restore set aside.

    There is no undo after that. ID, or its beginning, is of `borg-cluster restores`; it may be left out if there is only one.
    """
    with open_site(settings) as site:
        chosen = _chosen(site, restore_id, "release")
        sweep.sweep_own(site.context)
        extract.release(site.context, chosen)
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
    found = [_id(progress) for progress in known if fits(progress)]
    if len(found) == 1:
        return found[0]
    if not found:
        what = f"there is nothing to {verb}" if word is None else f"there is no restore {word}"
        raise Refused(what, hint="borg-cluster restores")
    raise UsageError(f"{len(found)} restores could be meant", hint=f"say which: {', '.join(found)}")


def _id(progress: Progress) -> str:
    return progress.plan.source.restore_id


def _known(site: Site) -> tuple[Progress, ...]:
    vms = site.context.policy.cluster
    return tuple(one for one in journal.restores(site.context.state) if (one.plan.cluster or one.plan.manifest.cluster) == vms)


def _chosen(site: Site, word: str | None, verb: str) -> str:
    return choose(_known(site), word, verb)


def _state(site: Site, progress: Progress) -> str:
    if journal.is_held(site.context.state, _id(progress)):
        return "under way"
    if progress.outcome is not None:
        return progress.outcome
    doubt = " (begun, not known to be done)" if progress.in_doubt else ""
    step = progress.next_step
    return f"{progress.purpose} stopped before {step.kind}{doubt}" if step else f"{progress.purpose} stopped at its end"


def _is_newest(known: tuple[Progress, ...], progress: Progress) -> bool:
    return extract.newer_restore(known, progress) is None


def _fields(site: Site, progress: Progress, known: tuple[Progress, ...]) -> dict[str, object]:
    return {**restore_fields(progress, is_newest=_is_newest(known, progress)), "state": _state(site, progress)}


def _lines(site: Site, progress: Progress, known: tuple[Progress, ...]) -> tuple[RenderableType, ...]:
    state = _state(site, progress)
    head = sentence(vm_label(progress.plan.name, progress.plan.vm_id), "  ", words(state, _STYLE.get(state, "yellow")))
    made = f"  to {moment(progress.plan.manifest.created_at)}"
    verbs = [f"borg-cluster {verb} {_id(progress)}" for verb in possible(progress, is_newest=_is_newest(known, progress))]
    return (sentence(head, made), *(Text("  ").append_text(words(verb, "dim")) for verb in verbs or [_id(progress)]))
