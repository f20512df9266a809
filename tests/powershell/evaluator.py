"""Runs the module's readers of text where there is no PowerShell: their own files, as they are.

It knows just the grammar that those files use. What it doesn't know (a node, an operator, a method, a command) is an error when a
function is compiled, not a guess when it runs. As in PowerShell: names of variables know no case, ``-match`` and ``-eq`` between
texts neither; ``-match`` leaves ``$Matches`` alone when it fails; ``[int]`` fails beyond 32 bits; a variable that was never set
is an error (strict mode); what a statement yields and nobody takes is the function's output.
"""

from collections.abc import Callable
from typing import Any

import tree_sitter

from tests.powershell import source
from tests.powershell.expressions import (
    EXPRESSIONS,
    NOTHING,
    Code,
    Frame,
    PowerShellError,
    UnknownGrammarError,
    expression,
    inner,
    named,
    true,
    variable_name,
)


class Returned(Exception):
    """Ends a function."""


class NextItem(Exception):
    """Goes on with the next item of a loop."""


Function = Callable[..., list[Any]]


def load(name: str) -> Function:
    """Return a private function of the module: called with its parameters by name, it returns the list of what it put out."""
    return compiled(source.parsed(source.MODULE / "Private" / f"{name}.ps1"))


def compiled(text: tree_sitter.Node) -> Function:
    """Return the one function that a text defines. Raises UnknownGrammarError for anything in it that is not known here."""
    (node,) = source.find(text, "function_statement")
    block = next(child for child in node.children if child.type == "script_block")
    body = [_statement(child) for child in named(block) if child.type != "param_block"]
    parameters = {parameter.lower() for parameter in source.parameters(node)}

    def function(**given: object) -> list[Any]:
        bound = {parameter.lower(): value for parameter, value in given.items()}
        if set(bound) != parameters:
            raise PowerShellError(f"it takes {sorted(parameters)}")
        frame = Frame(variables={"null": None, "true": True, "false": False, **bound})
        try:
            for statement in body:
                statement(frame)
        except Returned:
            pass
        return frame.output

    return function


def _statement(node: tree_sitter.Node) -> Code:
    children = named(node)
    match node.type:
        case "script_block_body" | "statement_list" | "statement_block":
            return _sequence([_statement(child) for child in children])
        case "if_statement":
            return _choice(node)
        case "foreach_statement":
            return _loop(children)
        case "flow_control_statement":
            return _flow(node)
        case "pipeline":
            return _assignment(children[0]) if children[0].type == "assignment_expression" else _emit(expression(node))
    raise UnknownGrammarError(f"{node.type}: {source.text(node)}")


def _sequence(statements: list[Code]) -> Code:
    def run(frame: Frame) -> None:
        for statement in statements:
            statement(frame)

    return run


def _emit(value: Code) -> Code:
    def run(frame: Frame) -> None:
        _put_out(frame, value(frame))

    return run


def _put_out(frame: Frame, value: object) -> None:
    if isinstance(value, list):
        frame.output.extend(value)
    elif value is not NOTHING:
        frame.output.append(value)


def _flow(node: tree_sitter.Node) -> Code:
    match node.children[0].type:
        case "return":
            return _return(expression(named(node)[0]))
        case "continue":
            return _next
    raise UnknownGrammarError(source.text(node))


def _return(value: Code) -> Code:
    def run(frame: Frame) -> None:
        _put_out(frame, value(frame))
        raise Returned

    return run


def _next(_: Frame) -> None:
    raise NextItem


def _choice(node: tree_sitter.Node) -> Code:
    clauses = [node, *(one for child in node.children if child.type == "elseif_clauses" for one in named(child))]
    branches = []
    for clause in clauses:
        condition, block = (one for one in named(clause) if one.type in {"pipeline", "statement_block"})
        branches.append((expression(condition), _statement(block)))
    others = {child.type for child in named(node)} - {"pipeline", "statement_block", "elseif_clauses"}
    if others:
        raise UnknownGrammarError(f"if with {others}")

    def run(frame: Frame) -> None:
        for holds, act in branches:
            if true(holds(frame)):
                act(frame)
                return

    return run


def _loop(children: list[tree_sitter.Node]) -> Code:
    variable, items, block = children
    name, found, act = variable_name(variable), expression(items), _statement(block)

    def run(frame: Frame) -> None:
        for item in found(frame):
            frame.variables[name] = item
            try:
                act(frame)
            except NextItem:
                continue

    return run


def _assignment(node: tree_sitter.Node) -> Code:
    left, operator, right = node.children
    target, value, adds = inner(left), expression(right), {"=": False, "+=": True}[source.text(operator)]
    if target.type == "variable" and not adds:
        name = variable_name(target)

        def set_variable(frame: Frame) -> None:
            frame.variables[name] = value(frame)

        return set_variable
    if target.type == "element_access":
        table, key = (expression(child) for child in named(target))

        def set_entry(frame: Frame) -> None:
            new = value(frame)
            entries = table(frame)
            at = key(frame)
            entries[at] = [*_list(entries[at]), new] if adds else new

        return set_entry
    raise UnknownGrammarError(f"assignment to {source.text(left)}")


def _list(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    raise UnknownGrammarError("+= on anything but a list")


def _command(node: tree_sitter.Node) -> Code:
    if len(node.children) != 1:
        raise UnknownGrammarError(f"a command with parameters: {source.text(node)}")
    function = load(source.text(node))

    def call(_: Frame) -> Any:
        output = function()
        return output[0] if len(output) == 1 else output

    return call


def _parent(node: tree_sitter.Node) -> tree_sitter.Node:
    assert node.parent is not None
    return node.parent


EXPRESSIONS["command"] = _command
EXPRESSIONS["command_name"] = lambda node: _command(_parent(node))
