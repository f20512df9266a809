"""A configuration to begin with: valid, whatever the cluster holds, and with a mount for every file."""

from dataclasses import replace

from borg_cluster import config
from borg_cluster.config.starting import starting
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.policy import locate
from borg_cluster.core.report import ClusterDisk
from tests import reports
from tests.golden.golden import check
from tests.restores import highly_available, inventory

HOSTILE = "web[1]* \"$(x)\" '# {now}'\n- x: y"
SHARE = r"\\fs1.example.test\vm's [1]"


def site() -> Inventory:
    """Return a cluster with a volume, two shares of one name, a node's own disk and a clustered disk."""
    disk = ClusterDisk(id="d", name="Cluster Disk 9", state="Online", role_id="role-9", owner_node="node2", paths=("S:\\",))
    known = inventory(
        {
            "node1": (
                reports.vm(
                    1, "web01", disks=(reports.disk(r"C:\ClusterStorage\Volume1\web01\web01.vhdx", SHARE + r"\base.vhdx"),)
                ),
                reports.vm(2, HOSTILE, place=r"\\fs2.example.test\vm's [1]\a"),
                reports.vm(3, "local", place="D:\\Hyper-V"),
            ),
            "node2": (reports.vm(4, "clustered", place="S:\\VMs"),),
        },
        disks=(disk,),
        **highly_available(1, "web01"),
    )
    return replace(known, taken_at="2026-03-01T02:00:00Z")


def test_without_a_cluster_it_is_an_example() -> None:
    policy = config.check(starting("hv.example.test"), name="made")
    assert [job.name for job in policy.jobs] == ["nightly", "weekly"]
    assert policy.seeds == ()


def test_of_a_cluster_that_was_asked() -> None:
    text = starting("hv.example.test", remoting={"auth": "ntlm", "username": "EX\\me: #1"}, inventory=site())
    check("configurations/generated.yaml", text)
    policy = config.check(text, name="made")
    assert policy.remoting.username == "EX\\me: #1"
    assert policy.seeds == tuple(f"node{number}.example.test" for number in (1, 2, 3))
    files = [(file.path, vm.node) for vm in site().virtual_machines for file in vm.files]
    located = [locate(path, policy.mounts, node=node) for path, node in files]
    assert len(files) > 8
    assert None not in located


def test_nodes_that_are_to_be_asked_stand_in_it() -> None:
    assert config.check(starting("hv", nodes=("node7",)), name="made").seeds == ("node7",)
