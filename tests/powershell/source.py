"""The PowerShell module as text: functions, their parameters, the commands that they call.

Read with tree-sitter, so that it works where no PowerShell is installed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter
import tree_sitter_powershell

FOLDER = Path(__file__).parents[2] / "powershell"
MODULE = FOLDER / "BorgCluster"

_LANGUAGE = tree_sitter.Language(tree_sitter_powershell.language())


def files(*suffixes: str) -> list[Path]:
    """Return the files of the powershell folder with one of these suffixes."""
    return sorted(path for path in FOLDER.rglob("*") if path.suffix in suffixes)


def parse(text: bytes) -> tree_sitter.Node:
    """Return the syntax tree of a PowerShell text."""
    return tree_sitter.Parser(_LANGUAGE).parse(text).root_node


@cache
def parsed(path: Path) -> tree_sitter.Node:
    """Return the syntax tree of a file."""
    return parse(path.read_bytes())


def text(node: tree_sitter.Node | None) -> str:
    """Return what a node says."""
    assert node is not None
    assert node.text is not None
    return node.text.decode()


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """Yield a node and all below it, in the order of the text."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(one.children))


def find(node: tree_sitter.Node, *types: str) -> list[tree_sitter.Node]:
    """Return the nodes of these types at and below a node."""
    return [one for one in walk(node) if one.type in types]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a function."""

    type: str
    mandatory: bool


@cache
def functions(path: Path) -> dict[str, tree_sitter.Node]:
    """Return the functions that a file defines."""
    return {text(find(node, "function_name")[0]): node for node in find(parsed(path), "function_statement")}


def parameters(function: tree_sitter.Node) -> dict[str, Parameter]:
    """Return the parameters of a function, in order."""
    found = {}
    for node in find(function, "script_parameter"):
        name = text(next(child for child in node.children if child.type == "variable")).removeprefix("$")
        attributes = [text(attribute) for attribute in find(node, "attribute")]
        found[name] = Parameter(type=_type_name(attributes[-1]), mandatory=_mandatory(attributes))
    return found


def _type_name(attribute: str) -> str:
    return attribute.removeprefix("[").removesuffix("]").lower()


def _mandatory(attributes: list[str]) -> bool:
    return any(attribute.startswith("[Parameter(") and "Mandatory" in attribute for attribute in attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command that is called with these parameters. A splatted table counts as the parameters that it holds."""

    module: str | None
    name: str
    parameters: frozenset[str]
    positional: int
    place: str


@cache
def calls(path: Path) -> list[Call]:
    """Return the commands that a file calls, one for each table that a splatted variable may hold."""
    return list(_calls(path))


def _calls(path: Path) -> Iterator[Call]:
    for node in find(parsed(path), "command"):
        name = next((child for child in node.children if child.type == "command_name"), None)
        if name is None:  # & $tool, & (...)
            continue
        module, _, word = text(name).rpartition("\\")
        found = [one for one in find(node, "command_elements") if one.parent == node]
        given, splatted, positional = elements(found[0] if found else None)
        for table in _tables(node, splatted):
            yield Call(
                module=module or None,
                name=word,
                parameters=frozenset(given | table),
                positional=positional,
                place=f"{path.name}:{node.start_point[0] + 1}",
            )


def elements(given_to: tree_sitter.Node | None) -> tuple[set[str], list[str], int]:
    """Return what a command is given: names of parameters, of splatted variables, and how many values without a name."""
    given: set[str] = set()
    splatted = []
    positional = 0
    takes_value = False
    for element in given_to.children if given_to is not None else []:
        if element.type == "command_argument_sep":
            takes_value = takes_value and text(element) in {" ", ":"}
        elif element.type == "command_parameter":
            given.add(text(element).strip("-:"))
            takes_value = True
        elif text(element).startswith("@") and text(element)[1:].isidentifier():
            splatted.append(text(element)[1:])
            takes_value = False
        else:
            positional += 0 if takes_value else 1
            takes_value = False
    return given, splatted, positional


def _tables(call: tree_sitter.Node, splatted: list[str]) -> list[set[str]]:
    """Return the names that the splatted variables hold: one set for each table that is assigned to the variable."""
    tables: list[set[str]] = [set()]
    for name in splatted:
        literals, additions = _assigned(_scope(call), name)
        tables = [table | literal | additions for table in tables for literal in literals]
    return tables


def _scope(node: tree_sitter.Node) -> tree_sitter.Node:
    while node.parent is not None and node.type != "function_statement":
        node = node.parent
    return node


def _assigned(scope: tree_sitter.Node, name: str) -> tuple[list[set[str]], set[str]]:
    literals: list[set[str]] = []
    additions: set[str] = set()
    for assignment in find(scope, "assignment_expression"):
        left = text(assignment.children[0])
        if left.lower() == f"${name}".lower():
            literals.extend(set(data(table)) for table in find(assignment, "hash_literal_expression")[:1])
        elif left.lower().startswith(f"${name}['".lower()):
            additions.add(left.split("'")[1])
    assert literals, f"no table is assigned to ${name}"
    return literals, additions


def data(node: tree_sitter.Node) -> dict[str, object]:
    """Return a table's entries; values are texts, lists and tables, or the source text of anything else."""
    bodies = [child for child in node.children if child.type == "hash_literal_body"]
    entries = [entry for body in bodies for entry in body.children if entry.type == "hash_entry"]
    table = {}
    for entry in entries:
        key = next(child for child in entry.children if child.type == "key_expression")
        table[text(key).strip("'\"")] = value([child for child in entry.children if child.is_named][-1])
    return table


def value(node: tree_sitter.Node) -> object:
    """Return a literal's value: a text, a list, a table, or its source text."""
    if node.type == "hash_literal_expression":
        return data(node)
    if node.type == "verbatim_string_characters":
        return text(node)[1:-1].replace("''", "'")
    if node.type == "array_expression":
        statements = [one for child in node.children if child.type == "statement_list" for one in child.children if one.is_named]
        return [one for statement in statements for one in _listed(statement)]
    named = [child for child in node.children if child.is_named]
    if len(named) == 1 and text(named[0]) == text(node):
        return value(named[0])
    if node.type == "array_literal_expression":
        return [value(child) for child in named]
    return text(node)


def _listed(statement: tree_sitter.Node) -> list[object]:
    found = value(statement)
    return found if isinstance(found, list) else [found]


def read_data(path: Path) -> dict[str, object]:
    """Return the table that a .psd1, .psrc or .pssc file holds."""
    return data(find(parsed(path), "hash_literal_expression")[0])
