"""The exit codes, the tree as it is drawn, and what a complaint looks like."""

import inspect
import re

from borg_cluster import errors
from borg_cluster.errors import EXIT_CODE_MEANING, BorgClusterError, Complaint, ConfigError, ExitCode


def classes(root: type[BorgClusterError] = BorgClusterError) -> set[type[BorgClusterError]]:
    """Return all kinds of errors that errors.py holds."""
    below = {kind for kind in root.__subclasses__() if kind.__module__ == errors.__name__}
    return {root}.union(*(classes(kind) for kind in below))


def test_every_exit_code_has_a_meaning() -> None:
    assert set(EXIT_CODE_MEANING) == set(ExitCode)


def test_the_drawn_tree_is_the_tree() -> None:
    drawn: dict[str, int | None] = {}
    for line in inspect.getdoc(errors).splitlines():  # type: ignore[union-attr]  # the module has a docstring
        match = re.match(r"[\s│]*[├└]── (\w+)\s+(\d+)?", line)
        if match:
            drawn[match[1]] = int(match[2]) if match[2] else None
    kinds = {kind.__name__: kind for kind in classes() - {BorgClusterError}}

    assert set(drawn) == set(kinds)
    assert {name: code for name, code in drawn.items() if code is not None and kinds[name].exit_code != code} == {}
    for name, code in drawn.items():
        if code is None:
            assert kinds[name].exit_code == kinds[name].__mro__[1].exit_code  # type: ignore[attr-defined]  # its parent's


def test_an_error_holds_message_hint_and_fields() -> None:
    error = errors.CommandFailed("no", hint="look", node="node1", code=None)

    assert (str(error), error.message, error.hint, error.fields) == ("no", "no", "look", {"node": "node1", "code": None})


def test_a_configuration_error_is_a_line_a_complaint() -> None:
    error = ConfigError((Complaint(place="a:1:2", message="b"), Complaint(place="a:3:4", message="c", hint="d")))

    assert error.message == "a:1:2: b\na:3:4: c (d)"
    assert error.exit_code is ExitCode.USAGE
