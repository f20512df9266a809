"""The steps that only a copy has: a VM from the archive beside the one that it was made of, under a new id and another name."""

from dataclasses import dataclass
from typing import Literal

from borg_cluster.core.staged import Move


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCopy:
    """Register the copy of ``original`` (a VM id) by the configuration at ``path``, with no adapter connected.

    Windows chooses its id, which is noted as the fact ``copy_id``.
    """

    kind: Literal["RegisterCopy"] = "RegisterCopy"
    path: str
    original: str
    name: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TidyCopy:
    """Take the configuration that the copy was made from out of its folder: it has the original's id."""

    kind: Literal["TidyCopy"] = "TidyCopy"
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindCopy:
    """Find a copy that may have been registered without our hearing of it, by the restore's mark in its notes."""

    kind: Literal["FindCopy"] = "FindCopy"
