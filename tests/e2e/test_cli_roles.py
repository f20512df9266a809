"""What a login with less than the role Backup can do, over the real wire: it says what it may not, once, and goes on."""

from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from borg_cluster import cli
from borg_cluster.cli.demo_site import DemoSite, Reach, environment_of, make_site, reach_again
from borg_cluster.run_record import HeldSnapshot, RunRecord
from borg_cluster.simulator.state import DiskSpec, SimulatedCluster
from borg_cluster.simulator.vhdx import MIB
from borg_cluster.simulator.wire import Nodes, serve

NAMES = ("web[1]*", "NO", "clean")
DEAD = "00000000-0000-4000-8000-00000000dead"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A served cluster, and a site that logs in there as one role or another."""

    cluster: SimulatedCluster
    nodes: Nodes
    site: DemoSite

    def reach(self, role: str) -> Reach:
        """Return how the nodes are reached by the account of a role."""
        short = {name: address for name, address in self.nodes.addresses.items() if "." not in name}
        account = self.nodes.accounts[role]
        return Reach(
            addresses=short, port=self.nodes.port, ca=self.nodes.ca, username=account.username, password=account.password
        )

    def run(self, role: str, *arguments: str) -> tuple[int, str]:
        """Type a command as somebody with this role; return its exit code and what it wrote to stderr."""
        reach_again(self.site, self.reach(role))
        with environment_of(self.site), redirect_stdout(StringIO()), redirect_stderr(StringIO()) as err:
            return cli.run(list(arguments)), err.getvalue()

    def snapshots(self) -> int:
        """Return how many recovery snapshots there are."""
        return sum(len(one.definition.snapshots()) for one in self.cluster.state.machines)

    def records(self) -> list[str]:
        """Return what the records of runs on this machine hold."""
        files = sorted((self.site.folder / "state" / "runs").rglob("*.jsonl"))
        return [text for file in files if (text := file.read_text(encoding="utf-8"))]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    site = DemoSite(folder=tmp_path / "site")
    site.folder.mkdir()
    cluster = SimulatedCluster.create(site.cluster, nodes=("node1", "node2"), volumes=("Volume1",))
    for name in NAMES:
        cluster.add_vm(name, disks=(DiskSpec(size=4 * MIB, content=MIB // 4),))
    with serve(cluster, folder=site.cluster) as nodes:
        place = Place(cluster=cluster, nodes=nodes, site=site)
        volumes = {volume.path: cluster.volume_folder(volume.folder) for volume in cluster.state.volumes}
        make_site(site, cluster=f"{cluster.name}.{cluster.domain}", reach=place.reach("Reader"), volumes=volumes)
        yield place
        cluster.check()


def leave(place: Place, name: str, *, recorded: bool) -> None:
    """Leave a snapshot as a run does that dies: with its record on this machine, or with its mark alone."""
    vm_id = place.cluster.find_vm(name)
    paths = tuple(place.cluster.machine(vm_id).definition.disk_paths())
    parameters = {"VMId": vm_id, "RunId": DEAD, "Consistency": "Crash", "TimeoutSecond": 9}
    place.cluster.invoke("node1", "New-BorgClusterSnapshot", parameters)
    if recorded:
        cluster = f"{place.cluster.name}.{place.cluster.domain}"
        record = RunRecord.begin(place.site.folder / "state", cluster=cluster, run_id=DEAD)
        record.add_snapshot(HeldSnapshot(vm_id=vm_id, name=name, run_id=DEAD, disk_paths=paths))
        record.close()


def test_who_may_only_read_tells_what_stays_in_one_line_and_goes_on(place: Place) -> None:
    assert place.run("Reader", "discover")[0] == 0
    leave(place, "NO", recorded=True)
    leave(place, "web[1]*", recorded=False)
    left = place.records()
    for _ in range(2):
        code, said = place.run("Reader", "discover")
        (line,) = [line for line in said.splitlines() if line.startswith("warning")]
        assert code == 1
        assert "recovery snapshots that dead runs left stay (NO, web[1]*): node1" in line
        assert "it has no command Remove-BorgClusterSnapshot" in line
        assert "role Backup" in said
        assert place.snapshots() == 2
        assert place.records() == left, "what it may not do leaves nothing behind"
    code, said = place.run("Backup", "discover")
    assert (code, place.snapshots(), place.records()) == (1, 0, [])
    assert said.count("was ended") >= 2
    assert place.run("Backup", "discover")[0] == 0


def test_a_backup_by_who_may_only_read_fails_at_once_and_leaves_nothing(place: Place) -> None:
    with place.site.configuration.open("a", encoding="utf-8") as file:
        file.write("  two: {kind: virtual_machines, select: {include: [{name: 'web*'}, {name: NO}]}}\n")
    code, said = place.run("Reader", "create", "two")
    assert code == 2, said
    assert said.count("it has no command New-BorgClusterClaim") == 2
    assert (place.snapshots(), place.records()) == (0, [])
