"""Steps that only some restores have: those of a copy beside its original, and that of one that takes an old one's place."""

from dataclasses import dataclass
from typing import Literal

from borg_cluster.core.staged import Move, StagedFile


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Ask the node what would hinder it from registering the staged configuration, while the old VM is still untouched."""

    kind: Literal["Compare"] = "Compare"
    path: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearse:
    """Read every byte of the archive's files once, and write none: the old ones are deleted before the new ones are extracted."""

    kind: Literal["Rehearse"] = "Rehearse"
    files: tuple[StagedFile, ...]
