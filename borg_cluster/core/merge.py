"""Reports of one moment become one inventory: ``merge``. Contradictions do not raise; they become findings."""

from dataclasses import replace

from borg_cluster.core.cluster_finding import mapping_findings, node_findings, role_findings, shared_findings, writer_findings
from borg_cluster.core.finding import is_lonely, vm_findings
from borg_cluster.core.inventory import Finding, FindingCode, Inventory, Severity, Unanswered
from borg_cluster.core.join import in_order, join, sort_out
from borg_cluster.core.policy import Mount
from borg_cluster.core.report import ClusterReport, NodeReport, WriterReport


def merge(  # noqa: PLR0913 - one argument for each kind of report
    cluster: ClusterReport,
    nodes: tuple[NodeReport, ...],
    writers: tuple[WriterReport, ...],
    unanswered: tuple[Unanswered, ...],
    *,
    writers_unanswered: tuple[Unanswered, ...] = (),
    mounts: tuple[Mount, ...] = (),
    taken_at: str,
) -> Inventory:
    """Join what the cluster and its nodes said into one inventory, by VM id.

    Args:
        cluster: the cluster subsystem's report.
        nodes: the reports of the nodes that gave one, in any order.
        writers: their VSS writers' reports, as far as they came.
        unanswered: nodes that gave no report; a node that nothing is known of is added.
        writers_unanswered: why a node that reported gave no writer report.
        mounts: what reaches the files from here.
        taken_at: ISO UTC.

    Returns:
        The inventory, sorted, the same whatever the order of the reports. Never raises.
    """
    asked = sort_out(cluster, nodes, writers, unanswered)
    told = join(asked)
    inventory = Inventory(
        cluster=cluster.cluster,
        cluster_id=cluster.cluster_id,
        taken_at=taken_at,
        core_owner=cluster.core_owner,
        functional_level=cluster.functional_level,
        nodes=in_order(cluster.nodes, "name"),
        volumes=in_order(cluster.volumes, "path"),
        clustered_disks=in_order(cluster.disks, "name"),
        virtual_machines=tuple(item.vm for item in told),
        unanswered=asked.unanswered,
        findings=(),
    )
    findings = [
        *node_findings(asked.unanswered),
        *writer_findings(asked.nodes, asked.writers, writers_unanswered),
        *role_findings(asked.cluster, frozenset(item.vm.id for item in told if is_lonely(item))),
        *shared_findings(inventory),
        *(found for item in told for found in vm_findings(item)),
    ]
    return map_storage(replace(inventory, findings=_findings_in_order(findings)), mounts)


def map_storage(inventory: Inventory, mounts: tuple[Mount, ...]) -> Inventory:
    """Return the inventory with its disk_not_mapped findings made anew: mounts may change while an inventory is young."""
    others = (found for found in inventory.findings if found.code is not FindingCode.DISK_NOT_MAPPED)
    return replace(inventory, findings=_findings_in_order([*others, *mapping_findings(inventory, mounts)]))


def _findings_in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings once each, the grave ones first."""
    rank = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
    return tuple(sorted(set(findings), key=lambda it: (rank[it.severity], it.code, it.subject, it.path or "", it.message)))


def contradictory_nodes(inventory: Inventory) -> frozenset[str]:
    """Return the nodes to ask once more, because what they and the cluster said of a VM can't hold at one moment.

    That is how a VM looks that moved between two answers: on two nodes, on none, or not where its role is.
    """
    nodes: set[str] = set()
    silent = {item.node.lower() for item in inventory.unanswered}
    for vm in inventory.virtual_machines:
        owner = vm.role.owner_node if vm.role is not None else None
        if owner is None or owner.lower() in silent or (not vm.nodes and vm.role is not None and vm.role.state == "Offline"):
            continue
        places = {node.lower() for node in vm.nodes}
        if places != {owner.lower()}:
            nodes |= {node.name for node in inventory.nodes if node.name.lower() in places | {owner.lower()}}
    return frozenset(nodes)
