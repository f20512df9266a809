"""Who is covered, and how each that isn't is called."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from borg_cluster.core.coverage import CoverageState, Newest, Past, coverage
from borg_cluster.core.inventory import FileKind, Inventory, OwnedFile
from borg_cluster.core.merge import merge
from borg_cluster.core.policy import Condition, Job, JobKind, Mount, Policy, Selection
from tests.direct import REMOTING
from tests.reports import cluster_report, node_report, vm, vm_id, volume

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
HOUR = 3600
ROOT = r"C:\ClusterStorage\Volume1"


def job(name: str, kind: JobKind, *, include: tuple[Condition, ...] = (), exclude: tuple[Condition, ...] = ()) -> Job:
    return Job(
        name=name,
        kind=kind,
        repository="main",
        select=Selection(include=include, exclude=exclude),
        volumes=(),
        max_age=26 * HOUR,
        compression=None,
        chunker_params=None,
        extra_borg_options=(),
    )


VMS = job("nightly", JobKind.VIRTUAL_MACHINES)
VOLUMES = job("weekly", JobKind.VOLUMES)


def policy(*jobs: Job) -> Policy:
    mounts = (
        Mount(windows=ROOT, path="/mnt/1", name="Volume1", node=None, writable=True),
        Mount(windows="D:\\", path="/mnt/d", name="d", node="node1", writable=True),
    )
    return Policy(
        cluster="hv",
        seeds=(),
        domain=None,
        remoting=REMOTING,
        mounts=mounts,
        repositories=(),
        borg=None,  # type: ignore[arg-type] # coverage asks no borg
        discovery_max_age=900,
        archive_name_format="{subject}-{now}",
        jobs=jobs,
        commands=(),
        keep_parked=True,
        stop_action="save",
    )


def inventory(*, missing: bool = False) -> Inventory:
    found = merge(
        cluster_report(volumes=(volume("Volume1"),)), (node_report("node1", vm(1, "a")),), (), (), taken_at=NOW.isoformat()
    )
    (machine,) = found.virtual_machines
    file = OwnedFile(
        path=rf"{ROOT}\a\a.vhdx",
        kind=FileKind.DISK,
        size=1,
        modified=None,
        exists=not missing,
        read_only=False,
        identifier=None,
        sources=frozenset({"hyperv"}),
    )
    return replace(found, virtual_machines=(replace(machine, files=(file,), disks=()),), findings=())


def past(hours: float | None = None, failure: str | None = None) -> Past:
    newest = {} if hours is None else {vm_id(1): Newest(archive="a", made_at=NOW - timedelta(hours=hours))}
    return Past(newest=newest, failures={} if failure is None else {vm_id(1): failure})


@pytest.mark.parametrize(
    ("known", "state"),
    [
        (past(4), CoverageState.GOOD),
        (past(27), CoverageState.OVERDUE),
        (past(-4), CoverageState.OVERDUE),
        (past(-0.05), CoverageState.GOOD),
        (past(), CoverageState.NEVER),
        (past(4, "the disk was full"), CoverageState.FAILED),
    ],
)
def test_a_vm_that_a_job_wants(known: Past, state: CoverageState) -> None:
    found = coverage(inventory(), policy(VMS), known, NOW)
    (one,) = found.virtual_machines
    assert (one.state, one.jobs, one.promise) == (state, ("nightly",), 26 * HOUR)
    assert bool(one.reason) is (state is not CoverageState.GOOD)
    assert not found.is_fine, "no job saves the volumes"


def test_the_least_promise_of_several_jobs_counts() -> None:
    hourly = replace(VMS, name="hourly", max_age=2 * HOUR)
    (one,) = coverage(inventory(), policy(VMS, hourly), past(4), NOW).virtual_machines
    assert (one.state, one.promise, one.jobs) == (CoverageState.OVERDUE, 2 * HOUR, ("nightly", "hourly"))


def test_a_vm_that_no_job_wants_is_uncovered_but_an_excluded_one_is_meant_so() -> None:
    other = job("web", JobKind.VIRTUAL_MACHINES, include=(Condition(name="web*"),))
    (one,) = coverage(inventory(), policy(other), past(4), NOW).virtual_machines
    assert (one.state, one.archive) == (CoverageState.UNCOVERED, "a")
    but = job("all", JobKind.VIRTUAL_MACHINES, exclude=(Condition(id=vm_id(1)),))
    (one,) = coverage(inventory(), policy(other, but), past(4), NOW).virtual_machines
    assert one.state is CoverageState.EXCLUDED
    assert "excluded by" in one.reason


def test_a_vm_that_can_not_be_saved_truthfully_says_why() -> None:
    (one,) = coverage(inventory(missing=True), policy(VMS), past(4), NOW).virtual_machines
    assert one.state is CoverageState.REFUSED
    assert "a.vhdx" in one.reason


def test_volumes_are_covered_by_their_jobs() -> None:
    made = Past(newest={"Volume1": Newest(archive="v", made_at=NOW - timedelta(hours=1))}, failures={})
    first, second = coverage(inventory(), policy(VOLUMES), made, NOW).volumes
    assert (first.state, first.age) == (CoverageState.GOOD, HOUR)
    assert second.state is CoverageState.UNCOVERED, "a node's own disk must be named"
