"""What a run did about the VMs that changed since the one before: followed, and what became of their archives. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from borg_cluster.core.history import Change, ChangeKind


class Treatment(StrEnum):
    """What a run did about a VM that changed."""

    ARCHIVED = "archived"
    """It has an archive of this run, as it is now."""
    FAILED = "failed"
    REFUSED = "refused"
    NOT_WANTED = "not_wanted"
    """No job of this run wants it."""
    NOT_DUE = "not_due"
    """No job that wants it was due."""
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedChange:
    """A change, and what this run did about it; ``detail`` the archive's name, or why there is none."""

    change: Change
    treatment: Treatment
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How this run ended for its subjects, by id: names of archives, reasons of failures and refusals, and what was left out."""

    archives: Mapping[str, str]
    failures: Mapping[str, str]
    refusals: Mapping[str, str]
    left_out: Mapping[str, str]


def follow(changes: tuple[Change, ...], ended: Ended) -> tuple[FollowedChange, ...]:
    """Return each change with what was done about it. What vanished later than it appeared is gone, whatever came before."""
    gone = {change.vm_id: change.kind is ChangeKind.VANISHED for change in changes}  # the newest of each counts
    return tuple(_followed(change, ended, gone=gone[change.vm_id]) for change in changes)


def _followed(change: Change, ended: Ended, *, gone: bool) -> FollowedChange:
    vm_id = change.vm_id
    found = (
        (Treatment.ARCHIVED, ended.archives.get(vm_id)),
        (Treatment.FAILED, ended.failures.get(vm_id)),
        (Treatment.REFUSED, ended.refusals.get(vm_id)),
        (Treatment.GONE, "its archives stay" if gone else None),
        (Treatment.NOT_WANTED, ended.left_out.get(vm_id)),
    )
    treatment, detail = next(
        ((one, text) for one, text in found if text is not None), (Treatment.NOT_DUE, "no job that wants it was due")
    )
    return FollowedChange(change=change, treatment=treatment, detail=detail or "")
