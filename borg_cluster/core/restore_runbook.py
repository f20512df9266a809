"""A restore, step by step, for a person who has only BorgBackup and Windows: today's plan, with the real names and paths. Pure.

``runbook.py`` is the text that every archive carries, from what it knew when it was made; this one knows what is there now. Each
name and path stands in a command as a literal, whatever it holds. Files are moved by .NET's own File.Move: it takes no wildcards
and never overwrites, as Move-Item may.
"""

from collections.abc import Iterator

from borg_cluster.core import step as kinds
from borg_cluster.core.finding import one_line
from borg_cluster.core.restore_commands import STEPS, Text, deletes, move_lines
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.staged import Move


def restore_runbook(plan: RestorePlan, *, repository: str) -> str:
    """Return how to carry a plan out by hand, ending with a line feed.

    Args:
        plan: today's, as ``extract --dry-run`` shows it.
        repository: where the archive is, as Borg takes it.
    """
    text = Text(plan, repository)
    lines = [*_head(plan)]
    number = 0
    for planned in plan.steps:
        write = STEPS.get(type(planned.step))
        body = [] if write is None else list(write(planned.step, text))
        if body:
            number += 1
            lines += ["", f"{number}. {planned.step.kind}: {one_line(planned.reason)}", "", *body]
    lines += ["", *_back(plan), *_end(plan)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(plan: RestorePlan) -> Iterator[str]:
    title = f"How to bring {one_line(plan.name)} back by hand, as things are now"
    yield from (title, "=" * len(title), "")
    yield f"It is the virtual machine {plan.vm_id}, from the archive {one_line(plan.source.archive)}"
    yield f"of {plan.manifest.created_at} ({plan.manifest.consistency})."
    ends = "highly available" if plan.highly_available else "not highly available"
    yield f"It ends {ends}, {'running' if plan.running else 'off'}, on {one_line(plan.node)}: {one_line(plan.node_reason)}."
    if plan.expected is None:
        yield "No node has it registered now."
    else:
        yield f"There is one now, at {one_line(plan.expected.configuration_path)}: it is set aside, not deleted."
    yield from (f"Mind: {one_line(warning)}" for warning in plan.warnings)
    yield from (f"It stays as it is: {one_line(path)}, since {one_line(reason)}" for path, reason in plan.kept)
    yield from (
        "",
        "Go on only when the check of a step shows what it should. Nothing is deleted on the way; what to do if it goes",
    )
    yield "wrong stands at the end. If anything has changed since this was written, have it written anew."


def _back(plan: RestorePlan) -> Iterator[str]:
    """Yield how the old one comes back."""
    parked = [move for planned in plan.steps if isinstance(planned.step, kinds.Park) for move in planned.step.moves]
    saved = [copy for planned in plan.steps if isinstance(planned.step, kinds.SaveConfiguration) for copy in planned.step.copies]
    if not parked and not saved:
        return
    yield from ("If it goes wrong: the way back", "")
    yield "Stop what is there under this id, remove its role if it has one, and Get-VM -Id $id | Remove-VM -Force. Move the new"
    yield "files away from where they were placed. Then move the old ones back, register the old configuration as above, and add"
    yield "the role again:"
    yield from ("", *move_lines(tuple(Move(source=one.destination, destination=one.source) for one in (*parked, *saved))))


def _end(plan: RestorePlan) -> Iterator[str]:
    if not any(isinstance(planned.step, kinds.Release) for planned in plan.steps) and plan.folders:
        yield from ("", "When all is well, and nobody wants the old one back", "", *deletes(plan.folders))
