"""What is asked of a restore: which VM, from which archive, where to, and how it is to end."""

from dataclasses import dataclass
from enum import StrEnum


class Availability(StrEnum):
    """Whether the restored VM is highly available."""

    YES = "yes"
    NO = "no"
    AS_WAS = "as-was"
    """As it was when it was backed up."""
    AS_IS = "as-is"
    """As it is now; a VM that is gone: as it was."""


class Part(StrEnum):
    """How much of a VM is restored."""

    ALL = "all"
    DISKS = "disks"
    """Its disks (or some of them) in the places where they are now; its configuration stays as it is."""
    CONFIGURATION = "configuration"
    """Its configuration; its disks stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreRequest:
    """What is asked for: a VM (name or id) from an archive ('latest', its name, or a date), in its own place or another one.

    ``ha`` None: if it is highly available now or was then. ``start`` None: as the VM is now, or else was then; a copy stays off.
    ``node`` and ``volume`` (a mount's name or Windows path) None: where it is now, or else was then. ``copy_name``: a copy of
    that name under a new id, beside whatever there is of the original, which is not touched. ``disks``: of a restore of disks
    alone only those at these positions (SCSI:0:1). ``in_place``: the old disks are deleted before the new ones are extracted.
    """

    vm: str
    archive: str = "latest"
    ha: Availability | None = None
    start: bool | None = None
    node: str | None = None
    volume: str | None = None
    copy_name: str | None = None
    part: Part = Part.ALL
    disks: tuple[str, ...] = ()
    in_place: bool = False
    cluster: str | None = None
    """Of which cluster the archive is; None: of the one that is restored to."""
    mapped: tuple[tuple[str, str], ...] = ()
    """Where storage of the archive is here: a mount's name in it, or a Windows path, and a mount of the configuration."""

    @property
    def is_copy(self) -> bool:
        """Whether the VM comes back under a new id."""
        return self.copy_name is not None

    @property
    def is_elsewhere(self) -> bool:
        """Whether its files go to other places than those that the archive names."""
        return self.volume is not None or self.is_copy
