"""Whether everything is there that backups and restores need: nodes, rights, writers, mounts, repositories, Borg.

Each thing is looked at for itself; what fails takes no other look with it. Nothing is changed.
"""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from borg_cluster import __version__
from borg_cluster.borg import Borg
from borg_cluster.bridge import Lost
from borg_cluster.changed_blocks import guard
from borg_cluster.context import Context
from borg_cluster.core.policy import Mount, Repository
from borg_cluster.core.report import ClusterNode, ClusterReport, WriterReport
from borg_cluster.core.snapshot import AccessCheck, AccessReport
from borg_cluster.discover import address_of, ask_any
from borg_cluster.errors import BorgClusterError, CommandFailed
from borg_cluster.leftovers import told

T = TypeVar("T")
_HYPER_V_WRITER = "66841cd4-6ded-4f4b-8f17-fd23f8ddc3de"
_WELL = (1, 5)
"""VSS_WRITER_STATE: stable, and waiting for the end of somebody's backup."""


class Result(StrEnum):
    """How a look ended."""

    FINE = "fine"
    WARNING = "warning"
    """Something will not work, but backups do."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. ``subject`` is a node, mount or repository; ``hint`` what to type or look at next."""

    subject: str
    what: str
    result: Result
    detail: str | None = None
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What a right is for; ``missing`` is what its absence amounts to. In hints, {identity} is the endpoint's account."""

    missing: Result
    hint: str


_NEEDS = {
    "cluster_read": _Need(missing=Result.FAILED, hint='on any node: Grant-ClusterAccess -User "{identity}" -ReadOnly'),
    "cluster_full": _Need(
        missing=Result.WARNING, hint='restores need it; on any node: Grant-ClusterAccess -User "{identity}" -Full'
    ),
    "hyper_v": _Need(missing=Result.FAILED, hint='on {node}: Add-LocalGroupMember -SID S-1-5-32-578 -Member "{identity}"'),
    "wmi_virtualization": _Need(
        missing=Result.FAILED, hint='on {node}: Add-LocalGroupMember -SID S-1-5-32-578 -Member "{identity}"'
    ),
    "wmi_cluster": _Need(
        missing=Result.WARNING, hint="restores fall back to it; on {node}: wmimgmt.msc, root\\MSCluster, Security"
    ),
    "vss": _Need(missing=Result.WARNING, hint='on {node}: Add-LocalGroupMember -SID S-1-5-32-551 -Member "{identity}"'),
    "volume_write": _Need(
        missing=Result.WARNING, hint='claims and restores need it; on {node}: icacls VOLUME /grant "{identity}:(OI)(CI)M"'
    ),
    "administrator": _Need(missing=Result.FINE, hint=""),
}
"""By right; being no administrator is as it should be."""


def examine(context: Context) -> Iterator[Finding]:
    """Look at everything and yield what was found: the nodes first, in their order, then mounts, repositories, leftovers."""
    yield from _cluster(context)
    for mount in context.policy.mounts:
        yield from _mount(mount)
    for repository in context.policy.repositories:
        yield _repository(context, repository)
    yield from _changed_blocks(context)
    yield from _leftovers(context)


def _cluster(context: Context) -> Iterator[Finding]:
    try:
        report = ask_any(context, lambda name: _answer(context.bridge.get_report, name))
    except BorgClusterError as error:
        yield _failed(context.policy.cluster, "reachable", error)
        return
    yield Finding(subject=context.policy.cluster, what="reachable", result=Result.FINE, detail=f"by {report.answered_by}")
    with ThreadPoolExecutor(max_workers=context.policy.remoting.nodes_at_once, thread_name_prefix="doctor") as pool:
        for findings in pool.map(partial(_node, context), report.nodes):
            yield from findings


def _node(context: Context, node: ClusterNode) -> list[Finding]:
    if node.state != "Up":
        hint = f"on a node that is up: Start-ClusterNode {node.name}, or Resume-ClusterNode {node.name}"
        return [Finding(subject=node.name, what="up", result=Result.WARNING, detail=f"it is {node.state}", hint=hint)]
    address = address_of(node)
    report = _answer(context.bridge.get_report, address)
    if isinstance(report, Lost):
        return _lost(node.name, report)
    findings = [
        Finding(subject=node.name, what="reachable", result=Result.FINE),
        Finding(subject=node.name, what="login", result=Result.FINE),
        _module(node.name, report),
    ]
    findings += _rights(node.name, _answer(context.bridge.get_access, address))
    return [*findings, _writer(node.name, _answer(context.bridge.get_writer_report, address))]


def _answer(ask: Callable[[str], T | Lost], address: str) -> T | Lost:
    """Return the answer; an error record is no answer either."""
    try:
        return ask(address)
    except CommandFailed as error:
        return Lost(node=address, reason="failed", message=error.message, hint=error.hint)


def _lost(name: str, lost: Lost) -> list[Finding]:
    """Return how far one came with a node that gave no report."""
    here = partial(Finding, subject=name)
    failed = partial(here, result=Result.FAILED, detail=lost.message, hint=lost.hint)
    if lost.reason in {"unreachable", "timed_out"}:
        return [failed(what="reachable")]
    reachable = here(what="reachable", result=Result.FINE)
    if lost.reason == "refused":
        return [reachable, failed(what="login")]
    return [reachable, failed(what="module")]


def _module(name: str, report: ClusterReport) -> Finding:
    version = report.module_version
    if version == __version__:
        return Finding(subject=name, what="module", result=Result.FINE, detail=version)
    detail = f"its module is {version}, this borg-cluster {__version__}"
    hint = f"run Install-BorgCluster.ps1 on {name} again"
    return Finding(subject=name, what="module", result=Result.WARNING, detail=detail, hint=hint)


def _rights(name: str, access: AccessReport | Lost) -> list[Finding]:
    if isinstance(access, Lost):
        return [Finding(subject=name, what="rights", result=Result.FAILED, detail=access.message, hint=access.hint)]
    return [_right(name, access.identity, check) for check in access.checks]


def _right(name: str, identity: str, check: AccessCheck) -> Finding:
    need = _NEEDS.get(check.right, _Need(missing=Result.WARNING, hint="update borg-cluster on this machine"))
    what = f"right {check.right}"
    if check.granted or need.missing is Result.FINE:
        detail = None if check.granted else "not held, nor needed"
        return Finding(subject=name, what=what, result=Result.FINE, detail=detail)
    result = need.missing if check.granted is False else Result.WARNING
    hint = need.hint.replace("{identity}", identity).replace("{node}", name)
    unknown = "it can't be found out whether it holds" if check.granted is None else "not held"
    return Finding(subject=name, what=what, result=result, detail=check.detail or unknown, hint=hint)


def _writer(name: str, report: WriterReport | Lost) -> Finding:
    if isinstance(report, Lost):
        return Finding(subject=name, what="VSS writer", result=Result.WARNING, detail=report.message, hint=report.hint)
    status = next((one for one in report.writers if one.writer_id.lower() == _HYPER_V_WRITER), None)
    if status is not None and status.state in _WELL:
        return Finding(subject=name, what="VSS writer", result=Result.FINE)
    detail = "Hyper-V's is not there" if status is None else f"state {status.state}, failure {status.failure_code}"
    hint = f"on {name}: vssadmin list writers; Restart-Service vmms starts Hyper-V's anew, its VMs go on"
    return Finding(subject=name, what="VSS writer", result=Result.WARNING, detail=detail, hint=hint)


def _mount(mount: Mount) -> Iterator[Finding]:
    here = partial(Finding, subject=mount.path)
    what = f"{mount.windows} mounted"
    try:
        empty = not any(Path(mount.path).iterdir())
    except OSError as error:
        yield here(what=what, result=Result.FAILED, detail=str(error.strerror), hint=f"mount {mount.path}")
        return
    if empty:
        yield here(what=what, result=Result.FAILED, detail="it is empty", hint=f"mount {mount.path}")
        return
    yield here(what=what, result=Result.FINE)
    if mount.writable:
        yield _writable(mount.path)


def _writable(path: str) -> Finding:
    """Try it: what a file system says of itself is not always so over a network."""
    try:
        with tempfile.TemporaryFile(dir=path, prefix=".borg-cluster-"):
            return Finding(subject=path, what="writable", result=Result.FINE)
    except OSError as error:
        hint = f"mount -o remount,rw {path}, or in the configuration: writable: false (then nothing is restored there)"
        return Finding(subject=path, what="writable", result=Result.WARNING, detail=error.strerror, hint=hint)


def _repository(context: Context, repository: Repository) -> Finding:
    try:
        Borg(context.policy.borg, repository, secret=context.plugins.secret).check_repository()
    except BorgClusterError as error:
        return _failed(f"repository {repository.label}", "opens", error)
    return Finding(subject=f"repository {repository.label}", what="opens", result=Result.FINE)


def _changed_blocks(context: Context) -> Iterator[Finding]:
    """Look whether Borg here is one that disks can be taken over with in part, if a job wants that."""
    if not any(job.changed_blocks.use for job in context.policy.jobs):
        return
    here = partial(Finding, subject="borg", what="reads only what changed of disks")
    borg = Borg(context.policy.borg, context.policy.repositories[0], secret=context.plugins.secret)
    try:
        reason, version = borg.takes_nothing_over(), borg.version()
    except BorgClusterError as error:
        yield here(result=Result.WARNING, detail=error.message, hint=error.hint)
        return
    if reason is None:
        yield here(result=Result.FINE, detail=f"{version}, as it was tried")
        return
    newest = tuple(guard.TESTED)[-1]
    mend = "leave borg: executable: out" if borg.takes_no_child() else f"pip install borgbackup=={newest} where borg-cluster is"
    yield here(result=Result.WARNING, detail=f"{reason}; each disk is read in full", hint=f"{mend}, or say changed_blocks: never")


def _leftovers(context: Context) -> Iterator[Finding]:
    """Look for what dead runs left: by this machine's records, and by our mark as the last inventory saw it."""
    found = told(context, context.catalog.latest_inventory(context.policy.cluster))
    for one in found:
        yield Finding(subject=one.subject, what="left over", result=Result.WARNING, detail=one.message, hint=one.ended_by)
    if not found:
        yield Finding(subject=context.policy.cluster, what="nothing left over of dead runs", result=Result.FINE)


def _failed(subject: str, what: str, error: BorgClusterError) -> Finding:
    return Finding(subject=subject, what=what, result=Result.FAILED, detail=error.message, hint=error.hint)
