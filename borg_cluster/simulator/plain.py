"""Dataclasses from what JSON gives: dicts, lists and plain values."""

import types
import typing
from dataclasses import fields, is_dataclass


def from_plain(kind: object, value: object) -> typing.Any:  # noqa: ANN401 - the kind is only known when it is called
    """Return ``value`` as a ``kind``: a dataclass, list[...], dict[str, ...], a union with None, or a plain type.

    Raises TypeError or KeyError when it doesn't fit.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        inner = [one for one in arguments if one is not types.NoneType]
        return None if value is None else from_plain(inner[0], value) if len(inner) == 1 else value
    if origin is list and isinstance(value, list):
        return [from_plain(arguments[0], one) for one in value]
    if origin is dict and isinstance(value, dict):
        return {str(key): from_plain(arguments[1], one) for key, one in value.items()}
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, dict):
        hints = typing.get_type_hints(kind)
        return kind(**{one.name: from_plain(hints[one.name], value[one.name]) for one in fields(kind) if one.name in value})
    if isinstance(kind, type) and not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
