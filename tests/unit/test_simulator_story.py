"""The demo's cluster: what it promises to hold, and what happens on it between the nights."""

from pathlib import Path

import pytest

from borg_cluster.simulator import story
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.vhdx_content import read
from tests.unit.simulated import ask, listed, role

MOST_BYTES = 400 << 20


@pytest.fixture
def cluster(tmp_path: Path) -> SimulatedCluster:
    return story.build(tmp_path / "cluster")


def test_three_nodes_two_volumes_eight_vms_of_which_five_are_highly_available(cluster: SimulatedCluster) -> None:
    vms = [vm for node in cluster.node_names for vm in listed(cluster, node).values()]
    assert (len(cluster.node_names), len(cluster.volume_names), len(vms)) == (3, 2, 8)
    assert sum(role(cluster, vm["id"]) is not None for vm in vms) == 5
    assert {"web[1]*", story.QUOTED, "NO"} <= {vm["name"] for vm in vms}
    assert {vm["is_clustered"] for vm in vms} == {True, False}
    disks = [disk for vm in vms for disk in vm["disks"]]
    assert {disk["chain_error"] for disk in disks} == {None}
    assert {link["type"] for disk in disks for link in disk["chain"]} == {"Dynamic", "Fixed", "Differencing"}
    assert [sum(file["kind"] == "iso" for file in vm["files"]) for vm in vms].count(1) == 2
    assert "#nobackup" not in "".join(vm["notes"] for vm in vms)
    cluster.check()


def test_the_report_and_the_writers_agree_and_fit_their_schemas(cluster: SimulatedCluster) -> None:
    assert ask(cluster, "hv", "Get-BorgClusterReport")["cluster"] == "hv"
    for node in cluster.node_names:
        components = ask(cluster, node, "Get-BorgClusterWriterReport")["components"]
        assert {one["vm_id"] for one in components} == set(listed(cluster, node))


def test_it_stays_small_and_a_stray_file_belongs_to_nobody(cluster: SimulatedCluster) -> None:
    files = [path for name in cluster.volume_names for path in cluster.volume_folder(name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < MOST_BYTES
    assert cluster.real_path(story.STRAY).stat().st_size == story.STRAY_SIZE


def test_between_two_nights(cluster: SimulatedCluster) -> None:
    sizes = {night: story.guest_activity(cluster, night=night) for night in (1, 2)}
    assert sizes[1] == sizes[2] > 0
    vm_id, source, destination = story.migrate_one(cluster)
    assert (vm_id in listed(cluster, source), vm_id in listed(cluster, destination)) == (False, True)
    assert role(cluster, story.elevate_one(cluster))["state"] == "Online"
    cluster.check()


def test_a_destroyed_vm_is_gone_with_its_role_and_files(cluster: SimulatedCluster) -> None:
    vm_id = cluster.find_vm(story.DESTROYED)
    disk = cluster.real_path(listed(cluster, "node1")[vm_id]["disks"][0]["path"])
    assert read([disk], 0, 512) != bytes(512)
    assert story.destroy_one(cluster) == vm_id
    assert role(cluster, vm_id) is None
    assert not any(vm_id in listed(cluster, node) for node in cluster.node_names)
    assert not disk.parent.exists()
    cluster.check()


def test_a_kept_world_is_opened_again(cluster: SimulatedCluster) -> None:
    again = SimulatedCluster.open(cluster.folder)
    assert again.find_vm(story.QUOTED) == cluster.find_vm(story.QUOTED)
    with pytest.raises(KeyError):
        again.find_vm("nobody")
