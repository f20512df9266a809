"""Verb: begin the catalog anew from what the archives say of themselves.

The repositories hold what matters: each archive its manifest. What happened to VMs between the backups, and what failed, is known
to the catalog alone, and gone with it: that is kept as a gap, and said.
"""

from dataclasses import dataclass
from datetime import UTC, timedelta
from itertools import groupby

from borg_cluster.catalog import Gap, RecordedArchive, Run
from borg_cluster.context import Context
from borg_cluster.core.event import CatalogRebuilt, Warned
from borg_cluster.errors import BorgClusterError, ExitCode
from borg_cluster.upkeep.around import choose, open_upkeep
from borg_cluster.upkeep.ours import look, moment

_LOST = "its file was not there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was found. ``failed`` are repositories that did not open, by label, each with the reason."""

    archives: int
    runs: int
    oldest: str | None
    failed: tuple[tuple[str, str], ...]


def rebuild_if_lost(context: Context, *, reason: str = _LOST) -> Rebuilt | None:
    """Rebuild the catalog if nothing is known of the cluster though a repository holds archives of it; None: no need."""
    cluster = context.policy.cluster
    if context.catalog.archives(cluster) or context.catalog.runs(cluster) or context.catalog.gaps(cluster):
        return None
    rebuilt = rebuild(context, reason=reason)
    if rebuilt.archives:
        found = f"{rebuilt.archives} archives were taken in from the repositories"
        message = f"the catalog was begun anew ({reason}): {found}; what happened before is not known any more"
        if any(job.changed_blocks.use for job in context.policy.jobs):
            message += ", nor what the reference points say: disks are read in full once, then those with our mark go"
        context.emit(Warned(subject=cluster, message=message, hint="borg-cluster history names the gap"))
    return rebuilt


def rebuild(context: Context, *, reason: str) -> Rebuilt:
    """Take every archive of ours into the catalog that it does not know, and the runs that made them.

    Nothing that is known is dropped but archives that are gone. A repository that does not open stops no other.
    ``reason``: why, for people; a gap is kept if the catalog knew none of what is found. Emits CatalogRebuilt if there is any.
    """
    cluster = context.policy.cluster
    known = {(row.repository, row.archive) for row in context.catalog.archives(cluster)}
    failed: list[tuple[str, str]] = []
    for repository in choose(context, ()):
        try:
            look(context, open_upkeep(context, repository))
        except (BorgClusterError, OSError) as error:
            failed.append((repository.label, str(error)))
    rows = context.catalog.archives(cluster)
    new = tuple(row for row in rows if (row.repository, row.archive) not in known)
    runs = _take_in_runs(context, new)
    oldest = min((row.created_at for row in new), default=None)
    if new and not known:
        until = context.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        context.catalog.record_gap(Gap(cluster=cluster, until=until, reason=reason, archives=len(new), runs=runs, oldest=oldest))
    if new:
        context.emit(CatalogRebuilt(cluster=cluster, archives=len(new), runs=runs, oldest=oldest, reason=reason))
    return Rebuilt(archives=len(new), runs=runs, oldest=oldest, failed=tuple(failed))


def _take_in_runs(context: Context, archives: tuple[RecordedArchive, ...]) -> int:
    """Keep the runs that made archives, as far as these tell; return how many."""
    known = {run.run_id for run in context.catalog.runs(context.policy.cluster)}
    count = 0
    for run_id, group in groupby(sorted(archives, key=lambda row: row.run_id), key=lambda row: row.run_id):
        if run_id in known:
            continue
        made = [(moment(row.created_at), moment(row.created_at) + timedelta(seconds=row.seconds)) for row in group]
        context.catalog.record_run(
            Run(
                run_id=run_id,
                cluster=context.policy.cluster,
                verb="create",
                started_at=min(began for began, _ in made).astimezone(UTC).isoformat(),
                finished_at=max(ended for _, ended in made).astimezone(UTC).isoformat(),
                exit_code=ExitCode.WARNINGS,
                done=len(made),
                failed=0,
                warnings=0,
                rebuilt=True,
            )
        )
        count += 1
    return count
