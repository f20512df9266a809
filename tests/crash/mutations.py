"""What a careless change would do to the table of steps: one kind's test whether it is done, or its reverse, is worth nothing."""

from dataclasses import replace

from borg_cluster.core import step_table
from borg_cluster.core.step_table import Row

IS_DONE, REVERSE = "is_done", "reverse"
NOTICED_FIRST = {
    "is_done:Rehearse": "in-place:restore:Claim:after:rot:undo",
    "is_done:Inspect": "available:restore:Stage:after:spoil:undo",
    "is_done:Compare": "available:restore:Inspect:after:misfit:undo",
    "is_done:ResetOfflineAction": "available:restore:ResetOfflineAction:before:kill:undo",
    "is_done:AwaitUnclustered": "available:restore:RemoveRole:before:kill:resume",
    "is_done:Park": "plain:restore:Park:before:kill:resume",
    "is_done:RegisterCopy": "copy:restore:RegisterCopy:before:kill:resume",
    "is_done:TidyCopy": "copy:restore:TidyCopy:before:kill:resume",
    "is_done:FindCopy": "copy:restore:RegisterCopy:after:mute:undo",
    "is_done:DropSavedState": "available:restore:Place:after:stale:resume",
    "is_done:Confirm": "available:restore:Start:torn:halt:undo",
    "is_done:Clear": "available:restore:Clear:before:kill:undo",
    "reverse:RegisterCopy": "copy:restore:RegisterCopy:after:kill:undo",
}
"""The cell (its place) that notices, where it is another than the one that is killed at that very step of the first scenario."""


def mutations() -> tuple[str, ...]:
    """Return the names of all mutations: each kind is taken for done without a look; each reverse that is one is left out."""
    blind = [f"{IS_DONE}:{kind.__name__}" for kind in step_table._TABLE]
    reverses = [f"{REVERSE}:{kind.__name__}" for kind, row in step_table._TABLE.items() if row.reverse is not _plain(REVERSE)]
    return (*blind, *reverses)


def mutate(name: str) -> None:
    """Break the table in this process."""
    what, _, kind_name = name.partition(":")
    table = step_table._TABLE
    kind = next(one for one in table if one.__name__ == kind_name)
    if what == IS_DONE:
        table[kind] = replace(table[kind], is_done=lambda _, __: True)
    else:
        table[kind] = replace(table[kind], reverse=lambda _: ())


def _plain(field: str) -> object:
    return Row.__dataclass_fields__[field].default
