"""Every cell of what can be restored, carried out over the real wire; the simulated cluster tells how it ended."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from borg_cluster import extract
from borg_cluster.core.restore_request import Part, RestoreRequest
from tests.e2e.matrix_cells import carry_out
from tests.e2e.matrix_site import CELLS, HIGHLY_AVAILABLE, PLAIN, THEN, MatrixStock, UnpackedArchives, open_matrix
from tests.e2e.restore_site import SINCE

_EACH = 5
"""Every fifth cell comes by each way that a VM can be now and by each target, and takes a fifth of the time."""


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


@pytest.mark.parametrize("name", [HIGHLY_AVAILABLE, PLAIN])
@pytest.mark.parametrize("listed", ["absent", "off"])
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
