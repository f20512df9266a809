"""An archive whose disks are taken over in part: the request to the child process, and what it told judged.

One block that was told to be unchanged and had changed means that nothing taken over is to be trusted: all is read anew, and the
archives that were made so are marked suspect.
"""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from borg_cluster.borg import Telling
from borg_cluster.borg_created import Created
from borg_cluster.catalog import Takeover
from borg_cluster.changed_blocks import DiskOutcome, dump_request
from borg_cluster.context import Context
from borg_cluster.core.event import Warned
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.errors import BorgFailed
from borg_cluster.reference_points import Reuse

_MOST_NAMED = 5


def take_over(
    context: Context, planned: PlannedArchive, reuse: Reuse | None, create: Callable[[Telling | None, bool], Created]
) -> tuple[Created, Takeover | None]:
    """Have an archive written, from changed blocks where ``reuse`` says so; return it and how its disks were read.

    ``create`` writes it: all of it (None), or with what the child process is told; and whether Borg may take a file for unchanged
    by its time stamp. The record is None where changed blocks were never thought of. Raises what ``create`` raises.
    """
    if reuse is None or (reuse.request is None and reuse.reason is None and not reuse.full):
        return create(None, True), None
    record = Takeover(
        repository=planned.repository, archive=planned.archive, base=None, unread=0, read=0, compared=0, reasons=_reasons(reuse)
    )
    if reuse.request is None:
        return create(None, not reuse.in_full), record
    told: dict[str, DiskOutcome] = {}

    def hear(outcome: DiskOutcome) -> None:
        told[outcome.archive_path] = outcome

    with tempfile.TemporaryDirectory(prefix="changed-", dir=context.state) as folder:
        request = Path(folder) / "request.json"
        request.write_text(dump_request(reuse.request), encoding="utf-8")
        try:
            created = create(Telling(request=request, hear=hear), not reuse.in_full)
        except BorgFailed:
            if not _judge(context, planned, told.values()):
                raise
            # Borg's files cache may hold the same wrong blocks: nothing counts but what is read now
            return create(None, False), replace(record, reasons=(*record.reasons, "Windows' changes were found to be wrong"))
    _judge(context, planned, told.values())
    unread = sum(one.taken for one in told.values())
    reasons = (*record.reasons, *(f"{one.archive_path}: {one.reason}" for one in told.values() if one.reason is not None))
    return created, replace(
        record,
        base=reuse.request.base.archive if unread else None,
        unread=unread,
        read=sum(one.read for one in told.values()),
        compared=sum(one.compared for one in told.values()),
        reasons=reasons,
    )


def _reasons(reuse: Reuse) -> tuple[str, ...]:
    whole = () if reuse.reason is None else (reuse.reason,)
    return (*whole, *(f"{one.archive_path}: {one.reason}" for one in reuse.full))


def _judge(context: Context, planned: PlannedArchive, told: Iterable[DiskOutcome]) -> bool:
    """Tell of blocks that had changed though they were told unchanged, and mark what builds on them; return if there were."""
    wrong = [one for one in told if one.wrong]
    for one in wrong:
        reason = f"{one.archive_path} had changed at byte {one.wrong[0]}, though Windows told nothing of it"
        names = context.catalog.mark_suspect(planned.repository, planned.subject, reason)
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        whose = f"; made from changed blocks and suspect: {', '.join(names[:_MOST_NAMED])}{more}" if names else ""
        hint = "set changed_blocks: never for its job until you know why; restore from an archive that was read in full"
        context.emit(
            Warned(subject=planned.subject, message=f"{planned.name}: {reason}{whose}; all of it is read now", hint=hint)
        )
    return bool(wrong)
