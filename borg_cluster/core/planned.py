"""What one run will save, as decided: the nouns of ``backup_plan``, which makes them."""

from dataclasses import dataclass

from borg_cluster.core.archive import ArchivedFile, ArchiveKind, Consistency

THIS_RUN = "this run"
"""LeftOut.held_by: the VM's archive is made in the same run."""
NOWHERE = "no archive: Windows makes it anew"
"""LeftOut.held_by: change tracking and smart paging files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """A file to read: where it is here, and what it will be called."""

    local_path: str
    file: ArchivedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A VM's file that a volume archive leaves out, and whose archive holds it.

    ``vm_id`` is empty for a folder below that is a volume of its own, with its own archive in this run (``held_by``).
    """

    local_path: str
    archive_path: str
    vm_id: str
    held_by: str
    """THIS_RUN, the name of the VM's newest good archive, or NOWHERE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedArchive:
    """One archive to make.

    ``roots`` (volume archives): (local folder, name inside archives) of the mount; ``files`` (VM archives): the list to read.
    """

    kind: ArchiveKind
    job: str
    repository: str
    subject: str
    name: str
    node: str | None
    archive: str
    comment: str
    consistency: Consistency
    consistency_reason: str
    reason: str
    """Why it is planned: the condition that selected it."""
    files: tuple[PlannedFile, ...]
    roots: tuple[tuple[str, str], ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    repository_reason: str = ""
    """Why it goes into its repository."""


_BY_CONDITION = frozenset({"not_selected", "excluded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A VM or volume without an archive in this plan, with the reason.

    ``refused``: it was wanted, but can't be saved truthfully; it counts as failed. Otherwise the configuration leaves it out.
    """

    job: str
    subject: str
    name: str
    code: str
    """not_selected, excluded, not_mapped, no_node_reports_it, storage_critical, pass_through, shared_disk, chain_broken, ..."""
    reason: str
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncovered:
    """A VM whose files stay in the volume's archive because no good own archive of it is young enough, or none at all."""

    subject: str
    name: str
    reason: str
    by_choice: bool
    """No job wants an archive of its own for it: something to know, and no warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodArchive:
    """A VM's newest good archive, from the catalog. ``created_at`` ISO UTC; ``job`` whose max_age counts."""

    vm_id: str
    archive: str
    created_at: str
    job: str
    archive_paths: tuple[str, ...]
    """What it holds: only these files may be left out of a volume's archive on its account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPlan:
    """What one run will save. ``run_id`` is the batch number."""

    cluster: str
    run_id: str
    at: str
    archives: tuple[PlannedArchive, ...]
    skipped: tuple[Skipped, ...]
    uncovered: tuple[Uncovered, ...]

    @property
    def idle(self) -> tuple[str, ...]:
        """The jobs that take none of the VMs (or volumes) that there are: a condition is mistyped, most likely."""
        left_out = {skipped.job for skipped in self.skipped if skipped.code in _BY_CONDITION}
        busy = {archive.job for archive in self.archives} | {it.job for it in self.skipped if it.code not in _BY_CONDITION}
        return tuple(sorted(left_out - busy))
