"""Files of a restore on their way: renames, copies, and what is extracted beside its place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A rename on one volume, or a copy: two Windows paths."""

    source: str
    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A file of the archive and where it is staged (``staged`` for Windows, ``local_path`` here) before its ``final`` place.

    ``size`` bytes and ``identifier`` (of a VHDX) as the manifest has them; None: not known, not compared.
    """

    archive_path: str
    kind: str
    size: int | None
    identifier: str | None
    final: str
    staged: str
    local_path: str
