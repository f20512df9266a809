"""What holds for any reports, however contradictory."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from borg_cluster.core import history
from borg_cluster.core.inventory import Inventory, Unanswered, path_key, vm_id_key
from borg_cluster.core.merge import map_storage, merge
from borg_cluster.core.policy import Mount
from borg_cluster.core.report import ClusterReport, NodeReport, WriterReport
from tests.reports import TAKEN_AT
from tests.strategies import (
    cluster_reports,
    inventories,
    mounts,
    node_reports,
    paths,
    unanswered_nodes,
    writer_reports,
)

wide = settings(max_examples=200)


def shuffled_report(report: ClusterReport, shuffle: random.Random) -> ClusterReport:
    def mixed(items: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(shuffle.sample(items, len(items)))

    names = ("nodes", "roles", "resources", "volumes", "disks")
    facts = {name: getattr(report, name) for name in report.__dataclass_fields__}
    return ClusterReport(**(facts | {name: mixed(facts[name]) for name in names}))


@wide
@given(
    cluster=cluster_reports,
    nodes=node_reports,
    writers=writer_reports,
    silent=unanswered_nodes,
    reached=mounts,
    shuffle=st.randoms(use_true_random=False),
)
def test_the_order_of_reports_does_not_matter_and_none_raises(
    cluster: ClusterReport,
    nodes: tuple[NodeReport, ...],
    writers: tuple[WriterReport, ...],
    silent: tuple[Unanswered, ...],
    reached: tuple[Mount, ...],
    shuffle: random.Random,
) -> None:
    once = merge(cluster, nodes, writers, silent, writers_unanswered=silent, mounts=reached, taken_at=TAKEN_AT)
    again = merge(
        shuffled_report(cluster, shuffle),
        tuple(shuffle.sample(nodes, len(nodes))),
        tuple(shuffle.sample(writers, len(writers))),
        tuple(shuffle.sample(silent, len(silent))),
        writers_unanswered=silent,
        mounts=reached,
        taken_at=TAKEN_AT,
    )
    assert once == again


@wide
@given(cluster=cluster_reports, nodes=node_reports, silent=unanswered_nodes)
def test_every_vm_appears_once_and_every_node_answers_or_is_named(
    cluster: ClusterReport, nodes: tuple[NodeReport, ...], silent: tuple[Unanswered, ...]
) -> None:
    nodes = tuple({report.node.lower(): report for report in nodes}.values())
    inventory = merge(cluster, nodes, (), silent, taken_at=TAKEN_AT)
    resources = [it for it in cluster.resources if it.resource_type == "Virtual Machine" and it.vm_id is not None]
    held = {vm_id_key(it.vm_id or "") for it in resources}
    expected = sorted(held | {vm_id_key(vm.id) for report in nodes for vm in report.vms})
    assert sorted(vm.id for vm in inventory.virtual_machines) == expected
    assert {vm.id for vm in inventory.virtual_machines if vm.highly_available} == held
    heard = {report.node.lower() for report in nodes}
    quiet = [it.node.lower() for it in inventory.unanswered]
    assert len(set(quiet)) == len(quiet)
    assert set(quiet) == ({it.name.lower() for it in cluster.nodes} | {it.node.lower() for it in silent}) - heard
    for vm in inventory.virtual_machines:
        assert len({path_key(file.path) for file in vm.files}) == len(vm.files)
        assert (vm.node in vm.nodes) == bool(vm.nodes)


@wide
@given(inventory=inventories, reached=mounts)
def test_every_message_is_one_line_and_mapping_again_changes_nothing_else(
    inventory: Inventory, reached: tuple[Mount, ...]
) -> None:
    assert all(found.message.isprintable() and found.message for found in inventory.findings)
    mapped = map_storage(inventory, reached)
    assert map_storage(mapped, reached) == mapped
    assert mapped.virtual_machines == inventory.virtual_machines


@wide
@given(inventory=inventories)
def test_nothing_changes_between_an_inventory_and_itself(inventory: Inventory) -> None:
    assert history.changes(inventory, inventory) == ()


@wide
@given(before=inventories, after=inventories)
def test_a_history_accounts_for_every_vm(before: Inventory, after: Inventory) -> None:
    changes, kept = history.observe(history.sightings(before), after)
    was, now = ({vm.id for vm in it.virtual_machines} for it in (before, after))
    appeared = {change.vm_id for change in changes if change.kind == "appeared"}
    vanished = {change.vm_id for change in changes if change.kind == "vanished"}
    assert appeared == now - was
    assert {it.vm_id for it in kept} == (was | now) - vanished
    assert vanished <= was - now


@given(path=paths)
def test_a_path_and_its_key_have_one_key(path: str) -> None:
    assert path_key(path_key(path)) == path_key(path)
