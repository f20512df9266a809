"""What happened while repositories were looked after. A part of ``event``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """Archives that the rules no longer keep were removed (``dry_run``: would be).

    ``removed`` are their names, ``kept`` counts the others of ours, ``held`` those of them that the rules alone would remove.
    """

    repository: str
    removed: tuple[str, ...]
    kept: int
    held: int
    seconds: float
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """The space of removed archives was freed; ``message`` is Borg's own word on how much."""

    repository: str
    message: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A check of a repository found nothing wrong; ``check`` is its kind."""

    repository: str
    check: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """An archive was extracted, compared and found whole. ``size`` bytes."""

    subject: str
    name: str
    archive: str
    repository: str
    files: int
    size: int
    seconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """A copy of an archived VM was started on ``node``, gave a heartbeat (Windows' word for it), and is gone again."""

    subject: str
    name: str
    archive: str
    repository: str
    node: str
    heartbeat: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UpkeepFailed:
    """Prune, compact, a check, a verification, or one of several restores, failed.

    ``action`` which (``extract``: a restore), ``subject`` the repository's label or the VM's name.
    """

    action: str
    subject: str
    reason: str
    hint: str | None
