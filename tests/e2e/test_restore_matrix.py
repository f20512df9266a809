"""Every cell of what can be restored, carried out over the real wire; the simulated cluster tells how it ended."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from borg_cluster import extract
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.errors import Refused
from borg_cluster.simulator.fingerprint import vm_fingerprint
from tests.e2e.matrix_site import CELLS, TARGET, MatrixStock, UnpackedArchives, open_matrix
from tests.e2e.restore_site import BEFORE, RestoreSite

_REAL_BORG = {("highly_available", "highly_available", "copy"), ("gone", "plain", "volume")}
_NEW_HOME = "C:\\ClusterStorage\\Volume2\\"


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MatrixStock]:
    with open_matrix(tmp_path_factory.mktemp("matrix") / "world") as opened:
        yield opened


@pytest.fixture(scope="module")
def archives(matrix: MatrixStock, tmp_path_factory: pytest.TempPathFactory) -> UnpackedArchives:
    return UnpackedArchives(matrix.stock, tmp_path_factory.mktemp("archives"))


@pytest.fixture(params=CELLS, ids="-".join)
def cell(request: pytest.FixtureRequest, archives: UnpackedArchives, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, str]:
    """Return a cell; most of them extract without borg."""
    found: tuple[str, str, str] = request.param
    if found not in _REAL_BORG:
        archives.install(monkeypatch)
    return found


def test_each_cell_ends_as_it_should(matrix: MatrixStock, cell: tuple[str, str, str], tmp_path: Path) -> None:
    now, then, target = cell
    with matrix.cell(tmp_path, now, then) as (site, vm_id):
        before = site.fingerprint()
        request = RestoreRequest(vm=vm_id, **TARGET[target])
        if now == "clustered_disk" and target != "copy":
            with pytest.raises(Refused, match="clustered disk Cluster Disk 9"):
                extract.restore(site.context, request)
            assert site.fingerprint() == before
            return
        progress = extract.restore(site.context, request)
        assert progress.outcome == "restored"
        _is_as_wanted(site, progress.vm_id, vm_id, before, now=now, then=then, target=target)
        extract.undo(site.context, progress.plan.source.restore_id)
        assert site.own_files() == []
        assert _comparable(site.fingerprint(), now, vm_id) == _comparable(before, now, vm_id)


def _is_as_wanted(site: RestoreSite, ended: str, vm_id: str, before: Any, *, now: str, then: str, target: str) -> None:
    found: Any = vm_fingerprint(site.cluster, ended)
    archived = site.then["vms"][vm_id]
    assert [disk["content"] for disk in found["disks"].values()] == [disk["content"] for disk in archived["disks"].values()]
    assert site.cluster.guest_read(ended, length=len(BEFORE)) == BEFORE
    registration = _only(found["registrations"])
    highly_available = (
        now in {"highly_available", "role_without_vm", "another_node", "clustered_disk"} or then == "highly_available"
    )
    assert (found["role"] is not None) == registration["is_clustered"] == highly_available
    assert registration["state"] == ("Off" if target == "copy" else "Running")
    if target == "node":
        assert registration["node"] == "node3"
    if then == "highly_available" and target != "copy":
        setting = (
            before["vms"][vm_id]["role"]["setting"] if before["vms"].get(vm_id, {}).get("role") else archived["role"]["setting"]
        )
        different = {key for key in setting if setting[key] != found["role"]["setting"][key]} - {"properties"}
        assert not different
        assert {**setting["properties"], "PersistentState": 1} == found["role"]["setting"]["properties"]
    paths = [link for disk in found["disks"].values() for link in disk["chain"]]
    if target == "volume":
        assert all(path.startswith(_NEW_HOME) for path in [*paths, registration["configuration"]])
    elif target == "copy":
        assert site.fingerprint()["vms"].get(vm_id) == before["vms"].get(vm_id)
        assert found["definition"]["name"] == TARGET[target]["copy_name"]
        assert ended != vm_id
        assert not [adapter for adapter in found["definition"]["adapters"] if adapter["switch_name"]]
        assert set(before["files"]) <= set(site.fingerprint()["files"])
        assert not [path for path in set(site.fingerprint()["files"]) - set(before["files"]) if vm_id.upper() in path]
    else:
        assert {slot: disk["chain"] for slot, disk in found["disks"].items()} == {
            slot: disk["chain"] for slot, disk in archived["disks"].items()
        }
        assert found["definition"] == archived["definition"]


def _only(registrations: list[Any]) -> Any:
    assert len(registrations) == 1
    return registrations[0]


def _comparable(world: Any, now: str, vm_id: str) -> Any:
    """Leave out what an undo can't bring back: a role that belonged to no VM any more."""
    vms = {key: vm for key, vm in world["vms"].items() if not (now == "role_without_vm" and key == vm_id)}
    return {**world, "vms": vms}
