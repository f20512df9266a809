"""A run's summary, as it is read the morning after: what came of each job, what changed on the cluster, and last what failed."""

from collections.abc import Iterator

from rich.text import Text

from borg_cluster.cli.history import change_words
from borg_cluster.cli.render import counted, duration, moment, sentence, size, words
from borg_cluster.core.followed import FollowedChange, Treatment
from borg_cluster.core.history import ChangeKind
from borg_cluster.run import JobOutcome, RunOutcome

_STYLES = {Treatment.ARCHIVED: "green", Treatment.FAILED: "bold red", Treatment.REFUSED: "bold red"}
_TREATED = {
    Treatment.ARCHIVED: "archived as it is now",
    Treatment.FAILED: "its archive failed",
    Treatment.REFUSED: "refused",
    Treatment.NOT_WANTED: "no archive of its own",
    Treatment.NOT_DUE: "not due",
    Treatment.GONE: "its archives stay",
}
_EXPLAINED = {Treatment.FAILED, Treatment.REFUSED, Treatment.NOT_WANTED}
_MOVES = {ChangeKind.MIGRATED, ChangeKind.MOVED_STORAGE, ChangeKind.RENAMED}
"""Changes after which a list of paths would have read the wrong files, or none."""


def run_view(outcome: RunOutcome) -> list[Text]:
    """Return the summary's lines, for a terminal or a log: none is ever wrapped."""
    parts = [_head(outcome)]
    width = max((len(job.name) for job in outcome.jobs), default=0)
    parts += [_job(job, width) for job in outcome.jobs]
    if outcome.changes and outcome.since is not None:
        parts += [Text(), words(f"Since the run of {moment(outcome.since.isoformat())}", "bold"), *map(_change, outcome.changes)]
    if outcome.failed:
        parts += [Text(), words("Failed", "bold red"), *_failed(outcome)]
    return [*parts, Text(), _counts(outcome)]


def _head(outcome: RunOutcome) -> Text:
    took = duration((outcome.ended - outcome.began).total_seconds())
    when = f"  {moment(outcome.began.isoformat())}, {took}, run {outcome.run_id}"
    return sentence(words(outcome.cluster, "bold"), words(when, "dim"))


def _job(job: JobOutcome, width: int) -> Text:
    name = words(f"  {job.name:<{width}}  ", "bold")
    if not job.due.due:
        return sentence(name, words(f"not due: {job.due.reason}", "dim"))
    sizes = f", {size(job.read)} read, {size(job.stored)} stored" if job.read else ""
    made = "the cluster was asked" if job.looked else f"{counted(job.done, 'archive')}{sizes}"
    failed = words(f", {job.failed} failed", "bold red") if job.failed else Text()
    return sentence(name, made, failed, words(f"  (due: {job.due.reason})", "dim"))


def _change(one: FollowedChange) -> Text:
    change = one.change
    where = f" from {change.was or 'nowhere'} to {change.now or 'nowhere'}" if change.was or change.now else ""
    treated = _TREATED[one.treatment]
    if change.kind in _MOVES and one.treatment is not Treatment.GONE:
        treated = f"followed, {treated}"
    told = f": {one.detail}" if one.treatment in _EXPLAINED else ""
    style = _STYLES.get(one.treatment, "")
    return sentence("  ", words(change.name, "bold"), f" {change_words(change)}{where}; ", words(f"{treated}{told}", style))


def _failed(outcome: RunOutcome) -> Iterator[Text]:
    """Yield a line for each reason, with all that failed by it: what one repository costs is told once."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in outcome.failed:
        by_reason.setdefault(reason, []).append(name)
    for reason, names in by_reason.items():
        yield sentence("  ", Text(", ").join(words(name, "bold") for name in names), "  ", words(reason))


def _counts(outcome: RunOutcome) -> Text:
    style = "bold red" if outcome.failed else "yellow" if outcome.warnings else "green"
    retries = f", {counted(outcome.retries, 'retry', 'retries')}" if outcome.retries else ""
    return words(f"{outcome.done} done, {len(outcome.failed)} failed, {counted(outcome.warnings, 'warning')}{retries}", style)
