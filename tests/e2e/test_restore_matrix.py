"""Every cell of what can be restored, carried out over the real wire; the simulated cluster tells how it ended."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from borg_cluster import extract, journal
from borg_cluster.catalog import Catalog
from borg_cluster.core.event import Event, RestoreFinished, UpkeepFailed
from borg_cluster.core.finding import one_line
from borg_cluster.core.restore_request import Part, RestoreRequest
from borg_cluster.core.selection import LEAST_FREE
from borg_cluster.errors import Refused, RestoreStopped, UnknownVM
from borg_cluster.extract.several import plan_several, restore_several
from borg_cluster.simulator.fingerprint import vm_fingerprint
from borg_cluster.simulator.state import SimulatedCluster
from tests import direct
from tests.e2e.matrix_cells import carry_out
from tests.e2e.matrix_site import CELLS, HIGHLY_AVAILABLE, PLAIN, THEN, MatrixStock, UnpackedArchives, open_matrix
from tests.e2e.restore_site import SINCE, MovingClock, at_step, damage, policy_of

_EACH = 7
"""Every seventh cell comes by each way that a VM can be now and by each target, and takes a seventh of the time."""


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatrixStock]:
    with open_matrix(tmp_path_factory.mktemp("matrix") / "world") as opened:
        yield opened


@pytest.fixture(scope="module")
def archives(matrix: MatrixStock, tmp_path_factory: pytest.TempPathFactory) -> UnpackedArchives:
    return UnpackedArchives(matrix.stock, tmp_path_factory.mktemp("archives"))


@pytest.mark.parametrize("cell", CELLS[::_EACH], ids="-".join)
def test_each_cell_ends_as_it_should(
    matrix: MatrixStock, archives: UnpackedArchives, cell: tuple[str, str, str], tmp_path: Path
) -> None:
    """The lane `restore` carries out all of them."""
    carry_out(matrix, archives, cell, tmp_path)


@pytest.mark.parametrize(("name", "listed"), [(HIGHLY_AVAILABLE, "absent"), (HIGHLY_AVAILABLE, "off"), (PLAIN, "absent")])
def test_one_disk_is_exchanged_and_the_other_goes_on(
    matrix: MatrixStock, archives: UnpackedArchives, tmp_path: Path, name: str, listed: str
) -> None:
    then = next(key for key, one in THEN.items() if one == name)
    with pytest.MonkeyPatch.context() as patch, matrix.cell(tmp_path, then, then) as (site, vm_id):
        archives.install(patch)
        site.cluster.switches.offline_vm_listed = listed
        site.cluster.guest_write(vm_id, disk=1, data=SINCE)
        before = site.fingerprint()
        progress = extract.restore(site.context, RestoreRequest(vm=vm_id, part=Part.DISKS, disks=("SCSI:0:0",)))
        after = site.fingerprint()
        assert after["vms"][vm_id]["disks"]["SCSI 0 0"] == site.then["vms"][vm_id]["disks"]["SCSI 0 0"]
        for kept in ("registrations", "definition", "role"):
            assert after["vms"][vm_id][kept] == before["vms"][vm_id][kept]
        assert after["vms"][vm_id]["disks"]["SCSI 0 1"] == before["vms"][vm_id]["disks"]["SCSI 0 1"]
        assert site.cluster.guest_read(vm_id, disk=1, length=len(SINCE)) == SINCE
        extract.undo(site.context, progress.plan.source.restore_id)
        assert site.fingerprint() == before
        assert site.own_files() == []


def test_the_configuration_alone_comes_back_and_the_disks_stay(
    matrix: MatrixStock, archives: UnpackedArchives, tmp_path: Path
) -> None:
    """Its storage has moved since, and somebody changed its name and its adapters."""
    with pytest.MonkeyPatch.context() as patch, matrix.cell(tmp_path, "highly_available", "highly_available") as (site, vm_id):
        archives.install(patch)
        site.cluster.move_storage(vm_id, "Volume2")
        site.cluster.edit(vm_id, lambda machine: machine.definition.adapters.clear())
        before = site.fingerprint()
        progress = extract.restore(site.context, RestoreRequest(vm=vm_id, part=Part.CONFIGURATION))
        after = site.fingerprint()["vms"][vm_id]
        assert after["disks"] == before["vms"][vm_id]["disks"]
        assert after["definition"]["adapters"] == site.then["vms"][vm_id]["definition"]["adapters"]
        assert after["configuration"] == site.then["vms"][vm_id]["configuration"]
        assert site.cluster.guest_read(vm_id, length=len(SINCE)) == SINCE
        extract.undo(site.context, progress.plan.source.restore_id)
        assert site.fingerprint() == before


@pytest.mark.parametrize("fail_fast", [False, True])
def test_several_go_by_priority_and_one_that_fails_does_not_stop_the_others_unless_asked(
    matrix: MatrixStock, archives: UnpackedArchives, tmp_path: Path, fail_fast: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch, matrix.cell(tmp_path, "highly_available", "plain") as (site, plain):
        archives.install(patch)
        site.cluster.edit_role(plain, lambda role: role.properties.update(Priority=1000))
        requests = tuple(RestoreRequest(vm=word) for word in ("nobody", PLAIN, HIGHLY_AVAILABLE, plain))
        ones = plan_several(site.context, requests)
        assert [one.request.vm for one in ones] == [HIGHLY_AVAILABLE, PLAIN, plain, "nobody"]
        assert [type(one.error) for one in ones] == [type(None), type(None), Refused, UnknownVM]
        at_step(site, "Inspect", lambda: next(Path(one) for one in site.own_files() if one.endswith(".vhdx")).write_bytes(b""))
        ended = tuple(restore_several(site.context, ones, fail_fast=fail_fast))
        assert [one.progress is not None for one in ended] == [False, not fail_fast, False, False]
        assert [one.left_out for one in ended] == [False, fail_fast, False, False]
        told = [event.subject for event in site.events if isinstance(event, UpkeepFailed)]
        assert told == [one_line(HIGHLY_AVAILABLE)] + ([] if fail_fast else [plain, "nobody"])
        if not fail_fast:
            assert site.fingerprint()["vms"][plain]["disks"] == site.then["vms"][plain]["disks"]


def test_without_room_the_old_disks_are_deleted_first(
    matrix: MatrixStock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By borg itself, which reads everything once before."""
    with matrix.cell(tmp_path, "highly_available", "highly_available") as (site, vm_id):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=LEAST_FREE + (3 << 20)))
        before = site.fingerprint()
        with pytest.raises(Refused, match="there is no room"):
            extract.restore(site.context, RestoreRequest(vm=vm_id))
        assert site.fingerprint() == before
        site.cluster.give_up(vm_id)  # between the deletion and the registration there is neither
        progress = extract.restore(site.context, RestoreRequest(vm=vm_id, in_place=True))
        assert site.fingerprint()["vms"][vm_id] == site.then["vms"][vm_id]
        assert site.own_files() == []
        with pytest.raises(Refused, match="can't be undone"):
            extract.undo(site.context, progress.plan.source.restore_id)


def test_a_vm_of_another_cluster_comes_up_here_under_other_names_of_storage_nodes_and_switches(
    matrix: MatrixStock, tmp_path: Path
) -> None:
    """By borg itself, from its repository alone: this catalog knows nothing of that cluster."""
    cluster = SimulatedCluster.create(tmp_path / "cluster", name="new", nodes=("n1", "n2"), volumes=("Fast", "Slow"), seed=9)
    for node in cluster.state.nodes:
        node.switches[:] = ["LAN"]
    events: list[Event] = []
    vm_id = next(key for key, vm in matrix.stock.then["vms"].items() if vm["definition"]["name"] == HIGHLY_AVAILABLE)
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, tmp_path / "state", events=events, clock=MovingClock())
        context = replace(context, policy=policy_of(context.policy, matrix.stock.borg))
        request = RestoreRequest(
            vm=vm_id, cluster="hv.example.test", mapped=(("Volume1", "Fast"), ("Volume2", "Slow")), start=True
        )
        with pytest.raises(UnknownVM):
            extract.restore(context, replace(request, cluster=None))
        progress = extract.restore(context, request)
        told = "; ".join(progress.warnings)
        found: Any = vm_fingerprint(cluster, vm_id)
        contents = {slot: disk["content"] for slot, disk in found["disks"].items()}
        assert contents == {slot: disk["content"] for slot, disk in matrix.stock.then["vms"][vm_id]["disks"].items()}
        assert {link for disk in found["disks"].values() for link in disk["chain"]} == {
            r"C:\ClusterStorage\Fast\shop\shop.vhdx",
            r"C:\ClusterStorage\Slow\shop\shop-1.vhdx",
        }
        assert found["role"]["state"] == "Online"
        assert found["role"]["setting"]["properties"]["Priority"] == 3000
        assert "Could not find Ethernet switch 'Production'" in told
        assert "'node2' is no node of this cluster" in told
        extract.undo(context, progress.plan.source.restore_id)
        ends = [(event.outcome, len(event.warnings)) for event in events if isinstance(event, RestoreFinished)]
        assert ends == [("restored", len(progress.plan.warnings) + len(progress.warnings)), ("undone", 0)]
        assert vm_fingerprint(cluster, vm_id)["registrations"] == []
    cluster.check()


@pytest.fixture
def damaged(matrix: MatrixStock) -> Iterator[None]:
    """Damage the repository where it holds the end of the VM's disk, until the test is over."""
    disk = matrix.stock.folder / "cluster" / "volumes" / "Volume1" / "shop" / "shop.vhdx"
    mend = damage(Path(matrix.stock.borg.repository.path), [disk])
    yield
    mend()


@pytest.mark.usefixtures("damaged")
def test_a_damaged_archive_is_noticed_before_the_old_disks_are_deleted(matrix: MatrixStock, tmp_path: Path) -> None:
    with matrix.cell(tmp_path, "highly_available", "highly_available") as (site, vm_id):
        before = site.fingerprint()
        with pytest.raises(RestoreStopped, match="stopped at Rehearse"):
            extract.restore(site.context, RestoreRequest(vm=vm_id, in_place=True))
        assert site.fingerprint() == before
        (progress,) = journal.restores(site.context.state)
        extract.undo(site.context, progress.plan.source.restore_id)
        assert site.own_files() == []


def test_what_does_not_fit_the_node_stops_it_while_the_old_vm_runs(
    matrix: MatrixStock, archives: UnpackedArchives, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch, matrix.cell(tmp_path, "highly_available", "highly_available") as (site, vm_id):
        archives.install(patch)
        for node in site.cluster.state.nodes:
            node.newest_version = "9.0"
        before = site.fingerprint()
        with pytest.raises(RestoreStopped, match=r"stopped at Compare: node2 could not register it: .*version 10\.0") as caught:
            extract.restore(site.context, RestoreRequest(vm=vm_id))
        assert "--to-node" in (caught.value.hint or "")
        assert site.fingerprint() == before
