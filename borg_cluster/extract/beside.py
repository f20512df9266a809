"""Plan and records beside the staged files, so that another backup host can take a restore over.

Each record is on the volume before what it speaks of is done, as it is in the state directory. A host that goes on first looks
whether the volume knows more: then another host went on meanwhile, and what it wrote counts.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from borg_cluster import journal
from borg_cluster.context import Context
from borg_cluster.core import step as kinds
from borg_cluster.core.archive import FOLDER
from borg_cluster.core.policy import Mount, locate
from borg_cluster.core.progress import Noted, Progress, Record, Replanned
from borg_cluster.core.restore_case import PlannedStep
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.errors import NotMapped, Refused, RestoreStopped
from borg_cluster.extract.claiming import HOLDERS

ROOM = "journal"
"""Its folder, beside staged, parked and saved."""


def folder_of(context: Context, plan: RestorePlan) -> Path | None:
    """Return where a restore's plan and records lie on its volume, as this host reaches it; None: it has no folder."""
    located = (locate(folder, context.policy.mounts, node=plan.node) for folder in plan.folders)
    return next((Path(one.local_path) / ROOM for one in located if one is not None and one.mount.writable), None)


def on_volumes(context: Context) -> tuple[Progress, ...]:
    """Return the restores of this cluster that lie on the volumes, as far as they can be read."""
    return tuple(
        progress
        for progress in _found(context)
        if (progress.plan.cluster or progress.plan.manifest.cluster) == context.policy.cluster
    )


def _found(context: Context) -> Iterator[Progress]:
    for mount in context.policy.mounts:
        for plan in sorted(Path(mount.path).glob(f"{FOLDER}/*/{ROOM}/{journal.PLAN}")):
            try:
                yield journal.read_folder(plan.parent)
            except (RestoreStopped, OSError):
                continue  # it is written just now, or removed


def bring_up_to_date(context: Context, restore_id: str) -> None:
    """Take over what the volume knows and this host doesn't, before a restore is gone on with.

    Raises Refused if there is no such restore, or if another host has ended it.
    """
    here = journal.read(context.state, restore_id) if journal.is_known(context.state, restore_id) else None
    plan = here.plan if here is not None else next((one.plan for one in on_volumes(context) if _id(one) == restore_id), None)
    if plan is None:
        raise Refused(f"there is no restore {restore_id}", hint="borg-cluster restores --on-volumes")
    there = folder_of(context, plan)
    if there is None or not (there / journal.PLAN).exists():
        if here is not None and _was_kept(here):
            raise Refused(
                f"the restore {restore_id} lies no more on its volume: another host has ended it, or {there} is not mounted",
                hint="look there first; borg-cluster restores",
            )
        return
    known = journal.records(context.state / "restores" / restore_id) if here is not None else ()
    found = journal.records(there)
    if here is None or len(found) > len(known):
        mounts = context.policy.mounts
        told = tuple(_relocated(record, mounts) for record in found if not _is_of_holders(record))
        journal.adopt(context.state, relocate(journal.read_folder(there).plan, mounts), told)


def _id(progress: Progress) -> str:
    return progress.plan.source.restore_id


def _was_kept(progress: Progress) -> bool:
    """Whether plan and records were put beside the files, and nothing of this restore's own has removed them since."""
    claimed = any(isinstance(step, kinds.Claim) for step in progress.begun if step != progress.next_step)
    removed = any(removes_folders(one, progress.plan) for one in (*progress.begun, *_walked(progress)))
    return claimed and not removed and progress.outcome not in {"refused", "undone", "released"}


def removes_folders(step: kinds.Step, plan: RestorePlan) -> bool:
    """Whether a step takes this restore's folders away as a whole: each undo and release, and the end of a copy's restore."""
    return isinstance(step, kinds.Release) or (isinstance(step, kinds.Clear) and set(plan.folders) <= set(step.folders))


def _walked(progress: Progress) -> tuple[kinds.Step, ...]:
    """Return the steps that are done, or in doubt."""
    following = progress.next_step
    return (*progress.done, following) if progress.in_doubt and following is not None else progress.done


def _is_of_holders(record: Record) -> bool:
    """Who held it elsewhere is not known to be dead here."""
    return isinstance(record, Noted) and record.fact == HOLDERS


def _relocated(record: Record, mounts: tuple[Mount, ...]) -> Record:
    return replace(record, plan=relocate(record.plan, mounts)) if isinstance(record, Replanned) else record


def relocate(plan: RestorePlan, mounts: tuple[Mount, ...]) -> RestorePlan:
    """Return a plan of another host with the places where this one reaches the staged files. Raises NotMapped."""

    def here(file: kinds.StagedFile) -> kinds.StagedFile:
        located = locate(file.staged, mounts, node=plan.node)
        if located is None or not located.local_path.endswith(f"/{file.archive_path}"):
            raise NotMapped(
                f"{file.staged} lies on no mount of the configuration", hint="add its volume to mounts:", path=file.staged
            )
        return replace(file, local_path=located.local_path)

    def moved(planned: PlannedStep) -> PlannedStep:
        step = planned.step
        if isinstance(step, kinds.Stage | kinds.Inspect):
            return replace(planned, step=replace(step, files=tuple(map(here, step.files))))
        return planned

    return replace(plan, files=tuple(map(here, plan.files)), steps=tuple(map(moved, plan.steps)))
