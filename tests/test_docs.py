"""The README says what there is: every verb, hook, exit code and finding, and nothing that isn't there."""

import ast
import inspect
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

import click
import pytest

from borg_cluster import hookspecs
from borg_cluster.cli import cli
from borg_cluster.core.inventory import FindingCode
from borg_cluster.errors import EXIT_CODE_MEANING

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def commands(group: click.Group = cli, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with the words that call it: 'config validate'."""
    for name, command in group.commands.items():
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def rows(section: str) -> dict[str, str]:
    """Return the table of a section: first cell (without backquotes) to second."""
    text = README.partition(f"## {section}\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {first.strip("`"): second for first, second, *_ in cells[2:]}


def signature(name: str) -> str:
    """Return a hook's signature as it's written."""
    (function,) = ast.parse(inspect.getsource(getattr(hookspecs, name))).body
    assert isinstance(function, ast.FunctionDef)
    assert function.returns
    return f"{name}({ast.unparse(function.args)}) -> {ast.unparse(function.returns)}"


COMMANDS = dict(sorted(commands(), key=itemgetter(0)))
HOOKS = [name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec")]


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_and_option_is_in_the_readme(words: str) -> None:
    command = COMMANDS[words]
    options = {flag for option in command.params for flag in option.opts if flag.startswith("--")} - {"--help"}

    assert re.search(rf"borg-cluster {words}\b", README), words
    assert {flag for flag in options if not re.search(rf"{flag}\b", README)} == set()
    assert command.help, "no help text"


def test_the_readme_names_no_command_that_is_not_there() -> None:
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", README, re.DOTALL))
    named = set(re.findall(r"(?<![-/\w])borg-cluster(?: --?\w+(?:[= ][A-Z/]\S*)?)* ([a-z][\w-]*)", code))

    assert named - set(COMMANDS) == set()


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_in_the_readme_with_its_signature(name: str) -> None:
    assert signature(name) in README


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_test_and_its_row(name: str) -> None:
    tests = (ROOT / "tests/unit/test_plugins.py").read_text(encoding="utf-8")

    assert f"def test_hook_{name}" in tests
    assert f" {name} " in (hookspecs.__doc__ or "")


def test_the_exit_codes_are_those_of_the_code() -> None:
    table = rows("Exit codes")
    beyond = {code: meaning for code, meaning in table.items() if not code.isdigit()}

    assert {code: meaning for code, meaning in table.items() if code.isdigit()} == {
        str(int(code)): meaning for code, meaning in EXIT_CODE_MEANING.items()
    }
    assert list(beyond) == ["128+n"]


def test_every_finding_is_explained() -> None:
    table = rows("Findings")

    assert set(table) == {str(code) for code in FindingCode}
    assert all(table.values())


def test_every_link_into_the_project_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)

    assert {link for link in links if not (ROOT / link).exists()} == set()
