"""What a restore is made of: golden plans for the cases, and what is refused, by name."""

from dataclasses import replace
from typing import Any

import pytest

from borg_cluster.core.archive import Consistency
from borg_cluster.core.inventory import Inventory, Unanswered
from borg_cluster.core.observed import Registered
from borg_cluster.core.report import VM
from borg_cluster.core.restore_plan import RestorePlan, differs, plan_release, plan_undo
from borg_cluster.core.restore_request import Availability, RestoreRequest
from borg_cluster.core.vm_state import Registration
from borg_cluster.errors import NotMapped, Refused
from tests import reports, restores
from tests.golden.golden import check

WEB = reports.vm_id(1)
HOME = r"C:\ClusterStorage\Volume1\web"
ISO = r"C:\ClusterStorage\Volume2\ISO\boot.iso"
EMPTY = restores.inventory({})


def web(**changes: Any) -> VM:
    return reports.vm(1, "web", **changes)


def clustered(node: str = "node1", machine: VM | None = None, **changes: Any) -> Inventory:
    return restores.inventory({node: (machine or web(),)}, **restores.highly_available(1, "web", node), **changes)


def kinds(plan: RestorePlan) -> list[str]:
    return [planned.step.kind for planned in plan.steps]


def step(plan: RestorePlan, kind: str) -> Any:
    return next(planned.step for planned in plan.steps if planned.step.kind == kind)


THEN = clustered()
OFF = {"state": "Off"}
CASES: dict[str, tuple[Inventory, Inventory, dict[str, Any]]] = {
    "highly_available": (THEN, clustered("node2"), {}),
    "not_highly_available": (restores.inventory({"node1": (web(),)}), restores.inventory({"node1": (web(),)}), {}),
    "gone": (THEN, EMPTY, {}),
    "gone_plain_and_off": (restores.inventory({"node1": (web(**OFF),)}), EMPTY, {}),
    "role_lost": (THEN, restores.inventory({"node3": (web(),)}), {}),
    "role_offline_and_unlisted": (
        THEN,
        restores.inventory(
            {},
            roles=(reports.role(1, "web", state="Offline"),),
            resources=tuple(replace(one, state="Offline") for one in reports.held(1, "web")),
        ),
        {},
    ),
    "released_at_once": (THEN, THEN, {"keep_parked": False, "stop_action": "save"}),
    "checkpoint_since": (
        THEN,
        clustered(
            machine=web(
                disks=(reports.disk(rf"{HOME}\web_1.avhdx", rf"{HOME}\web.vhdx"),),
                files=(
                    *web().files,
                    reports.file(rf"{HOME}\Snapshots\C1.vmcx", "checkpoint_configuration"),
                    reports.file(rf"{HOME}\web.vhdx.rct", "change_tracking"),
                ),
                checkpoints=(reports.checkpoint(1, rf"{HOME}\web.vhdx"),),
            )
        ),
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_plans_read_as_they_should(name: str) -> None:
    then, now, changes = CASES[name]
    plan = restores.plan(restores.manifest(then, WEB), now, **changes)
    check(f"restore_plans/{name}.txt", restores.render(plan))


def test_every_kind_is_planned_or_left_out_with_a_reason() -> None:
    order = [
        "Claim", "Stage", "Inspect", "Compare", "SaveRole", "SetOfflineAction", "Stop", "ResetOfflineAction", "SaveConfiguration",
        "RemoveRole", "AwaitUnclustered", "Park", "Unregister", "Place", "Register", "Grant", "DropSavedState", "AddRole",
        "ApplyRole", "Start", "Confirm", "Release",
    ]  # fmt: skip
    for then, now, changes in CASES.values():
        plan = restores.plan(restores.manifest(then, WEB), now, **changes)
        left = {one.kind for one in plan.left_out}
        assert all(planned.reason for planned in plan.steps)
        assert all(missing.reason for missing in plan.left_out)
        assert [kind for kind in order if kind not in left] == [kind for kind in kinds(plan) if kind not in {"Clear", "Unclaim"}]
        assert not left & set(kinds(plan))


def shared(**owned: Any) -> VM:
    iso = replace(reports.file(ISO, "iso"), **owned)
    return reports.vm(2, "other", files=(*reports.vm(2, "other").files, iso))


def test_a_shared_iso_is_kept_replaced_never_and_placed_when_missing() -> None:
    mine = web(files=(*web().files, reports.file(ISO, "iso")))
    then = restores.manifest(restores.inventory({"node1": (mine,)}), WEB)
    together = restores.plan(then, restores.inventory({"node1": (mine, shared())}))
    assert [path for path, _ in together.kept] == [ISO]
    assert ISO not in {move.source for move in step(together, "Park").moves}
    missing = restores.plan(then, restores.inventory({"node1": (mine, shared(exists=False, size=None))}))
    assert ISO in {move.destination for move in step(missing, "Place").moves}
    with pytest.raises(Refused, match="was replaced since the backup"):
        restores.plan(then, restores.inventory({"node1": (mine, shared(size=5))}))


def test_tracking_is_never_restored_and_stale_tracking_is_parked() -> None:
    mine = web(files=(*web().files, reports.file(rf"{HOME}\web.vhdx.rct", "change_tracking")))
    plan = restores.plan(restores.manifest(restores.inventory({"node1": (mine,)}), WEB), EMPTY)
    assert not [file for file in plan.files if file.final.endswith((".rct", ".mrt"))]
    assert {rf"{HOME}\web.vhdx.rct", rf"{HOME}\web.vhdx.mrt"} <= {move.source for move in step(plan, "Park").moves}


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (
            restores.inventory({"node1": (web(),), "node2": (web(),)}, **restores.highly_available(1, "web")),
            "registered on node1 and node2",
        ),
        (clustered(machine=web(operational_status=(11, 32772))), "disks merge"),
        (clustered(machine=web(operational_status=(11, 32774))), "being live migrated"),
        (clustered(machine=web(state="RunningCritical")), "Critical"),
        (clustered(machine=web(disks=(reports.disk(disk_number=3),))), "pass-through"),
        (restores.inventory({"node1": (reports.vm(2, "x", disks=web().disks),)}), "is now a file of"),
        (restores.inventory({"node1": (reports.vm(2, "other"),)}, **restores.highly_available(2, "web")), "belongs to"),
        (restores.inventory({}, nodes=tuple(reports.node(f"node{n}", "Down") for n in (1, 2, 3))), "no node"),
        (
            restores.inventory({}, unanswered=(Unanswered(node="node2", reason="timed_out", message="too slow", hint=None),)),
            "may be on node2",
        ),
    ],
)
def test_what_is_unsafe_is_refused_with_a_way_out(now: Inventory, message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        restores.plan(restores.manifest(THEN, WEB), now)
    assert caught.value.hint


def test_a_plain_vm_of_a_node_that_is_down_is_not_registered_elsewhere() -> None:
    nodes = (reports.node("node1", "Down"), reports.node("node2"), reports.node("node3"))
    down = (Unanswered(node="node1", reason="down", message="it is Down", hint=None),)
    now = restores.inventory({}, nodes=nodes, unanswered=down)
    with pytest.raises(Refused, match="may be on node1"):
        restores.plan(restores.manifest(restores.inventory({"node1": (web(),)}), WEB), now)
    plan = restores.plan(restores.manifest(THEN, WEB), now)
    assert (plan.node, plan.silent_nodes) == ("node2", ("node1",))


def test_storage_that_is_not_reached_or_not_writable_is_refused() -> None:
    then = restores.manifest(THEN, WEB)
    with pytest.raises(NotMapped, match="no mount"):
        restores.plan(then, EMPTY, mounts=restores.MOUNTS[1:])
    with pytest.raises(NotMapped, match="not writable"):
        restores.plan(then, EMPTY, mounts=tuple(replace(mount, writable=False) for mount in restores.MOUNTS))


def test_a_vm_on_a_nodes_own_disk_goes_back_to_that_node() -> None:
    local = web(
        disks=(reports.disk(r"D:\VMs\web.vhdx"),),
        files=(reports.file(rf"D:\VMs\Virtual Machines\{WEB}.vmcx"),),
        path=r"D:\VMs",
        configuration_location=r"D:\VMs",
    )
    then = restores.manifest(restores.inventory({"node1": (local,)}), WEB)
    assert restores.plan(then, EMPTY).node == "node1"
    twin = replace(local, id=reports.vm_id(9), name="twin")
    assert restores.plan(then, restores.inventory({"node2": (twin,)})).node == "node1", "D: of node2 is another disk"
    nodes = (reports.node("node1", "Down"), reports.node("node2"))
    down = (Unanswered(node="node1", reason="down", message="it is Down", hint=None),)
    with pytest.raises(Refused, match="node1"):
        restores.plan(then, restores.inventory({}, nodes=nodes, unanswered=down))


def test_a_saved_state_that_fits_is_kept() -> None:
    then = restores.manifest(THEN, WEB, vm={"state": "Saved", "disks": []})
    assert "DropSavedState" in kinds(restores.plan(then, EMPTY))
    assert "DropSavedState" not in kinds(restores.plan(replace(then, consistency=Consistency.OFFLINE), EMPTY))


def test_a_request_decides_against_now_and_then() -> None:
    request = RestoreRequest(vm="web", ha=Availability.NO, start=False)
    plan = restores.plan(restores.manifest(THEN, WEB), THEN, request=request)
    assert not {"AddRole", "ApplyRole", "Start"} & set(kinds(plan))
    assert "RemoveRole" in kinds(plan)


def test_a_new_disk_is_warned_of() -> None:
    grown = web(disks=(*web().disks, reports.disk(rf"{HOME}\data.vhdx", location=1)))
    plan = restores.plan(restores.manifest(THEN, WEB), clustered(machine=grown))
    assert [text for text in plan.warnings if "data.vhdx" in text]
    assert rf"{HOME}\data.vhdx" in {move.source for move in step(plan, "Park").moves}


def test_undo_takes_back_each_begun_step_in_reverse_order() -> None:
    plan = restores.plan(restores.manifest(THEN, WEB), THEN)
    steps = tuple(planned.step for planned in plan.steps)

    def undone(last: str) -> list[str]:
        begun = steps[: kinds(plan).index(last) + 1]
        return [one.kind for one in plan_undo(plan, begun)]

    assert undone("Stage") == ["Claim", "Clear", "Unclaim"]
    assert undone("Stop") == ["Claim", "Start", "ResetOfflineAction", "Clear", "Unclaim"]
    parked = ["AwaitUnclustered", "AddRole", "ApplyRole", "Start", "ResetOfflineAction", "Clear", "Unclaim"]
    assert undone("Park") == ["Claim", "Unpark", *parked]
    back = ["Unpark", "PutConfigurationBack", "Register", "Grant"]
    assert undone("Unregister") == ["Claim", *back, *parked]
    assert undone("Register") == ["Claim", "Unregister", "Withdraw", *back, *parked]
    gone = ["SetOfflineAction", "Stop", "RemoveRole", "AwaitUnclustered", "Unregister", "Withdraw"]
    assert undone("Start") == ["Claim", *gone, *back, *[kind for kind in parked if kind != "AwaitUnclustered"]]


def test_undo_clears_only_when_nothing_is_parked() -> None:
    plan = restores.plan(restores.manifest(THEN, WEB), THEN)
    *_, clear, _ = plan_undo(plan, tuple(planned.step for planned in plan.steps))
    assert clear.kind == "Clear"
    assert set(clear.guarded) == {move.destination for move in step(plan, "Park").moves}
    assert [one.kind for one in plan_release(plan)] == ["Claim", "Release", "Unclaim"]


def test_the_old_vm_is_recognised_by_its_files_and_checkpoints() -> None:
    plan = restores.plan(restores.manifest(THEN, WEB), THEN)
    registration = Registration(
        name="renamed",
        state="Off",
        operational_status=(),
        is_clustered=False,
        configuration_path=rf"{HOME}\VIRTUAL MACHINES\{WEB}.vmcx",
        disk_paths=(rf"{HOME}\WEB.vhdx",),
        checkpoint_ids=(),
        has_saved_state=False,
        heartbeat=None,
    )
    found = Registered(node="node1", registration=registration)
    assert not differs(plan.expected, found)
    assert differs(None, found)
    assert differs(plan.expected, replace(found, registration=replace(registration, checkpoint_ids=("one",))))
    assert differs(plan.expected, replace(found, registration=replace(registration, disk_paths=(rf"{HOME}\x.avhdx",))))


def test_a_role_that_is_on_is_stopped_though_its_vm_is_off() -> None:
    then = restores.manifest(THEN, WEB)
    now = clustered(machine=web(**OFF))
    (vm,) = now.virtual_machines
    for state, stops in (("Online", True), ("Offline", False)):
        resources = tuple(replace(resource, state=state) for resource in vm.resources)
        planned = restores.plan(then, replace(now, virtual_machines=(replace(vm, resources=resources),)))
        assert ("Stop" in kinds(planned)) is stops
