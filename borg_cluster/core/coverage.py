"""Who is covered: each VM with its last good archive against its promise, each volume, and what no job takes care of. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from borg_cluster.core.archive import CLOCK_SKEW
from borg_cluster.core.inventory import Inventory, VirtualMachine
from borg_cluster.core.policy import Job, JobKind, Mount, Policy
from borg_cluster.core.selection import choose, refuse
from borg_cluster.core.volume_plan import wants_volume


class CoverageState(StrEnum):
    """How well something is covered."""

    GOOD = "good"
    OVERDUE = "overdue"
    """Its newest archive is older than its job promises, or nobody knows how old it is."""
    FAILED = "failed"
    """The newest attempt failed or never ended."""
    REFUSED = "refused"
    """It can't be saved truthfully as it is now."""
    NEVER = "never"
    """A job wants it, and there is no archive yet."""
    UNCOVERED = "uncovered"
    """No job wants it."""
    EXCLUDED = "excluded"
    """A job excludes it by name, and no other one wants it."""


FINE = frozenset({CoverageState.GOOD, CoverageState.EXCLUDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The newest archive of a subject."""

    archive: str
    made_at: datetime
    repository: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One VM or volume. ``age`` of its newest archive and ``promise`` (the least ``max_age`` of its jobs) are seconds."""

    subject: str
    name: str
    state: CoverageState
    reason: str
    jobs: tuple[str, ...]
    archive: str | None
    made_at: datetime | None
    age: float | None
    promise: int | None
    repository: str | None = None
    """Where its newest archive is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The whole cluster; VMs by name, volumes in the configuration's order."""

    virtual_machines: tuple[Covered, ...]
    volumes: tuple[Covered, ...]

    @property
    def is_fine(self) -> bool:
        """Whether nothing is overdue, failed, refused or uncovered."""
        return all(one.state in FINE for one in (*self.virtual_machines, *self.volumes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of the past: newest archives and failures of the newest attempts, by subject."""

    newest: Mapping[str, Newest]
    failures: Mapping[str, str]


def coverage(inventory: Inventory, policy: Policy, past: Past, now: datetime) -> Coverage:
    """Return how well each VM and each volume is covered at ``now``."""
    vms = sorted(inventory.virtual_machines, key=lambda vm: (vm.name.lower(), vm.id))
    return Coverage(
        virtual_machines=tuple(_vm(vm, inventory, policy, past, now) for vm in vms),
        volumes=tuple(_volume(mount, policy, past, now) for mount in policy.mounts),
    )


def _vm(vm: VirtualMachine, inventory: Inventory, policy: Policy, past: Past, now: datetime) -> Covered:
    jobs = tuple(job for job in policy.jobs if job.kind is JobKind.VIRTUAL_MACHINES)
    choices = {job.name: choose(vm, job.select, policy.mounts) for job in jobs}
    wanting = tuple(job for job in jobs if choices[job.name].wanted)
    found = _covered(vm.id, vm.name, wanting, past, now)
    if not wanting:
        excluded = next((choice.reason for choice in choices.values() if choice.code == "excluded"), None)
        state = CoverageState.UNCOVERED if excluded is None else CoverageState.EXCLUDED
        return replace(found, state=state, reason=excluded or "no job wants it")
    refusal = refuse(vm, inventory.findings, policy)
    return found if refusal is None else replace(found, state=CoverageState.REFUSED, reason=refusal.reason)


def _volume(mount: Mount, policy: Policy, past: Past, now: datetime) -> Covered:
    wanting = tuple(job for job in policy.jobs if job.kind is JobKind.VOLUMES and wants_volume(job, mount))
    found = _covered(mount.name, mount.name, wanting, past, now)
    return found if wanting else replace(found, state=CoverageState.UNCOVERED, reason="no job saves it")


def _covered(subject: str, name: str, jobs: tuple[Job, ...], past: Past, now: datetime) -> Covered:
    """Return how something that ``jobs`` want is covered, by its archives alone."""
    newest = past.newest.get(subject)
    promise = min((job.max_age for job in jobs if job.max_age is not None), default=None)
    age = None if newest is None else (now - newest.made_at).total_seconds()
    if subject in past.failures:
        state, reason = CoverageState.FAILED, past.failures[subject]
    elif age is None:
        state, reason = CoverageState.NEVER, "it has no archive yet"
    elif age < -CLOCK_SKEW.total_seconds():
        state, reason = (
            CoverageState.OVERDUE,
            "its newest archive is dated in the future: its age isn't known",
        )
    elif promise is not None and age > promise:
        state, reason = CoverageState.OVERDUE, "its newest archive is older than its job promises"
    else:
        state, reason = CoverageState.GOOD, ""
    return Covered(
        subject=subject,
        name=name,
        state=state,
        reason=reason,
        jobs=tuple(job.name for job in jobs),
        archive=None if newest is None else newest.archive,
        made_at=None if newest is None else newest.made_at,
        age=age,
        promise=promise,
        repository=None if newest is None else newest.repository,
    )
