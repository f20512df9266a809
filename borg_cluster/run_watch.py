"""What is heard of a run while it goes: how each archive ended, by job, and what else was done and failed."""

from collections.abc import Callable
from dataclasses import dataclass, field

from borg_cluster.core.event import (
    ArchiveFailed,
    ArchiveFinished,
    Booted,
    Checked,
    Compacted,
    Event,
    NodeFailed,
    Pruned,
    Retrying,
    UpkeepFailed,
    Verified,
    Warned,
)
from borg_cluster.core.followed import Ended
from borg_cluster.core.planned import Skipped
from borg_cluster.errors import ExitCode


@dataclass(slots=True)
class JobCount:
    """What a job made: archives that stand, those that were wanted and are not there, bytes read and stored."""

    done: int = 0
    failed: int = 0
    read: int = 0
    stored: int = 0


@dataclass(slots=True)
class Watch:
    """What happened so far, heard on its way out."""

    emit: Callable[[Event], None]
    done: int = 0
    warnings: int = 0
    retries: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    unopened: set[str] = field(default_factory=set)
    """Labels of repositories that did not open."""
    jobs: dict[str, JobCount] = field(default_factory=dict)
    archives: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()

    def __call__(self, event: Event) -> None:
        """Take note of an event, and pass it on."""
        match event:
            case ArchiveFinished():
                self._archived(event)
            case ArchiveFailed():
                self._failed(event)
            case Verified(warnings=warnings):
                self.done += 1
                self.warnings += len(warnings)
            case Pruned() | Compacted() | Checked() | Booted():
                self.done += 1
            case UpkeepFailed(action=action, subject=subject, reason=reason):
                self.failed.append((subject, f"{action}: {reason}"))
            case NodeFailed() | Warned():
                self.warnings += 1
            case Retrying():
                self.retries += 1
            case _:
                pass
        self.emit(event)

    def looked(self, job: str) -> None:
        """Count that a job asked the cluster."""
        self.done += 1
        self.jobs.setdefault(job, JobCount()).done += 1

    def _archived(self, event: ArchiveFinished) -> None:
        self.done += 1
        self.warnings += len(event.warnings)
        self.archives[event.subject] = event.archive
        count = self.jobs.setdefault(event.job, JobCount())
        count.done += 1
        count.read += event.original_size
        count.stored += event.deduplicated_size

    def _failed(self, event: ArchiveFailed) -> None:
        self.failed.append((event.name, event.reason))
        self.held[event.subject] = f"its archive failed in this run: {event.reason}"
        (self.refusals if event.refused else self.failures)[event.subject] = event.reason
        self.jobs.setdefault(event.job, JobCount()).failed += 1

    @property
    def ended(self) -> Ended:
        """How it ended for its subjects."""
        left_out = {one.subject: one.reason for one in self.skipped if not one.refused}
        return Ended(archives=self.archives, failures=self.failures, refusals=self.refusals, left_out=left_out)

    @property
    def exit_code(self) -> ExitCode:
        """All failed, some failed, warnings, or fine."""
        if self.failed:
            return ExitCode.SOME_FAILED if self.done else ExitCode.ALL_FAILED
        return ExitCode.WARNINGS if self.warnings else ExitCode.FINE
