"""YAML text -> plain values, each with its place, and without YAML 1.1's surprises.

Only ``true`` and ``false`` are booleans, only plain decimal numbers are numbers, only an empty value, ``~`` and ``null`` are
nothing; ``NO``, ``on``, ``10:30``, ``012``, ``1e3`` and dates stay the text that they are. A key given twice is a complaint.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from borg_cluster.errors import Complaint

KeyPath = tuple[str | int, ...]
"""Where a value lies: keys and indexes from the top."""

MAX_DEPTH = 32
MAX_VALUES = 50_000
"""Values after aliases are expanded: far above any real configuration, far below a bomb of aliases."""

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_BOOLEANS = {"true": True, "false": False}
_NOTHING = {"", "~", "null"}
_TEXT = "tag:yaml.org,2002:str"


@dataclass(slots=True, kw_only=True)
class Document:
    """A configuration file as plain values. ``values`` and ``keys`` say where each value and each key stands."""

    file: str
    value: object = None
    values: dict[KeyPath, str] = field(default_factory=dict)
    keys: dict[KeyPath, str] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def place(self, path: KeyPath, *, of_key: bool = False) -> str:
        """Return file:line:column of the value (or the key) at ``path``, or of the nearest thing around it."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, f"{self.file}:1:1")

    def complain(self, place: str, message: str, hint: str | None = None) -> None:
        """Add a complaint."""
        self.complaints.append(Complaint(place=place, message=message, hint=hint))


def read(file: Path) -> Document:
    """Return what the file holds; whatever is wrong with it is in ``complaints``, never raised."""
    document = Document(file=str(file))
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        document.complain(document.file, f"can't be read: {error.strerror}")
    except UnicodeDecodeError as error:
        document.complain(_place_in(document.file, error.object[: error.start]), "is not UTF-8 text")
    else:
        _parse(document, text)
    return document


def parse(text: str, *, name: str) -> Document:
    """Return what ``text`` holds, as ``read`` does for the file ``name``."""
    document = Document(file=name)
    _parse(document, text)
    return document


def _parse(document: Document, text: str) -> None:
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            document.value = {} if node is None else _Walk(document).value_of(node, ())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{document.file}:{mark.line + 1}:{mark.column + 1}" if mark else document.file
        problem = error.problem or error.context or "not YAML"
        document.complain(place, problem, _hint(problem))
    except yaml.reader.ReaderError as error:
        before = text[: int(error.position)].encode()
        document.complain(_place_in(document.file, before), f"a character that YAML does not allow: U+{error.character:04X}")


def _place_in(file: str, before: bytes) -> str:
    """Return the place behind the bytes ``before``."""
    lines = before.split(b"\n")
    return f"{file}:{len(lines)}:{len(lines[-1].decode(errors='replace')) + 1}"


def _hint(problem: str) -> str | None:
    """Return what to do about the slips of syntax that happen most."""
    if "escape" in problem:
        return "in double quotes a backslash begins an escape; put Windows paths in single quotes"
    if "'\\t'" in problem:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "put text that holds ': ' in quotes"
    if "'@'" in problem or "'`'" in problem or "'%'" in problem:
        return "put the text in quotes"
    return None


class _Loader(yaml.BaseLoader):
    """PyYAML up to its nodes, with a bound on nesting (it recurses)."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401 - as PyYAML has it
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # the stubs leave it out
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH}", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Walk:
    """Makes values of nodes, and keeps their places."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0

    def value_of(self, node: yaml.Node, path: KeyPath) -> object:
        self.count += 1
        if self.count > MAX_VALUES or len(path) > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="too many values: aliases (*name) multiply here", problem_mark=node.start_mark)
        self.document.values[path] = self._place(node)
        if isinstance(node, yaml.MappingNode):
            return dict(self._pairs(node, path))
        if isinstance(node, yaml.SequenceNode):
            return [self.value_of(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, object]]:
        for key_node, value_node in node.value:
            place = self._place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                self.document.complain(place, "a key must be text")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if here in self.document.keys:
                self.document.complain(place, f"key '{key}' is given twice", f"first at {self.document.keys[here]}")
                continue
            self.document.keys[here] = place
            yield key, self.value_of(value_node, here)

    def _scalar(self, node: yaml.Node) -> str | int | bool | None:
        if node.tag != _TEXT:
            self.document.complain(self._place(node), f"the tag {node.tag} is not supported", "write the value itself")
            return None
        text = str(node.value)
        if getattr(node, "style", None) is not None:  # quoted or a block: always text
            return text
        if text in _NOTHING:
            return None
        if text in _BOOLEANS:
            return _BOOLEANS[text]
        return int(text) if _INTEGER.fullmatch(text) else text

    def _place(self, node: yaml.Node) -> str:
        mark = node.start_mark
        return f"{self.document.file}:{mark.line + 1}:{mark.column + 1}" if mark else self.document.file
