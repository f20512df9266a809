"""What a careless change would do to the table of steps: one kind's test whether it is done, or its reverse, is worth nothing."""

from dataclasses import replace

from borg_cluster.core import step_table
from borg_cluster.core.step_table import Row

IS_DONE, REVERSE = "is_done", "reverse"
NOTHING_TO_SEE = {
    "Rehearse": "it only reads: tests/e2e/test_restore_matrix.py shows that a damaged archive stops it",
    "Compare": "it only asks: tests/e2e/test_restore_matrix.py shows that a VM that does not fit stops it",
    "AwaitUnclustered": "it only waits: whoever comes too early finds the old VM unlisted, and sets aside what is left of it",
    "FindCopy": "no cell shows it yet: a copy that stays registered is not compared; test_restore_matrix.py undoes one",
}
"""Kinds that leave nothing that a cell could compare, and what holds them instead."""


def mutations() -> tuple[str, ...]:
    """Return the names of all mutations: each kind is taken for done without a look; each reverse that is one is left out."""
    blind = [f"{IS_DONE}:{kind.__name__}" for kind in step_table._TABLE if kind.__name__ not in NOTHING_TO_SEE]
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
