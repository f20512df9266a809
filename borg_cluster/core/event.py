"""What happened. Events are the only way out of the verbs: terminal, JSON log, catalog, plugins and exit code live on them."""

from dataclasses import dataclass

from borg_cluster.core.inventory import Finding
from borg_cluster.core.upkeep_event import Booted, Checked, Compacted, Pruned, UpkeepFailed, Verified

__all__ = [
    "ArchiveFailed",
    "ArchiveFinished",
    "ArchiveStarted",
    "Booted",
    "CatalogRebuilt",
    "Checked",
    "CommandHookRan",
    "Compacted",
    "Discovered",
    "Event",
    "Followed",
    "NodeAnswered",
    "NodeAsked",
    "NodeFailed",
    "Noted",
    "Progress",
    "Pruned",
    "RestoreFinished",
    "Retrying",
    "RunFinished",
    "RunStarted",
    "StepBegun",
    "StepDone",
    "UpkeepFailed",
    "Verified",
    "Warned",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A backup run begins: ``verb`` 'create' or 'run'; ``run_id`` is in the manifests of its archives."""

    run_id: str
    cluster: str
    verb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """A backup run ended, with ``exit_code``; ``reason`` if it could not go on. The last event of it.

    ``retries`` counts what was tried again.
    """

    run_id: str
    cluster: str
    verb: str
    exit_code: int
    done: int
    failed: int
    warnings: int
    seconds: float
    reason: str | None
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAsked:
    """A report is asked of a node."""

    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswered:
    """A node answered in ``seconds``."""

    node: str
    virtual_machines: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed:
    """A node gave no report."""

    node: str
    reason: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """An inventory was made (``age`` 0) or an earlier one is young enough to be used (``age`` seconds)."""

    cluster: str
    nodes: int
    virtual_machines: int
    highly_available: int
    findings: tuple[Finding, ...]
    seconds: float
    age: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveStarted:
    """An archive is begun. ``subject`` VM id or volume, ``name`` for people."""

    job: str
    subject: str
    name: str
    archive: str
    node: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Bytes read so far of the archive under way, or a restore's extraction."""

    subject: str
    done: int
    total: int
    path: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFinished:
    """An archive stands under its final name."""

    job: str
    subject: str
    name: str
    archive: str
    consistency: str
    original_size: int
    deduplicated_size: int
    files: int
    seconds: float
    warnings: tuple[str, ...]
    unread: int = 0
    """Bytes of ``original_size`` that were taken over from an earlier archive without being read."""
    read_in_full: tuple[str, ...] = ()
    """Where changed blocks were wanted: why disks were read in full all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFailed:
    """A VM or volume has no archive from this run; ``refused``: it was never begun."""

    job: str
    subject: str
    name: str
    reason: str
    hint: str | None
    refused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrying:
    """Something failed for a ``reason`` that may pass, and is tried again in ``seconds``: retry ``number`` of ``most``.

    ``fault`` is the kind of it (``core/retry.py``), ``why`` what is hoped for.
    """

    subject: str
    name: str
    fault: str
    reason: str
    why: str
    number: int
    most: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A VM was not where the inventory said and is followed."""

    subject: str
    name: str
    was: str | None
    now: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegun:
    """A step of a restore begins."""

    restore_id: str
    step: str
    number: int
    total: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """A step is done; ``acted`` False: it was found done already."""

    restore_id: str
    step: str
    acted: bool
    seconds: float
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFinished:
    """A restore ended: ``outcome`` 'restored' or 'undone'; ``offline_seconds`` from the role's stop to its start."""

    restore_id: str
    subject: str
    name: str
    outcome: str
    offline_seconds: float | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something to know that is as it was meant to be."""

    subject: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something to know that stops nothing; ``subject`` what it is about."""

    subject: str
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandHookRan:
    """A before or after command ended."""

    moment: str
    scope: str
    command: str
    return_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginCalled:
    """A plugin's hook was called (``--trace-plugins``): ``outcome`` 'answered', 'nothing' or its error, never what it said."""

    plugin: str
    hook: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRebuilt:
    """Archives that the catalog did not know were taken into it, with the ``runs`` that made them; ``reason`` why it was so.

    ``oldest`` is when the first of them was made. What only the catalog knew, the history of the VMs above all, is gone.
    """

    cluster: str
    archives: int
    runs: int
    oldest: str | None
    reason: str


Event = (
    RunStarted
    | RunFinished
    | NodeAsked
    | NodeAnswered
    | NodeFailed
    | Discovered
    | ArchiveStarted
    | Progress
    | ArchiveFinished
    | ArchiveFailed
    | Retrying
    | Followed
    | StepBegun
    | StepDone
    | RestoreFinished
    | Noted
    | Warned
    | CommandHookRan
    | PluginCalled
    | Pruned
    | Compacted
    | Checked
    | Verified
    | Booted
    | CatalogRebuilt
    | UpkeepFailed
)
