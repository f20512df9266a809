"""What pydantic found, said in our words and with its place."""

import difflib
import re
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from borg_cluster.config.document import Document, KeyPath
from borg_cluster.config.keys import Configuration

_WANTS = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}
_YES_NO = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}


def complain(document: Document, error: ErrorDetails) -> None:
    """Add the complaint that ``error`` is to ``document``."""
    path: KeyPath = tuple(part for part in error["loc"] if part != "[key]")
    kind = error["type"]
    if kind == "extra_forbidden":
        key, known = str(path[-1]), _keys_at(path[:-1])
        document.complain(document.place(path, of_key=True), f"unknown key '{_dotted(path)}'", _nearest(key, known))
    elif kind == "missing":
        document.complain(document.place(path[:-1]), f"'{_dotted(path)}' is missing")
    else:
        message, hint = _message(error, path)
        document.complain(document.place(path, of_key="[key]" in error["loc"]), message, hint)


def _message(error: ErrorDetails, path: KeyPath) -> tuple[str, str | None]:
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    name = _dotted(path)
    if kind in _WANTS:
        hint = f"write {_YES_NO[given.lower()]}" if kind == "bool_type" and _is_yes_no(given) else _list_hint(kind, given)
        return f"'{name}' wants {_WANTS[kind]}, not {_kind(given)}", hint
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"'{name}' must be {words} {context[key]}, not {given}", None
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", str(context["expected"]))
        said = f"'{given}'" if isinstance(given, str) else _kind(given)
        return f"'{name}' wants one of {', '.join(choices)}, not {said}", _near(str(given), choices)
    if kind == "value_error":
        return f"'{name}': {context['error']}", getattr(context["error"], "hint", None)
    if kind in {"too_short", "string_too_short"}:
        return f"'{name}' is empty", None
    return f"'{name}': {error['msg']}", None


def _is_yes_no(given: object) -> bool:
    return isinstance(given, str) and given.lower() in _YES_NO


def _list_hint(kind: str, given: object) -> str | None:
    return "one item a line, each behind '- '" if kind == "list_type" and not isinstance(given, dict | list) else None


def _kind(given: object) -> str:
    """Return what kind of value was given, never the value: it may be a secret in a wrong place."""
    names: dict[type, str] = {bool: "true or false", int: "a number", str: "text", list: "a list", dict: "a mapping"}
    return "nothing" if given is None else names.get(type(given), type(given).__name__)


def _dotted(path: KeyPath) -> str:
    """Return a path as people write it: ``jobs.nightly.select.include[0].name``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".") or "the file"


def _nearest(word: str, known: list[str]) -> str | None:
    """Return the hint that names the known word nearest to ``word``; all of them if none is near."""
    return _near(word, known) or (f"known here: {', '.join(known)}" if known else None)


def _near(word: str, known: list[str]) -> str | None:
    near = difflib.get_close_matches(word.lower().replace("-", "_"), known, n=1)
    return f"did you mean '{near[0]}'?" if near else None


def _keys_at(path: KeyPath) -> list[str]:
    """Return the keys that a mapping at ``path`` may have."""
    here: Any = Configuration
    for part in path:
        here = _model_in(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = here.model_fields.get(str(part))
            here = field.annotation if field else None
        else:  # a list or a dict of models
            here = get_args(here)[-1] if get_args(here) else None
    here = _model_in(here)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _model_in(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no type of their own
    """Return an annotation without Annotated and without None."""
    while get_origin(annotation) in {Annotated, Union, UnionType}:
        annotation = get_args(annotation)[0]
    return annotation
