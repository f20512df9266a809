"""Carrying out one cell of what can be restored, and what the simulated cluster must show then."""

from pathlib import Path
from typing import Any

import pytest

from borg_cluster import extract
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.errors import Refused
from borg_cluster.simulator.fingerprint import vm_fingerprint
from tests.e2e.matrix_site import TARGET, MatrixStock, UnpackedArchives
from tests.e2e.restore_site import BEFORE, RestoreSite

REAL_BORG = {("highly_available", "highly_available", "in_place"), ("files_gone", "plain", "volume"), ("gone", "plain", "copy")}
"""Cells that extract by borg itself."""
_HAVE_A_ROLE = {"highly_available", "role_without_vm", "another_node", "clustered_disk"}
_NEW_HOME = "C:\\ClusterStorage\\Volume2\\"


def carry_out(matrix: MatrixStock, archives: UnpackedArchives, cell: tuple[str, str, str], folder: Path) -> None:
    """Restore, look how it ended, undo, and look whether all is as it was; or see that it is refused by name, and why."""
    now, then, target = cell
    with pytest.MonkeyPatch.context() as patch, matrix.cell(folder, now, then) as (site, vm_id):
        if cell not in REAL_BORG:
            archives.install(patch)
        before = site.fingerprint()
        request = RestoreRequest(vm=vm_id, **TARGET[target])
        if now == "clustered_disk" and target != "copy":
            for verb in (extract.plan, extract.restore):  # what --dry-run calls, and what carries it out
                with pytest.raises(Refused, match="clustered disk Cluster Disk 9") as caught:
                    verb(site.context, request)
                assert "--copy NAME --to-volume VOLUME, or extract the files elsewhere with --to DIR" in (caught.value.hint or "")
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
    """Leave out what an undo can't bring back: a role that belongs to no VM, the registration of a VM without its disks."""
    left_out = vm_id if now in {"role_without_vm", "files_gone"} else None
    vms = {key: vm for key, vm in world["vms"].items() if key != left_out}
    return {**world, "vms": vms}
