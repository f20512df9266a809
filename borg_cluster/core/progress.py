"""How far a restore got: replay(plan, records) -> Progress. Pure.

Begun is recorded before a step acts and Done after, so that a step begun and not done is in doubt, and nothing else ever is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.step import Step

COPY_ID = "copy_id"
"""The fact that tells which id Windows gave a copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A step is about to act. ``at`` ISO UTC, as in every record."""

    record: Literal["begun"] = "begun"
    step: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A step is done; ``acted`` False: it was found done."""

    record: Literal["done"] = "done"
    step: str
    at: str
    acted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A fact that a later step, or the undo, needs: ``role_setting``, ``node``, ``warning``, ``copy_id``."""

    record: Literal["noted"] = "noted"
    fact: str
    value: object
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """The old VM isn't what the plan knew: this plan is in force from here on. What it has in common stays done."""

    record: Literal["replanned"] = "replanned"
    plan: RestorePlan
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """From here on other steps are walked: ``purpose`` 'undo' takes the restore back, 'release' deletes the parked old VM."""

    record: Literal["turned"] = "turned"
    purpose: Literal["undo", "release"]
    steps: tuple[Step, ...]
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The walk ended: ``restored``, ``undone``, ``released``, or ``refused`` (the claim was another's; nothing was done)."""

    record: Literal["finished"] = "finished"
    outcome: Literal["restored", "undone", "released", "refused"]
    at: str


Record = Begun | Done | Noted | Replanned | Turned | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a restore stands.

    ``steps`` are those being walked, ``done`` the ones of them that are done; ``begun`` every step of the restore proper in the
    order in which they were first begun (what an undo takes back). ``in_doubt``: the next step was begun and not done.
    """

    plan: RestorePlan
    purpose: Literal["restore", "undo", "release"]
    steps: tuple[Step, ...]
    done: tuple[Step, ...]
    begun: tuple[Step, ...]
    in_doubt: bool
    facts: dict[str, object]
    warnings: tuple[str, ...]
    """Of these steps; those of a restore that is taken back are no more."""
    outcome: str | None
    """Of the walk that finished last, as long as no other has begun."""
    stopped_at: str | None
    """When the VM began to stop, and when it ran again."""
    started_at: str | None
    begun_at: str | None = None
    """When the first step was begun, and when the walk that finished last did."""
    finished_at: str | None = None

    @property
    def vm_id(self) -> str:
        """The id of the VM that is restored. A copy's own, once that is known; until then the restore's, which is no VM's."""
        noted = self.facts.get(COPY_ID)
        return noted if isinstance(noted, str) else self.claimed_id

    @property
    def claimed_id(self) -> str:
        """The id under which the claim is made: the VM's, or, since a copy touches no VM that is there, the restore's."""
        return self.plan.source.restore_id if self.plan.request.is_copy else self.plan.vm_id

    @property
    def next_step(self) -> Step | None:
        """The first step that is not done. A step of a plan made anew counts as done only if it is still the same."""
        return next((step for step in self.steps if step not in self.done), None)

    @property
    def offline_seconds(self) -> float | None:
        """Seconds from the stop's begin to the start's end, whoever carried them out."""
        if self.stopped_at is None or self.started_at is None:
            return None
        return (datetime.fromisoformat(self.started_at) - datetime.fromisoformat(self.stopped_at)).total_seconds()

    def replaced_disks_since(self, at: datetime) -> bool:
        """Return whether disks may have been put in place, or taken back, after an archive was begun. A release only deletes.

        ``at`` is in full seconds, as archives are dated. A restore and a backup of one VM are never under way at the same time: a
        restore that was begun before that second, and ended within it, ended first.
        """
        if self.begun_at is None or self.outcome == "refused":
            return False
        ended = self.finished_at if self.outcome is not None else None
        open_or_later = ended is None or datetime.fromisoformat(ended) >= at + timedelta(seconds=1)
        return datetime.fromisoformat(self.begun_at) > at or (self.purpose != "release" and open_or_later)

    def parked_until(self, keep_parked: int) -> datetime | None:
        """Return when the old VM may go that a finished restore has parked for ``keep_parked`` seconds; None: there is none."""
        if self.outcome != "restored" or not self.can_undo or self.finished_at is None:
            return None
        return datetime.fromisoformat(self.finished_at) + timedelta(seconds=keep_parked)

    @property
    def can_undo(self) -> bool:
        """Nothing of the old VM has been deleted."""
        return not any(step.kind == "Release" for step in self.begun) and self.purpose != "release" and self.outcome != "refused"


def replay(plan: RestorePlan, records: Iterable[Record]) -> Progress:
    """Return how far the records lead. Raises ValueError if a record speaks of a step that isn't being walked."""
    progress = Progress(
        plan=plan,
        purpose="restore",
        steps=tuple(planned.step for planned in plan.steps),
        done=(),
        begun=(),
        in_doubt=False,
        facts={},
        warnings=(),
        outcome=None,
        stopped_at=None,
        started_at=None,
    )
    for record in records:
        progress = advance(progress, record)
    return progress


def advance(progress: Progress, record: Record) -> Progress:
    """Return the progress after one more record."""
    match record:
        case Begun():
            after = _begin(progress, record)
        case Done():
            after = _finish_step(progress, record)
        case Noted(fact="warning"):
            after = replace(progress, warnings=(*progress.warnings, str(record.value)))
        case Noted():
            after = replace(progress, facts=progress.facts | {record.fact: record.value})
        case Replanned():
            steps = tuple(planned.step for planned in record.plan.steps)
            after = replace(progress, plan=record.plan, steps=steps, in_doubt=False)
        case Turned():
            after = replace(
                progress, purpose=record.purpose, steps=record.steps, done=(), in_doubt=False, warnings=(), outcome=None
            )
        case Finished():
            after = replace(progress, outcome=record.outcome, in_doubt=False, finished_at=record.at)
    return after


def _step(progress: Progress, kind: str) -> Step:
    step = progress.next_step
    if step is None or step.kind != kind:
        raise ValueError(f"the journal speaks of {kind} where {step.kind if step else 'nothing'} is next")
    return step


def _begin(progress: Progress, record: Begun) -> Progress:
    step = _step(progress, record.step)
    progress = replace(progress, begun_at=progress.begun_at or record.at)
    if progress.purpose != "restore":
        # Once a release has begun to delete there is nothing left to put back.
        begun = (*progress.begun, step) if step.kind == "Release" else progress.begun
        return replace(progress, begun=begun, in_doubt=True)
    begun = progress.begun if step in progress.begun else (*progress.begun, step)
    stopped_at = record.at if step.kind == "Stop" and progress.stopped_at is None else progress.stopped_at
    return replace(progress, begun=begun, in_doubt=True, outcome=None, stopped_at=stopped_at)


def _finish_step(progress: Progress, record: Done) -> Progress:
    step = _step(progress, record.step)
    started = progress.purpose == "restore" and step.kind == "Start"
    return replace(
        progress,
        done=(*progress.done, step),
        in_doubt=False,
        started_at=record.at if started else progress.started_at,
    )
