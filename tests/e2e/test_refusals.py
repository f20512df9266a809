"""What can't be backed up truthfully is refused with its reason, counted and shown; the others are saved."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from borg_cluster import discover, owner
from borg_cluster.catalog import Run
from borg_cluster.catalog.recorder import attempt_recorder
from borg_cluster.cli.sinks import Tally, fan_out
from borg_cluster.core.backup_plan import plan_backup
from borg_cluster.core.coverage import CoverageState
from borg_cluster.core.event import ArchiveFailed, ArchiveFinished
from borg_cluster.core.metrics import prometheus_text
from borg_cluster.core.policy import Condition, JobKind, Monitoring, WantedConsistency
from borg_cluster.create import create
from borg_cluster.errors import ExitCode
from borg_cluster.monitoring import _standing, publish
from borg_cluster.simulator.making import DiskSpec
from borg_cluster.simulator.model import Machine
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from tests.e2e.test_create import job, open_night

SMALL = DiskSpec(size=4 * MIB, content=MIB // 4)
REASONS = {
    "pass-through": "pass-through disk",
    "fibre channel": "virtual Fibre Channel adapter, connected to the SAN Gold",
    "iscsi": "reaches by itself (guest_storage of the configuration: tag iscsi)",
    "guest cluster 1": "is shared with other VMs",
    "guest cluster 2": "is shared with other VMs",
    "critical": "its state is RunningCritical",
    "degraded": "the storage of its configuration is lost",
    "resync": "its replication is being synchronised (Resynchronizing)",
    "replica": "it is a replica",
    "foreign": "another product's recovery snapshot is in progress",
    "orphan": "no checkpoint accounts for it",
    "missing": "is missing",
    "broken": "is broken",
    "local": "no mount of the configuration reaches",
}
"""Each VM that can't be saved, with what must be read of it."""
GOOD = "good"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What one run of all of them left."""

    failed: dict[str, ArchiveFailed]
    finished: list[str]
    code: ExitCode
    states: dict[str, tuple[CoverageState, str]]
    metrics: str
    status: str


def build(cluster: SimulatedCluster) -> None:
    for name in (GOOD, "critical", "degraded", "resync", "foreign", "orphan", "missing", "broken"):
        cluster.add_vm(name, volume="Volume1", disks=(SMALL,))
    cluster.add_vm("replica", volume="Volume1", disks=(SMALL,), state="Off")
    cluster.add_vm("pass-through", volume="Volume1", disks=(SMALL, DiskSpec(disk_number=3)))
    cluster.add_vm("fibre channel", volume="Volume1", disks=(SMALL,), san="Gold")
    cluster.add_vm("iscsi", volume="Volume1", disks=(SMALL,), notes="its databases lie on the array #iscsi")
    cluster.add_vm("local", volume="D:", disks=(SMALL,), highly_available=False)
    for number in (1, 2):
        cluster.add_vm(f"guest cluster {number}", volume="Volume1", disks=(SMALL, replace(SMALL, shared=True)))
    cluster.foreign_snapshot(cluster.find_vm("foreign"))
    cluster.orphan_leaf(cluster.find_vm("orphan"))
    disk = cluster.machine(cluster.find_vm("missing")).definition.disks[0].path
    assert disk is not None
    cluster.real_path(disk).rename(cluster.real_path(disk).with_suffix(".gone"))
    cluster.take_checkpoint(cluster.find_vm("broken"))
    (base,) = cluster.real_path("C:\\ClusterStorage\\Volume1\\broken").rglob("*.vhdx")
    base.rename(base.with_suffix(".gone"))
    for name, key, value in (
        ("resync", "replication_state", "Resynchronizing"),
        ("replica", "replication_mode", "Replica"),
    ):
        cluster.edit(cluster.find_vm(name), partial(_set, key=key, value=value))
    cluster.edit(cluster.find_vm("critical"), lambda machine: setattr(machine, "state", "RunningCritical"))
    cluster.edit(cluster.find_vm("degraded"), lambda machine: setattr(machine, "operational_status", [3]))


def _set(machine: Machine, *, key: str, value: str) -> None:
    setattr(machine.definition, key, value)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("refusals")
    cluster = SimulatedCluster.create(folder / "cluster", nodes=("node1",), volumes=("Volume1",))
    build(cluster)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, "_PAUSES", (0.0,) * 8)
        for night in open_night(cluster, folder):
            wanted = replace(job("nightly", JobKind.VIRTUAL_MACHINES), consistency=WantedConsistency.APPLICATION)
            night.reconfigure(
                jobs=(wanted,),
                monitoring=Monitoring(status_file=str(folder / "status.json")),
                guest_storage=(Condition(tag="iscsi"),),
            )
            tally, context = Tally(), night.context
            heard = fan_out(attempt_recorder(context.catalog, context.policy.cluster, context.clock), tally, context.emit)
            context = replace(context, emit=heard)
            inventory = discover.discover(context)
            plan = plan_backup(inventory, context.policy, jobs=(), good=(), at=night.clock(), run_id=RUN_ID)
            create(context, plan, inventory)
            at = night.clock().isoformat()
            run = Run(
                run_id=RUN_ID,
                cluster=context.policy.cluster,
                verb="create",
                started_at=at,
                finished_at=at,
                exit_code=tally.exit_code,
                done=tally.done,
                failed=tally.failed,
                warnings=tally.warnings,
            )
            publish(context, run)
            standing = _standing(context, run)
            yield Seen(
                failed={event.name: event for event in night.of(ArchiveFailed)},
                finished=[event.name for event in night.of(ArchiveFinished)],
                code=tally.exit_code,
                states={one.name: (one.state, one.reason) for one in standing.coverage.virtual_machines},
                metrics=prometheus_text(standing),
                status=(folder / "status.json").read_text(encoding="utf-8"),
            )


RUN_ID = "11111111-0000-4000-8000-000000000001"


@pytest.mark.parametrize("name", REASONS)
def test_each_kind_is_refused_with_its_reason_counted_and_shown(seen: Seen, name: str) -> None:
    event = seen.failed[name]
    assert event.refused, event
    assert REASONS[name] in event.reason
    state, reason = seen.states[name]
    assert state in {CoverageState.REFUSED, CoverageState.FAILED}
    assert REASONS[name] in reason
    assert REASONS[name] in seen.status
    (line,) = [
        line for line in seen.metrics.splitlines() if line.startswith("borg_cluster_vm_failed{") and f'vm="{name}"' in line
    ]
    assert line.endswith(" 1.0")


def test_the_others_are_saved_and_the_exit_code_says_it(seen: Seen) -> None:
    assert seen.finished == [GOOD]
    assert seen.code is ExitCode.SOME_FAILED
    assert seen.failed.keys() == REASONS.keys()
    assert seen.states[GOOD] == (CoverageState.GOOD, "")
