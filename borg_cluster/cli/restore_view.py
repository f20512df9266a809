"""A restore as people read it: every step with its reason before they agree to it, and afterwards how far it got."""

import ntpath

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.render import moment, sentence, size, words
from borg_cluster.core.progress import Progress
from borg_cluster.core.restore_plan import RestorePlan


def restore_view(plan: RestorePlan, *, is_begun: bool = True) -> RenderableType:
    """Return the plan for a terminal. ``is_begun`` False: the restore that is begun one day will have another id."""
    made = f" made {moment(plan.manifest.created_at)}, consistency {plan.manifest.consistency}"
    parts: list[RenderableType] = [
        sentence(*_title(plan), " from its archive", made),
        words(f"  {plan.source.archive}", "dim"),
        sentence("on ", words(plan.node, "bold"), f": {plan.node_reason}"),
        *(sentence("to ", folder) for folder in _folders(plan)),
        Text(),
        _steps(plan, plan.source.restore_id if is_begun else "ID"),
        Text(),
    ]
    parts += [sentence(words("stays as it is: ", "dim"), path, words(f"  {reason}", "dim")) for path, reason in plan.kept]
    parts += [sentence(words("warning: ", "yellow"), warning) for warning in plan.warnings]
    rooms = ", ".join(f"{size(room.needed)} to {room.mount}" for room in plan.room)
    parts.append(sentence("ends ", words(_end(plan), "bold"), f"; to extract: {rooms}"))
    return Group(*parts)


def _title(plan: RestorePlan) -> tuple[str | Text, ...]:
    if not plan.request.is_copy:
        return (vm_label(plan.name, plan.vm_id),)
    return (words(plan.name, "bold"), ", a copy of ", vm_label(plan.manifest.name, plan.vm_id))


def _folders(plan: RestorePlan) -> list[str]:
    """Return where the files go, if that isn't where they were."""
    elsewhere = plan.request.is_elsewhere or bool(plan.request.mapped)
    return sorted({ntpath.dirname(file.final) for file in plan.files}) if elsewhere else []


def _steps(plan: RestorePlan, restore_id: str) -> Table:
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(justify="right", style="dim")
    rows.add_column(no_wrap=True)
    rows.add_column(overflow="fold")
    for number, planned in enumerate(plan.steps, start=1):
        rows.add_row(str(number), words(planned.step.kind, "bold"), words(planned.reason))
    for left_out in plan.left_out:
        rows.add_row("-", words(left_out.kind, "dim"), words(left_out.reason.replace(plan.source.restore_id, restore_id), "dim"))
    return rows


def _end(plan: RestorePlan) -> str:
    available = "highly available" if plan.highly_available else "not highly available"
    return f"{available}, {'running' if plan.running else 'off'}"


def possible(progress: Progress, *, is_newest: bool = True) -> tuple[str, ...]:
    """Return the commands that make sense for a restore now; ``is_newest``: no later one of the same VM stands."""
    unfinished, purpose = progress.outcome is None, progress.purpose
    checks = {
        "resume": unfinished,
        "undo": is_newest and progress.can_undo and (purpose == "restore" or (purpose == "undo" and unfinished)),
        "release": progress.outcome == "restored" and progress.can_undo,
    }
    return tuple(verb for verb, makes_sense in checks.items() if makes_sense)


def restore_fields(progress: Progress, *, is_newest: bool = True) -> dict[str, object]:
    """Return how far a restore got, for ``--json``."""
    return {
        "id": progress.plan.source.restore_id,
        "vm_id": progress.plan.vm_id,
        "name": progress.plan.name,
        "archive": progress.plan.source.archive,
        "archive_made_at": progress.plan.manifest.created_at,
        "purpose": progress.purpose,
        "outcome": progress.outcome,
        "next_step": progress.next_step.kind if progress.next_step and progress.outcome is None else None,
        "in_doubt": progress.in_doubt,
        "offline_seconds": progress.offline_seconds,
        "possible": possible(progress, is_newest=is_newest),
        "warnings": progress.warnings,
    }
