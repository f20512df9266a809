"""The expressions of the module's readers of text, and what they yield; see ``evaluator``."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import tree_sitter

from tests.powershell import source

INT32 = range(-(2**31), 2**31)
NOTHING = object()
"""What a call yields that returns void: it is no output, not even $null."""


class UnknownGrammarError(Exception):
    """The file uses what this evaluator does not know."""


class PowerShellError(Exception):
    """What the engine would raise: a cast that fails, a variable that was never set."""


@dataclass(slots=True)
class Frame:
    """One call of a function."""

    variables: dict[str, Any]
    output: list[Any] = field(default_factory=list)


Code = Callable[[Frame], Any]


def named(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """Return the children of a node that mean something."""
    return [child for child in node.children if child.is_named and child.type != "comment"]


def variable_name(variable: tree_sitter.Node) -> str:
    """Return the name of a variable, which knows no case."""
    return source.text(variable).removeprefix("$").lower()


def inner(node: tree_sitter.Node) -> tree_sitter.Node:
    """Return the first node below that is more than a wrapping of another one."""
    children = named(node)
    while len(children) == 1 and node.child_count == 1:
        node = children[0]
        children = named(node)
    return node


def expression(node: tree_sitter.Node) -> Code:
    """Compile an expression. Raises UnknownGrammarError."""
    node = inner(node)
    make = EXPRESSIONS.get(node.type)
    if make is None:
        raise UnknownGrammarError(f"{node.type}: {source.text(node)}")
    return make(node)


def _variable(node: tree_sitter.Node) -> Code:
    name = variable_name(node)

    def get(frame: Frame) -> Any:
        if name not in frame.variables:
            raise PowerShellError(f"The variable '${name}' cannot be retrieved because it has not been set.")
        return frame.variables[name]

    return get


def _constant(value: object) -> Code:
    return lambda _: value


def _comparison(node: tree_sitter.Node) -> Code:
    left, operator, right = (
        source.text(node.children[1]) if one == node.children[1] else expression(one) for one in node.children
    )
    assert callable(left)
    assert callable(right)
    match operator:
        case "-eq":
            return lambda frame: _same(left(frame), right(frame))
        case "-ne":
            return lambda frame: not _same(left(frame), right(frame))
        case "-match":
            return lambda frame: _matches(frame, left(frame), right(frame))
    raise UnknownGrammarError(f"operator {operator}")


def _same(left: object, right: object) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if left is None or right is None:
        return left is right
    raise UnknownGrammarError(f"-eq between {type(left).__name__} and {type(right).__name__}")


def _matches(frame: Frame, text: str, pattern: str) -> bool:
    found = re.search(pattern, text, re.IGNORECASE)
    if found is not None:
        frame.variables["matches"] = {number: found[number] for number in range(len(found.groups()) + 1)}
    return found is not None


def _and(node: tree_sitter.Node) -> Code:
    if source.text(node.children[1]) != "-and":
        raise UnknownGrammarError(source.text(node))
    left, right = expression(node.children[0]), expression(node.children[2])
    return lambda frame: true(left(frame)) and true(right(frame))


def _sum(node: tree_sitter.Node) -> Code:
    left, right = expression(node.children[0]), expression(node.children[2])

    def add(frame: Frame) -> str:
        texts = left(frame), right(frame)
        if source.text(node.children[1]) != "+" or not all(isinstance(one, str) for one in texts):
            raise UnknownGrammarError(source.text(node))
        return "".join(texts)

    return add


def _element(node: tree_sitter.Node) -> Code:
    table, key = (expression(child) for child in named(node))

    def get(frame: Frame) -> Any:
        entries = table(frame)
        if not isinstance(entries, dict):
            raise PowerShellError(f"no entries: {entries!r}")
        return entries.get(key(frame))

    return get


def _cast(node: tree_sitter.Node) -> Code:
    kind, value = source.text(node.children[0]).lower(), expression(node.children[1])
    if kind == "[ordered]":
        return value
    if kind != "[int]":
        raise UnknownGrammarError(kind)

    def cast(frame: Frame) -> int:
        number = int(value(frame))
        if number not in INT32:
            raise PowerShellError(f'Cannot convert value "{number}" to type "System.Int32".')
        return number

    return cast


def _table(node: tree_sitter.Node) -> Code:
    entries = {}
    for entry in (one for body in named(node) for one in named(body)):
        key, value = named(entry)
        entries[source.text(key)] = expression(value)
    return lambda frame: {key: value(frame) for key, value in entries.items()}


def _empty_array(node: tree_sitter.Node) -> Code:
    if named(node):
        raise UnknownGrammarError(source.text(node))
    return lambda _: []


METHODS: dict[tuple[type, str], Callable[..., Any]] = {
    (str, "ToLowerInvariant"): str.lower,
    (str, "ToUpperInvariant"): str.upper,
    (list, "ToArray"): list.copy,
    (list, "Add"): lambda this, item: this.append(item) or NOTHING,
}


def _invocation(node: tree_sitter.Node) -> Code:
    target, arguments = node.children[0], [expression(one) for one in source.find(node, "argument_expression")]
    name = source.text(next(child for child in node.children if child.type == "member_name"))
    if target.type == "type_literal":
        if (source.text(target), name, arguments) != ("[System.Collections.Generic.List[object]]", "new", []):
            raise UnknownGrammarError(source.text(node))
        return lambda _: []
    if name not in {method for _, method in METHODS}:
        raise UnknownGrammarError(f"method {name}")
    of = expression(target)

    def invoke(frame: Frame) -> Any:
        this = of(frame)
        method = METHODS.get((type(this), name))
        if method is None:
            raise PowerShellError(f"{type(this).__name__} has no method {name}")
        return method(this, *(argument(frame) for argument in arguments))

    return invoke


def true(value: object) -> bool:
    """Whether a condition holds; only $null, $true and $false are known."""
    if value is None or isinstance(value, bool):
        return bool(value)
    raise UnknownGrammarError(f"whether {type(value).__name__} counts as true")


EXPRESSIONS: dict[str, Callable[[tree_sitter.Node], Code]] = {
    "variable": _variable,
    "verbatim_string_characters": lambda node: _constant(source.text(node)[1:-1].replace("''", "'")),
    "decimal_integer_literal": lambda node: _constant(int(source.text(node))),
    "comparison_expression": _comparison,
    "logical_expression": _and,
    "additive_expression": _sum,
    "element_access": _element,
    "cast_expression": _cast,
    "hash_literal_expression": _table,
    "array_expression": _empty_array,
    "invokation_expression": _invocation,
}
"""What compiles which node."""
