"""Builders of restore plans for tests: a VM as it was, a cluster as it is now."""

import json
from dataclasses import asdict, fields, replace
from typing import Any

from borg_cluster.core.archive import MANIFEST_SCHEMA, ArchivedFile, ArchiveKind, Consistency, Manifest
from borg_cluster.core.inventory import Inventory, Unanswered
from borg_cluster.core.merge import merge
from borg_cluster.core.policy import BorgSettings, Mount, Policy, RemotingSettings, locate
from borg_cluster.core.report import VM, ClusterNode, ClusterReport, Role, VMResource
from borg_cluster.core.restore_plan import RestorePlan, Source, plan_restore
from borg_cluster.core.restore_request import RestoreRequest
from tests import reports

RESTORE_ID = "0b0e0000-0000-4000-8000-000000000001"
SOURCE = Source(restore_id=RESTORE_ID, repository="main", archive="hv-web-2026-03-01T02:00:00Z")
MOUNTS = tuple(
    Mount(windows=rf"C:\ClusterStorage\{name}", path=f"/mnt/{name}", name=name, node=None, writable=True)
    for name in ("Volume1", "Volume2")
)
LOCAL = Mount(windows="D:\\", path="/mnt/node1-d", name="node1-d", node="node1", writable=True)


def policy(**changes: Any) -> Policy:
    """Return a configuration with two volumes and the disk of one node."""
    plain = Policy(
        cluster="hv",
        seeds=(),
        domain=None,
        remoting=RemotingSettings(
            auth="ntlm",
            username=None,
            password=None,
            port=5986,
            ca=None,
            configuration_name="BorgCluster",
            bootstrap=False,
            addresses={},
            connection_timeout=10,
            read_timeout=60,
            operation_timeout=20,
            deadline=300,
            nodes_at_once=32,
        ),
        mounts=(*MOUNTS, LOCAL),
        repositories=(),
        borg=BorgSettings(
            executable="borg",
            passphrase=None,
            passcommand=None,
            lock_wait=1,
            umask=0o077,
            ssh_command=None,
            base_directory=None,
            upload_rate_limit=None,
        ),
        discovery_max_age=900,
        archive_name_format="{cluster}-{subject}-{now}",
        jobs=(),
        commands=(),
        keep_parked=True,
        stop_action="turn_off",
    )
    return replace(plain, **changes)


def inventory(
    vms: dict[str, tuple[VM, ...]],
    *,
    roles: tuple[Role, ...] = (),
    resources: tuple[VMResource, ...] = (),
    unanswered: tuple[Unanswered, ...] = (),
    nodes: tuple[ClusterNode, ...] = (),
    **changes: Any,
) -> Inventory:
    """Return what is true when these nodes report these VMs."""
    silent = {one.node for one in unanswered}
    told = tuple(reports.node_report(name, *vms.get(name, ())) for name in ("node1", "node2", "node3") if name not in silent)
    cluster: ClusterReport = reports.cluster_report(roles=roles, resources=resources, nodes=nodes, **changes)
    return merge(cluster, told, (), unanswered, mounts=(*MOUNTS, LOCAL), taken_at=reports.TAKEN_AT)


def highly_available(number: int, name: str, owner: str = "node1", **changes: Any) -> dict[str, Any]:
    """Return the role and the resources of a VM, as arguments of ``inventory``."""
    return {"roles": (reports.role(number, name, owner, **changes),), "resources": reports.held(number, name, owner)}


def manifest(known: Inventory, vm_id: str, **changes: Any) -> Manifest:
    """Return the manifest of an archive that was made of a VM when the inventory held."""
    vm = next(one for one in known.virtual_machines if one.id == vm_id)
    files = tuple(
        ArchivedFile(
            archive_path=located.archive_path,
            windows_path=file.path,
            kind=file.kind.value,
            size=file.size,
            mtime_ns=None,
            owner=vm.id,
            identifier=file.identifier,
            read_only=file.read_only,
        )
        for file in vm.files
        if (located := locate(file.path, (*MOUNTS, LOCAL), node=vm.node)) is not None
    )
    plain = Manifest(
        schema=MANIFEST_SCHEMA,
        kind=ArchiveKind.VIRTUAL_MACHINE,
        cluster="hv",
        subject=vm.id,
        name=vm.name,
        node=vm.node,
        highly_available=vm.highly_available,
        consistency=Consistency.CRASH,
        consistency_reason="",
        job="nightly",
        run_id="run",
        created_at="2026-03-01T02:00:00+00:00",
        files=files,
        vm=json.loads(json.dumps({"state": vm.state, "disks": [asdict(disk) for disk in vm.disks]})),
        role_setting={"name": vm.role.name} if vm.role is not None else None,
        left_out=(),
        versions={},
    )
    return replace(plain, **changes)


def plan(then: Manifest, now: Inventory, *, request: RestoreRequest | None = None, **changes: Any) -> RestorePlan:
    """Return the plan for a VM as it was, on a cluster as it is."""
    return plan_restore(then, now, request or RestoreRequest(vm=then.subject), policy(**changes), source=SOURCE)


def render(plan: RestorePlan) -> str:
    """Return a plan as reviewable text."""
    lines = [f"{plan.name} on {plan.node}: {plan.node_reason}", f"claim {plan.claim_folder}", ""]
    for number, planned in enumerate(plan.steps, start=1):
        lines.append(f"{number}. {planned.step.kind}: {planned.reason}")
        plain = {one.name: one.default for one in fields(planned.step)}
        for name, value in asdict(planned.step).items():
            shown = value != plain[name] and (name != "files" or planned.step.kind == "Stage")
            lines.extend(_field(name, value) if shown else ())
    lines += ["", *(f"- {left.kind}: {left.reason}" for left in plan.left_out), ""]
    lines += [f"kept {path}: {reason}" for path, reason in plan.kept] + [f"warning: {text}" for text in plan.warnings]
    text = "\n".join(lines).rstrip() + "\n"
    return text.replace(RESTORE_ID, "<restore>").replace(plan.vm_id, "<vm>").replace(r"C:\ClusterStorage", "C:")


def _field(name: str, value: Any) -> list[str]:
    if isinstance(value, tuple | list):
        return [f"     {name}: {_item(item)}" for item in value]
    return [f"     {name}: {value}"]


def _item(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "staged" in item:
        return f"{item['archive_path']} -> {item['staged']} -> {item['final']}"
    return f"{item['source']} -> {item['destination']}"
