"""Every doubt that merge can have, one by one, on a cluster that is healthy otherwise."""

from dataclasses import replace

import pytest

from borg_cluster.core.inventory import (
    FileKind,
    Finding,
    FindingCode,
    Inventory,
    Severity,
    Unanswered,
    VirtualMachine,
    path_key,
    storage_of,
)
from borg_cluster.core.merge import contradictory_nodes, merge
from borg_cluster.core.policy import Mount
from borg_cluster.core.report import ClusterDisk, ClusterReport, Disk, FibreChannelAdapter, NodeReport, WriterFile, WriterReport
from tests import reports
from tests.reports import (
    cluster_report,
    component,
    configuration_resource,
    disk,
    file,
    held,
    node_report,
    role,
    vm,
    vm_id,
    vm_resource,
    writer_report,
)

VOLUME = r"C:\ClusterStorage\Volume1"
MOUNT = Mount(windows=VOLUME, path="/mnt/Volume1", name="Volume1", node=None, writable=True)


def merged(
    cluster: ClusterReport,
    *nodes: NodeReport,
    writers: tuple[WriterReport, ...] = (),
    silent: tuple[Unanswered, ...] = (),
    mounts: tuple[Mount, ...] = (MOUNT,),
) -> Inventory:
    """Merge, with an empty report of each node that is not spoken of and a writer that agrees with each node."""
    spoken = {it.node.lower() for it in nodes} | {it.node.lower() for it in silent}
    everyone: tuple[NodeReport, ...] = (
        *nodes,
        *(node_report(it.name) for it in cluster.nodes if it.state == "Up" and it.name.lower() not in spoken),
    )
    heard = {it.node for it in writers}
    agreeing = tuple(writer_report(it.node, *map(component, it.vms)) for it in everyone if it.node not in heard)
    return merge(cluster, everyone, (*writers, *agreeing), silent, mounts=mounts, taken_at=reports.TAKEN_AT)


def codes(inventory: Inventory) -> list[FindingCode]:
    return [found.code for found in inventory.findings]


def only(inventory: Inventory, code: FindingCode) -> Finding:
    """Return the one finding, which must be the one expected, told on one line."""
    assert codes(inventory) == [code]
    found = inventory.findings[0]
    assert found.message.isprintable()
    return found


def machine(inventory: Inventory, number: int = 1) -> VirtualMachine:
    return next(it for it in inventory.virtual_machines if it.id == vm_id(number))


def healthy(number: int = 1, name: str = "web01", owner: str = "node1") -> ClusterReport:
    return cluster_report(roles=(role(number, name, owner),), resources=held(number, name, owner))


def test_a_highly_available_vm_has_its_role_resources_files_and_tags() -> None:
    inventory = merged(healthy(), node_report("NODE1", vm(1, "web01", notes="shop #Gold, #web. # c#")))
    found = machine(inventory)
    assert inventory.findings == ()
    assert (found.node, found.nodes, found.highly_available) == ("node1", ("node1",), True)
    assert found.role is not None
    assert found.role.id == "role-1"
    assert [it.resource_type for it in found.resources] == ["Virtual Machine", "Virtual Machine Configuration"]
    assert found.tags == ("gold", "web")
    assert found.configuration_path == rf"{VOLUME}\web01\Virtual Machines\{vm_id(1)}.vmcx"
    assert found.size == (4 << 20) + 2 * 4096
    assert {it.kind for it in found.files} == {FileKind.DISK, FileKind.CONFIGURATION, FileKind.GUEST_STATE}


def test_the_cluster_decides_what_is_highly_available_not_the_flag() -> None:
    report = node_report("node1", vm(1, "web01", is_clustered=False), vm(2, "lab", is_clustered=True))
    inventory = merged(healthy(), report)
    assert [machine(inventory, number).highly_available for number in (1, 2)] == [True, False]
    assert codes(inventory) == [FindingCode.FLAG_DIFFERS, FindingCode.FLAG_DIFFERS]


def test_a_role_is_found_by_vm_id_whatever_it_is_called() -> None:
    cluster = cluster_report(
        roles=(role(1, "SCVMM old name Resources"),),
        resources=(vm_resource(1, "x", vm_id="{" + vm_id(1).upper() + "}"), configuration_resource(1, "x")),
    )
    assert machine(merged(cluster, node_report("node1", vm(1, "web01")))).highly_available


@pytest.mark.parametrize(
    ("owner", "states", "expected"),
    [("node2", ("Running", "Off"), "node2"), ("node3", ("Off", "Running"), "node2"), ("node3", ("Off", "Off"), "node1")],
)
def test_a_vm_on_two_nodes_is_where_its_role_is_else_where_it_runs_else_on_the_first(
    owner: str, states: tuple[str, str], expected: str
) -> None:
    places = (node_report("node1", vm(1, "web01", state=states[0])), node_report("node2", vm(1, "web01", state=states[1])))
    inventory = merged(healthy(owner=owner), *places)
    found = only(inventory, FindingCode.VM_ON_TWO_NODES)
    assert found.severity is Severity.ERROR
    assert vm_id(1) in found.message
    assert machine(inventory).nodes == ("node1", "node2")
    assert machine(inventory).node == expected


def test_a_migrating_vm_may_be_on_two_nodes() -> None:
    cluster = cluster_report(
        roles=(role(1, "web01"),), resources=(vm_resource(1, "web01", migration_state=2), configuration_resource(1, "web01"))
    )
    moving = vm(1, "web01", operational_status=(2, 32774))
    inventory = merged(cluster, node_report("node1", moving), node_report("node2", moving))
    assert [(it.code, it.severity) for it in inventory.findings] == [
        (FindingCode.VM_ON_TWO_NODES, Severity.WARNING),
        (FindingCode.MIGRATING, Severity.INFO),
    ]


def test_a_migration_that_failed_long_ago_is_none() -> None:
    cluster = cluster_report(roles=(role(1, "web01"),), resources=(vm_resource(1, "web01", migration_state=5),))
    assert merged(cluster, node_report("node1", vm(1, "web01"))).findings == ()


def test_a_vm_of_an_offline_role_may_be_on_no_node() -> None:
    cluster = cluster_report(roles=(role(1, "web01", state="Offline"),), resources=held(1, "web01"))
    inventory = merged(cluster)
    found = only(inventory, FindingCode.VM_ON_NO_NODE)
    assert found.severity is Severity.WARNING
    assert "Offline" in found.message
    assert (machine(inventory).name, machine(inventory).node, machine(inventory).nodes) == ("web01", "node1", ())


def test_a_vm_that_its_owner_does_not_have_is_an_error_and_its_role_is_empty() -> None:
    inventory = merged(healthy())
    assert [(it.code, it.severity) for it in inventory.findings] == [
        (FindingCode.VM_ON_NO_NODE, Severity.ERROR),
        (FindingCode.ROLE_WITHOUT_VM, Severity.WARNING),
    ]


def test_a_vm_whose_owner_gave_no_report_is_not_blamed_on_its_role() -> None:
    silent = Unanswered(node="NODE1", reason="timed_out", message="no answer in 300 s", hint=None)
    inventory = merged(healthy(), silent=(silent,))
    assert codes(inventory) == [FindingCode.NODE_TIMED_OUT, FindingCode.VM_ON_NO_NODE]
    assert "node1 gave no report" in inventory.findings[1].message
    assert inventory.unanswered[0].node == "node1"


def test_roles_without_vms_and_vms_in_roles_of_another_type() -> None:
    cluster = cluster_report(
        roles=(role(1, "empty"), role(2, "half"), role(3, "files", group_type="FileServer")),
        resources=(
            configuration_resource(2, "half"),
            *held(3, "inside"),
            vm_resource(4, "nameless", vm_id=None, role_id="role-2"),
        ),
    )
    inventory = merged(cluster, node_report("node1", vm(3, "inside")))
    assert sorted((it.code, it.subject) for it in inventory.findings) == [
        (FindingCode.RESOURCE_WITHOUT_ROLE_TYPE, vm_id(3)),
        (FindingCode.ROLE_WITHOUT_VM, "role-1"),
        (FindingCode.ROLE_WITHOUT_VM, "role-2"),
    ]


@pytest.mark.parametrize(
    ("reason", "code", "severity"),
    [
        ("down", FindingCode.NODE_DOWN, Severity.WARNING),
        ("refused", FindingCode.NODE_REFUSED, Severity.ERROR),
        ("timed_out", FindingCode.NODE_TIMED_OUT, Severity.ERROR),
        ("unreachable", FindingCode.NODE_UNREACHABLE, Severity.ERROR),
        ("failed", FindingCode.NODE_FAILED, Severity.ERROR),
    ],
)
def test_a_node_that_gave_no_report(reason: str, code: FindingCode, severity: Severity) -> None:
    silent = Unanswered(node="node3", reason=reason, message="why", hint=None)
    found = only(merged(cluster_report(), silent=(silent,)), code)
    assert (found.severity, found.subject) == (severity, "node3")


def test_a_node_that_nobody_asked_is_unanswered_too() -> None:
    cluster = cluster_report(nodes=(reports.node("node1"), reports.node("node2", "Down"), reports.node("node3", "Paused")))
    inventory = merge(cluster, (), (), (), taken_at=reports.TAKEN_AT)
    assert [(it.node, it.reason) for it in inventory.unanswered] == [("node1", "failed"), ("node2", "down"), ("node3", "failed")]


def test_writers_that_are_absent_failed_or_blind() -> None:
    machines = [vm(number, f"web0{number}") for number in (1, 2, 3)]
    nodes = tuple(node_report(f"node{number}", machines[number - 1]) for number in (1, 2, 3))
    writers = (writer_report("node2", component(machines[1]), state=8), writer_report("node3"))
    lost = (Unanswered(node="node1", reason="failed", message="diskshadow is missing", hint=None),)
    inventory = merge(cluster_report(), nodes, writers, (), writers_unanswered=lost, mounts=(MOUNT,), taken_at=reports.TAKEN_AT)
    assert [(it.code, it.subject) for it in inventory.findings] == [
        (FindingCode.WRITER_UNAVAILABLE, name) for name in ("node1", "node2", "node3")
    ]
    assert "diskshadow is missing" in inventory.findings[0].message


def test_the_union_of_both_lists_counts() -> None:
    web = vm(1, "web01")
    extra = rf"{VOLUME}\web01\data.vhdx"
    writer = writer_report("node1", component(web, extra, without=(rf"{VOLUME}\web01\web01.vhdx",)))
    inventory = merged(cluster_report(), node_report("node1", web), writers=(writer,))
    found = only(inventory, FindingCode.FILE_LIST_DIFFERS)
    assert "adds data.vhdx and leaves out web01.vhdx" in found.message
    sources = {it.path.rpartition("\\")[2]: set(it.sources) for it in machine(inventory).files}
    assert sources["data.vhdx"] == {"vss"}
    assert sources["web01.vhdx"] == {"hyperv"}


def test_a_writers_pattern_means_the_known_files_of_its_folder_literally() -> None:
    web = vm(1, "web[1]")
    listed = replace(component(web), files=(WriterFile(path=f"{VOLUME}\\web[1]", filespec="*.VHDX"),))
    inventory = merged(cluster_report(), node_report("node1", web), writers=(writer_report("node1", listed),))
    assert inventory.findings == ()
    assert [it.kind for it in machine(inventory).files if "vss" in it.sources] == [FileKind.DISK]


@pytest.mark.parametrize(
    ("disks", "code", "severity"),
    [
        ((disk(path="Disk 4 100.00 GB", disk_number=4),), FindingCode.DISK_PASS_THROUGH, Severity.ERROR),
        ((disk(rf"{VOLUME}\q.vhds", shared=True),), FindingCode.DISK_SHARED, Severity.ERROR),
        ((disk(rf"{VOLUME}\a.avhdx", chain_error="0xC03A000D"),), FindingCode.CHAIN_BROKEN, Severity.ERROR),
        ((disk(path=rf"{VOLUME}\a.vhdx"),), FindingCode.CHAIN_BROKEN, Severity.ERROR),
        (
            (disk(chain=(reports.disk_file(rf"{VOLUME}\a.avhdx", parent=rf"{VOLUME}\a.vhdx"),), path=rf"{VOLUME}\a.avhdx"),),
            FindingCode.CHAIN_BROKEN,
            Severity.ERROR,
        ),
        ((disk(rf"{VOLUME}\a_1.avhdx", rf"{VOLUME}\a.vhdx"),), FindingCode.CHECKPOINT_ORPHANED, Severity.WARNING),
        ((disk(chain=(reports.disk_file(rf"{VOLUME}\a.vhdx", exists=False),), path=rf"{VOLUME}\a.vhdx"),), "missing", "error"),
    ],
)
def test_disks_that_are_not_whole(disks: tuple[Disk, ...], code: str, severity: Severity) -> None:
    code = FindingCode.DISK_MISSING if code == "missing" else code
    inventory = merged(cluster_report(), node_report("node1", vm(1, "web01", disks=disks)), writers=(writer_report("node1"),))
    found = next(it for it in inventory.findings if it.code is not FindingCode.WRITER_UNAVAILABLE)
    assert (found.code, found.severity, found.subject) == (code, severity, vm_id(1))
    assert "web01" in found.message
    assert "node1" in found.message
    assert "None" not in found.message


def test_storage_that_a_guest_reaches_by_fibre_channel_is_found_connected_or_not() -> None:
    ports = (FibreChannelAdapter(id="1", san_name="Gold"), FibreChannelAdapter(id="2", san_name=None))
    web = vm(1, "web01", fibre_channel_adapters=ports)
    inventory = merged(cluster_report(), node_report("node1", web))
    assert [(it.code, it.severity, it.subject) for it in inventory.findings] == [
        (FindingCode.GUEST_STORAGE, Severity.ERROR, vm_id(1))
    ] * 2
    assert "the SAN Gold" in inventory.findings[0].message + inventory.findings[1].message
    assert "connected to no SAN" in inventory.findings[0].message + inventory.findings[1].message


def test_a_chain_with_its_checkpoint_is_whole_and_its_parents_are_read_only() -> None:
    leaf, base = rf"{VOLUME}\web01\a_1.avhdx", rf"{VOLUME}\web01\a.vhdx"
    web = vm(1, "web01", disks=(disk(leaf, base),), checkpoints=(reports.checkpoint(1, base.upper()),))
    inventory = merged(cluster_report(), node_report("node1", web))
    assert inventory.findings == ()
    kinds = {it.path: (it.kind, it.read_only) for it in machine(inventory).files}
    assert kinds[leaf] == (FileKind.DISK, False)
    assert kinds[base] == (FileKind.PARENT_DISK, True)


def test_clones_share_a_parent_without_a_finding_but_not_a_disk() -> None:
    parent = rf"{VOLUME}\golden.vhdx"
    clones = [vm(number, f"clone{number}", disks=(disk(rf"{VOLUME}\c{number}.vhdx", parent),)) for number in (1, 2)]
    assert merged(cluster_report(), node_report("node1", *clones)).findings == ()
    clones[1] = vm(2, "clone2", disks=(disk(parent),))
    inventory = merged(cluster_report(), node_report("node1", *clones))
    assert [(it.code, it.subject) for it in inventory.findings] == [(FindingCode.DISK_SHARED, vm_id(number)) for number in (1, 2)]


def test_the_same_path_on_two_nodes_own_drives_is_two_files() -> None:
    local = (
        node_report("node1", vm(1, "a", disks=(disk(r"D:\vm\x.vhdx"),))),
        node_report("node2", vm(2, "b", disks=(disk(r"D:\vm\x.vhdx"),))),
    )
    drives = tuple(Mount(windows="D:\\", path=f"/mnt/{name}", name=name, node=name, writable=True) for name in ("node1", "NODE2"))
    assert merged(cluster_report(), *local, mounts=(MOUNT, *drives)).findings == ()
    assert codes(merged(cluster_report(), *local, mounts=(MOUNT, drives[0]))) == [FindingCode.DISK_NOT_MAPPED]


def test_an_iso_that_no_mount_reaches_or_that_is_gone_is_only_a_warning() -> None:
    web = vm(1, "web01")
    web = replace(web, files=(*web.files, file(r"\\files\iso\setup.iso", "iso", exists=False)))
    inventory = merged(cluster_report(), node_report("node1", web))
    assert {(it.code, it.severity) for it in inventory.findings} == {
        (FindingCode.DISK_NOT_MAPPED, Severity.WARNING),
        (FindingCode.DISK_MISSING, Severity.WARNING),
    }


def test_names_that_differ_only_in_case_are_told() -> None:
    inventory = merged(
        cluster_report(), node_report("node1", vm(1, "Web01")), node_report("node2", vm(2, "web01", place=rf"{VOLUME}\b"))
    )
    assert codes(inventory) == [FindingCode.DUPLICATE_NAME, FindingCode.DUPLICATE_NAME]
    assert vm_id(2) in inventory.findings[0].message


def test_vms_that_drag_each_other_along() -> None:
    cluster = cluster_report(
        roles=(role(1, "both"),),
        resources=(*held(1, "a"), vm_resource(2, "b", role_id="role-1")),
    )
    inventory = merged(cluster, node_report("node1", vm(1, "a"), vm(2, "b")))
    assert codes(inventory) == [FindingCode.CANNOT_FAIL_OVER_ALONE] * 2


def test_a_clustered_disk_that_is_no_csv() -> None:
    shared = ClusterDisk(
        id="disk-1", name="Cluster Disk 5", state="Online", role_id="role-1", owner_node="node1", paths=("S:\\",)
    )
    cluster = cluster_report(
        roles=(role(1, "a"),),
        resources=(vm_resource(1, "a"), configuration_resource(1, "a", depends_on=("disk-1",))),
        disks=(shared,),
    )
    mounts = (Mount(windows="S:\\", path="/mnt/s", name="S", node=None, writable=True),)
    alone = merged(cluster, node_report("node1", vm(1, "a", place="S:")), mounts=mounts)
    assert only(alone, FindingCode.ON_CLUSTERED_DISK).severity is Severity.WARNING
    two = merged(cluster, node_report("node1", vm(1, "a", place="S:"), vm(2, "b", place="S:")), mounts=mounts)
    assert [(it.code, it.subject) for it in two.findings] == [
        (FindingCode.CANNOT_FAIL_OVER_ALONE, vm_id(1)),
        (FindingCode.ON_CLUSTERED_DISK, vm_id(1)),
        (FindingCode.ON_CLUSTERED_DISK, vm_id(2)),
    ]
    elsewhere = merged(
        cluster, node_report("node1", vm(1, "a", place="S:")), node_report("node2", vm(2, "b", place="S:")), mounts=mounts
    )
    assert codes(elsewhere) == [FindingCode.ON_CLUSTERED_DISK]


def test_lost_storage_is_an_error() -> None:
    found = only(
        merged(cluster_report(), node_report("node1", vm(1, "web01", state="PausedCritical"))), FindingCode.STORAGE_CRITICAL
    )
    assert found.severity is Severity.ERROR


def test_a_name_with_a_line_break_stays_on_one_line() -> None:
    inventory = merged(cluster_report(), node_report("node1", vm(1, "two\nlines", state="OffCritical")))
    assert r"two\nlines" in only(inventory, FindingCode.STORAGE_CRITICAL).message


@pytest.mark.parametrize(
    ("owner", "places", "expected"),
    [
        ("node1", ("node1",), set()),
        ("node1", ("node2",), {"node1", "node2"}),
        ("node1", (), {"node1"}),
        ("node1", ("node1", "node2"), {"node1", "node2"}),
    ],
)
def test_nodes_that_contradict_the_cluster_are_asked_again(owner: str, places: tuple[str, ...], expected: set[str]) -> None:
    inventory = merged(healthy(owner=owner), *(node_report(name, vm(1, "web01")) for name in places))
    assert contradictory_nodes(inventory) == expected


def test_an_offline_role_contradicts_nobody() -> None:
    cluster = cluster_report(roles=(role(1, "web01", state="Offline"),), resources=held(1, "web01"))
    assert contradictory_nodes(merged(cluster)) == set()


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (r"C:\ClusterStorage\Volume1\A", r"c:/clusterstorage\volume1\a"),
        (r"C:\x\..\y", r"c:\Y\."),
        (r"\\Server\Share\x", r"\\server\share\\X"),
        ("C:\\x\\", "c:\\x"),
    ],
)
def test_spellings_of_one_path(left: str, right: str) -> None:
    assert path_key(left) == path_key(right)


def test_what_a_file_lies_on() -> None:
    volumes = (reports.volume("Volume1"), reports.volume("Volume10"))
    assert storage_of(r"c:\clusterstorage\volume1\web\a.vhdx", volumes) == VOLUME
    assert storage_of(r"C:\ClusterStorage\Volume10\a.vhdx", volumes) == r"C:\ClusterStorage\Volume10"
    assert storage_of(r"\\files\vms\a.vhdx", volumes) == r"\\files\vms"
    assert storage_of(r"D:\a.vhdx", volumes) == "D:"
