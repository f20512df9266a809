"""Discovery of a simulated cluster: who is asked, what is done about those that don't answer, and when nobody is asked."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from borg_cluster import discover
from borg_cluster.bridge import Lost
from borg_cluster.catalog import Catalog
from borg_cluster.context import Context
from borg_cluster.core.event import Discovered, Event, NodeAnswered, NodeFailed
from borg_cluster.core.inventory import FindingCode
from borg_cluster.errors import ClusterUnreachable, CommandFailed, UnknownVM
from borg_cluster.simulator.state import CommandError, Fault, SimulatedCluster
from tests import direct
from tests.unit.simulated import SMALL

HV = "hv.example.test"


@dataclass(frozen=True, kw_only=True)
class Site:
    """A simulated cluster with a highly available VM on node1 and another one on node2."""

    cluster: SimulatedCluster
    context: Context
    clock: direct.Clock
    events: list[Event]
    web: str
    lab: str

    def told(self, kind: type[Event]) -> list[Event]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def asked(self, command: str) -> list[str]:
        """Return the nodes that were asked a command, in order of names."""
        return sorted(node for node, asked in bridge(self).asked if asked == command)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    cluster = SimulatedCluster.create(tmp_path / "cluster")
    web = cluster.add_vm("web[1]*", node="node1", disks=(SMALL,))
    lab = cluster.add_vm("lab", node="node2", disks=(SMALL,), highly_available=False)
    clock, events = direct.Clock(), list[Event]()
    with Catalog.open(tmp_path / "catalog.sqlite") as catalog:
        context = direct.context(cluster, catalog, tmp_path, events=events, clock=clock)
        yield Site(cluster=cluster, context=context, clock=clock, events=events, web=web, lab=lab)


def bridge(site: Site) -> direct.DirectBridge:
    assert isinstance(site.context.bridge, direct.DirectBridge)
    return site.context.bridge


def codes(site: Site) -> list[FindingCode]:
    return [found.code for found in discover.discover(site.context).findings]


def test_every_node_is_asked_and_the_inventory_is_recorded(site: Site) -> None:
    inventory = discover.discover(site.context)
    assert [(vm.name, vm.node, vm.highly_available) for vm in inventory.virtual_machines] == [
        ("lab", "node2", False),
        ("web[1]*", "node1", True),
    ]
    assert inventory.findings == ()
    assert inventory.cluster == HV
    assert site.context.catalog.latest_inventory(HV) == inventory
    assert {event.node for event in site.events if isinstance(event, NodeAnswered)} == {"node1", "node2", "node3"}
    assert site.asked("Get-BorgClusterWriterReport") == ["node1", "node2", "node3"]
    assert isinstance(site.events[-1], Discovered)


def test_all_nodes_are_asked_at_the_same_time(site: Site) -> None:
    together = threading.Barrier(3, timeout=30)

    def wait(_node: str, command: str) -> None:
        if command == "Get-BorgClusterNodeReport":
            together.wait()

    bridge(site).before = wait
    assert discover.discover(site.context).unanswered == ()


def test_a_node_that_is_down_is_not_asked(site: Site) -> None:
    site.cluster.node_down("node3")
    assert codes(site) == [FindingCode.NODE_DOWN]
    assert site.asked("Get-BorgClusterNodeReport") == ["node1", "node2"]


@pytest.mark.parametrize("command", ["Get-BorgClusterNodeReport", "Get-BorgClusterWriterReport"])
def test_one_node_that_fails_takes_no_other_with_it(site: Site, command: str) -> None:
    error = CommandError("Hyper-V is not there", error_id="X", category="ObjectNotFound")
    site.cluster.faults.add(Fault(kind="error", command=command, node="node3", error=error, repeat=True))
    expected = FindingCode.NODE_FAILED if "Node" in command else FindingCode.WRITER_UNAVAILABLE
    inventory = discover.discover(site.context)
    assert [found.code for found in inventory.findings] == [expected]
    assert "Hyper-V is not there" in inventory.findings[0].message
    assert len(inventory.virtual_machines) == 2
    assert len(site.told(NodeFailed)) == (1 if "Node" in command else 0)


def test_a_vm_of_an_unanswering_node_is_not_vanished(site: Site) -> None:
    discover.discover(site.context)
    site.cluster.faults.add(
        Fault(
            kind="error", command="Get-BorgClusterNodeReport", node="node2", error=CommandError("no", error_id="X", category="Y")
        )
    )
    discover.discover(site.context)
    assert {change.kind for change in site.context.catalog.history(HV)} == {"appeared"}


def test_the_controlling_node_is_any_live_one(site: Site) -> None:
    """The name goes down with its node; the configuration's nodes are next, then those of the last inventory."""
    discover.discover(site.context)
    lost: list[str] = []

    def die(node: str, command: str) -> None:
        if command == "Get-BorgClusterReport" and node == HV and not lost:
            lost.append(node)
            site.cluster.node_down("node1")

    bridge(site).before = die
    bridge(site).refuse(HV)
    inventory = discover.discover(site.context)
    assert [(item.node, item.reason) for item in inventory.unanswered] == [("node1", "down")]


def test_no_node_at_all_is_one_line_with_every_reason(site: Site) -> None:
    discover.discover(site.context)
    for node in site.cluster.node_names:
        site.cluster.node_down(node)
    bridge(site).refuse(HV)
    with pytest.raises(ClusterUnreachable, match=r"node1.*node2.*node3") as caught:
        discover.discover(site.context)
    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_what_all_nodes_lack_is_told_once(site: Site) -> None:
    for name in (HV, "node1", "node2"):
        bridge(site).refuse(name)
    context = replace(site.context, policy=replace(site.context.policy, seeds=("node1", "node2")))
    with pytest.raises(ClusterUnreachable, match=f"answered: {HV}, node1, node2: it does not answer$"):
        discover.discover(context)


def test_a_seed_of_another_cluster_is_not_believed(site: Site) -> None:
    policy = replace(site.context.policy, cluster="prod.example.test", seeds=("node1",))
    bridge(site).refuse("prod.example.test")
    with pytest.raises(ClusterUnreachable, match="belongs to the cluster hv"):
        discover.discover(replace(site.context, policy=policy))


def test_a_name_that_leads_to_another_node_is_told(site: Site) -> None:
    bridge(site).aliases["node3.example.test"] = "node1"
    inventory = discover.discover(site.context)
    assert [found.code for found in inventory.findings] == [FindingCode.NODE_FAILED]
    assert "is node1" in inventory.findings[0].message


def test_a_vm_that_moves_between_two_answers_is_asked_for_again(site: Site) -> None:
    """It leaves node1 after node2 answered and before node1 does: at first, no node has it."""
    answered = threading.Event()

    def move(node: str, command: str) -> None:
        if command == "Get-BorgClusterWriterReport" and node.startswith("node2"):
            answered.set()
        if command == "Get-BorgClusterNodeReport" and node.startswith("node1") and not moved:
            assert answered.wait(30)
            moved.append(node)
            site.cluster.migrate(site.web, "node2")

    moved: list[str] = []
    bridge(site).before = move
    inventory = discover.discover(site.context)
    assert inventory.findings == ()
    assert discover.find_vm(inventory, site.web).node == "node2"
    assert site.asked("Get-BorgClusterNodeReport").count("node3") == 1


@pytest.mark.parametrize("variant", ["absent", "off"])
def test_an_offline_role_is_in_the_inventory_whether_its_node_lists_it_or_not(site: Site, variant: str) -> None:
    site.cluster.switches.offline_vm_listed = variant
    site.cluster.stop(site.web)
    inventory = discover.discover(site.context)
    vm = discover.find_vm(inventory, "web[1]*")
    assert (vm.id, vm.node, vm.highly_available) == (site.web, "node1", True)
    assert [found.code for found in inventory.findings] == ([FindingCode.VM_ON_NO_NODE] if variant == "absent" else [])


def test_a_young_inventory_is_used_and_an_old_one_is_not(site: Site) -> None:
    first = discover.current_inventory(site.context)
    site.clock.advance(899)
    assert discover.current_inventory(site.context) == first
    assert len(site.asked("Get-BorgClusterReport")) == 1
    assert site.events[-1].age == 899 if isinstance(site.events[-1], Discovered) else False
    site.clock.advance(1)
    assert discover.current_inventory(site.context).taken_at > first.taken_at
    reasons = [event.reason for event in site.events if isinstance(event, Discovered)]
    assert reasons[0] == "nothing is known of this cluster yet"
    assert "younger than max_age 0:15:00" in reasons[1]
    assert reasons[2] == "the last inventory is 0:15:00 old, max_age is 0:15:00"


@pytest.mark.parametrize("how", [{"refresh": True}, {"because": "web01 has gone"}])
def test_a_refresh_or_a_contradiction_discovers(site: Site, how: dict[str, bool | str]) -> None:
    discover.current_inventory(site.context)
    discover.current_inventory(site.context, **how)  # type: ignore[arg-type] # one keyword each
    assert len(site.asked("Get-BorgClusterReport")) == 2


def test_a_clock_that_was_set_back_discovers(site: Site) -> None:
    discover.current_inventory(site.context)
    site.clock.advance(-60)
    discover.current_inventory(site.context)
    assert len(site.asked("Get-BorgClusterReport")) == 2


def test_a_mount_that_is_added_counts_at_once(site: Site) -> None:
    bare = replace(site.context, policy=replace(site.context.policy, mounts=()))
    assert {found.code for found in discover.current_inventory(bare).findings} == {FindingCode.DISK_NOT_MAPPED}
    assert discover.current_inventory(site.context).findings == ()


def test_where_a_vm_is_now(site: Site) -> None:
    assert discover.locate_vm(site.context, site.web) == "node1"
    site.cluster.migrate(site.web, "node3")
    assert discover.locate_vm(site.context, site.web) == "node3"
    assert discover.locate_vm(site.context, site.lab) == "node2"
    assert discover.locate_vm(site.context, "00000000-0000-4000-8000-000000000000") is None


def test_a_vm_without_a_role_is_sought_first_where_it_was(site: Site) -> None:
    discover.discover(site.context)
    assert discover.locate_vm(site.context, site.lab) == "node2"
    assert site.asked("Get-BorgClusterVMState") == ["node2"]


def test_asking_any_node_stops_at_an_error_record(site: Site) -> None:
    def ask(node: str) -> str | Lost:
        raise CommandFailed(f"{node} says no", node=node)

    with pytest.raises(CommandFailed, match=r"hv\.example\.test says no"):
        discover.ask_any(site.context, ask)


def test_a_vm_is_found_by_id_name_or_the_beginning_of_its_id(site: Site) -> None:
    inventory = discover.discover(site.context)
    for word in (site.web, "{" + site.web.upper() + "}", "web[1]*", "WEB[1]*", site.web[:8]):
        assert discover.find_vm(inventory, word).id == site.web
    with pytest.raises(UnknownVM, match="no VM web1") as caught:
        discover.find_vm(inventory, "web1")
    assert caught.value.hint == f"did you mean web[1]* ({site.web})?"
    with pytest.raises(UnknownVM) as caught:
        discover.find_vm(inventory, "zzz\n")
    assert "\n" not in caught.value.message
    assert "borg-cluster discover" in str(caught.value.hint)


def test_a_name_that_two_vms_have_names_none(site: Site) -> None:
    other = site.cluster.add_vm("LAB", node="node3", disks=(SMALL,), highly_available=False)
    twin = site.cluster.add_vm("lab", node="node3", disks=(SMALL,), highly_available=False)
    inventory = discover.discover(site.context)
    assert discover.find_vm(inventory, "LAB").id == other
    with pytest.raises(UnknownVM, match="2 VMs are called lab") as caught:
        discover.find_vm(inventory, "lab")
    assert site.lab in str(caught.value.hint)
    assert twin in str(caught.value.hint)
