"""Every cell of what can be restored: how the VM is now, how it was then, and where it shall go; each plan is a golden text."""

import ntpath
import shutil
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from borg_cluster.core.inventory import Inventory
from borg_cluster.core.progress import Begun, Done, advance, replay
from borg_cluster.core.report import VM, ClusterDisk
from borg_cluster.core.restore_plan import RestorePlan, plan_undo
from borg_cluster.core.restore_request import Availability, Part, RestoreRequest
from borg_cluster.core.selection import LEAST_FREE
from borg_cluster.errors import NotMapped, Refused
from borg_cluster.extract.room import check_room
from tests import reports, restores
from tests.golden.golden import check

WEB = reports.vm_id(1)
HOME = r"C:\ClusterStorage\Volume1\web"
DATA = r"C:\ClusterStorage\Volume2\data\web-data.vhdx"


def web(**changes: Any) -> VM:
    """Return a VM with a disk in its home and one on another volume."""
    disks = (reports.disk(rf"{HOME}\web.vhdx"), reports.disk(DATA, location=1))
    return reports.vm(1, "web", **{"disks": disks, **changes})


def highly_available(node: str = "node1", machine: VM | None = None, **changes: Any) -> Inventory:
    return restores.inventory({node: (machine or web(),)}, **restores.highly_available(1, "web", node), **changes)


def plain(node: str = "node1", machine: VM | None = None, **changes: Any) -> Inventory:
    return restores.inventory({node: (machine or web(),)}, **changes)


def without_files() -> VM:
    """Return a VM whose disks are gone: it is off, and its configuration is held by Hyper-V."""
    gone = tuple(
        replace(disk, chain=tuple(replace(link, exists=False, file_size=None, identifier=None) for link in disk.chain))
        for disk in web().disks
    )
    return web(disks=gone, state="Off")


def stopped(*, owner: str = "node1") -> dict[str, Any]:
    """Return a role that nobody's VM belongs to any more."""
    return {
        "roles": (reports.role(1, "web", owner, state="Failed"),),
        "resources": tuple(replace(one, state="Failed") for one in reports.held(1, "web", owner)),
    }


CLUSTERED = ClusterDisk(id="disk-1", name="Cluster Disk 5", state="Online", role_id="role-1", owner_node="node1", paths=("S:\\",))
NOW: dict[str, Callable[[], Inventory]] = {
    "highly_available": highly_available,
    "plain": plain,
    "gone": lambda: restores.inventory({}),
    "files_gone": lambda: plain(machine=without_files()),
    "role_without_vm": lambda: restores.inventory({}, **stopped()),
    "vm_without_role": lambda: plain("node2"),
    "another_node": lambda: highly_available("node3"),
    "clustered_disk": lambda: highly_available(machine=reports.vm(1, "web", place="S:"), disks=(CLUSTERED,)),
}
THEN = {"highly_available": highly_available, "plain": plain}
TARGET: dict[str, dict[str, Any]] = {
    "in_place": {},
    "volume": {"volume": "Volume2"},
    "node": {"node": "node2"},
    "copy": {"copy_name": 'web "copy": NO', "volume": "Volume2"},
}


def cell(now: str, then: str, target: str) -> RestorePlan | Refused:
    """Return the plan of a cell, or why there is none."""
    request = RestoreRequest(vm="web", **TARGET[target])
    try:
        return restores.plan(restores.manifest(THEN[then](), WEB), NOW[now](), request=request)
    except Refused as refused:
        return refused


def as_text(outcome: RestorePlan | Refused) -> str:
    """Return a cell's steps and reasons, without the paths, which the goldens of whole plans show."""
    if isinstance(outcome, Refused):
        return f"refused: {outcome.message}\nhint: {outcome.hint}"
    head = f"{outcome.name} on {outcome.node}: {outcome.node_reason}"
    places = sorted({ntpath.dirname(file.final) for file in outcome.files})
    end = f"ends {'' if outcome.highly_available else 'not '}highly available, {'running' if outcome.running else 'off'}"
    return (
        "\n".join(
            (
                head,
                *(f"to {place}" for place in places),
                *(f"{number}. {planned.step.kind}: {planned.reason}" for number, planned in enumerate(outcome.steps, start=1)),
                *(f"- {left.kind}: {left.reason}" for left in outcome.left_out),
                *(f"warning: {text}" for text in outcome.warnings),
                end,
            )
        )
        .replace(restores.RESTORE_ID, "<restore>")
        .replace(restores.RESTORE_ID[:8], "<id>")
        .replace(WEB, "<vm>")
    )


@pytest.mark.parametrize("now", NOW)
def test_each_cell_is_planned_with_its_reasons_or_refused_by_name(now: str) -> None:
    cells = [(then, target) for then in THEN for target in TARGET]
    parts = [f"## now {now}, then {then}, to {target}\n{as_text(cell(now, then, target))}\n" for then, target in cells]
    check(f"restore_matrix/{now}.txt", "\n".join(parts))


def steps(outcome: RestorePlan | Refused) -> dict[str, Any]:
    assert isinstance(outcome, RestorePlan), outcome
    return {planned.step.kind: planned.step for planned in outcome.steps}


@pytest.mark.parametrize("now", NOW)
@pytest.mark.parametrize("then", THEN)
def test_a_copy_touches_nothing_of_the_original(now: str, then: str) -> None:
    planned = steps(cell(now, then, "copy"))
    assert set(planned) <= {
        "Claim", "Stage", "Inspect", "Place", "RegisterCopy", "TidyCopy", "Grant", "DropSavedState", "AddRole", "ApplyRole",
        "Confirm", "Clear", "Unclaim",
    }  # fmt: skip
    paths = [move.destination for move in planned["Place"].moves]
    assert all(path.startswith(rf"C:\ClusterStorage\Volume2\web _copy__ NO-{restores.RESTORE_ID[:8]}") for path in paths)
    assert len(set(paths)) == len(paths)


def test_a_moved_vm_finds_its_disks_and_its_old_ones_are_parked() -> None:
    planned = steps(cell("highly_available", "highly_available", "volume"))
    drives = {drive.source: drive.destination for drive in planned["Register"].drives}
    assert drives == {rf"{HOME}\web.vhdx": r"C:\ClusterStorage\Volume2\web\web.vhdx"}, "the other one is there already"
    assert {rf"{HOME}\web.vhdx", DATA} <= {move.source for move in planned["Park"].moves}
    assert planned["Confirm"].disk_paths == (r"C:\ClusterStorage\Volume2\web\web.vhdx", DATA)
    assert planned["Unregister"].configuration_path.startswith(HOME)


def test_what_lies_outside_the_home_keeps_its_archive_path_below_the_new_one() -> None:
    manifest = restores.manifest(highly_available(), WEB)
    planned = restores.plan(manifest, highly_available(), request=RestoreRequest(vm="web", copy_name="c", volume="Volume1"))
    home = rf"C:\ClusterStorage\Volume1\c-{restores.RESTORE_ID[:8]}"
    assert {rf"{home}\web.vhdx", rf"{home}\Volume2\data\web-data.vhdx"} <= {file.final for file in planned.files}


def test_an_undo_registers_the_old_vm_where_it_was() -> None:
    planned = cell("another_node", "highly_available", "node")
    assert isinstance(planned, RestorePlan)
    assert planned.node == "node2"
    back = {step.kind: step for step in plan_undo(planned, tuple(one.step for one in planned.steps))}
    assert (back["Register"].node, back["Register"].path) == ("node3", planned.expected.configuration_path)  # type: ignore[union-attr,unused-ignore]


def test_an_undo_finds_a_copy_before_it_unregisters_it() -> None:
    planned = cell("highly_available", "highly_available", "copy")
    assert isinstance(planned, RestorePlan)
    kinds = [step.kind for step in plan_undo(planned, tuple(one.step for one in planned.steps))]
    assert kinds == ["Claim", "RemoveRole", "AwaitUnclustered", "FindCopy", "Unregister", "Withdraw", "Clear", "Unclaim"]


@pytest.mark.parametrize(
    ("word", "now", "then", "ends"),
    [
        (Availability.YES, "plain", "plain", True),
        (Availability.NO, "highly_available", "highly_available", False),
        (Availability.AS_WAS, "highly_available", "plain", False),
        (Availability.AS_WAS, "plain", "highly_available", True),
        (Availability.AS_IS, "plain", "highly_available", False),
        (Availability.AS_IS, "highly_available", "plain", True),
        (Availability.AS_IS, "gone", "highly_available", True),
        (None, "plain", "highly_available", True),
        (None, "highly_available", "plain", True),
        (None, "plain", "plain", False),
    ],
)
def test_whether_it_ends_highly_available_can_be_said(word: Availability | None, now: str, then: str, ends: bool) -> None:
    planned = restores.plan(restores.manifest(THEN[then](), WEB), NOW[now](), request=RestoreRequest(vm="web", ha=word))
    kinds = {one.step.kind for one in planned.steps}
    assert (planned.highly_available, "AddRole" in kinds) == (ends, ends)
    assert ("RemoveRole" in kinds) == (now == "highly_available")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"node": "node9"}, "no node 'node9'"),
        ({"volume": "Volume9"}, "no mount 'Volume9'"),
        ({"copy_name": "WEB"}, "is called web already"),
        ({"volume": "node1-d"}, "own disk: it could not fail over"),
        ({"volume": "node1-d", "node": "node2", "ha": Availability.NO}, "which node2 does not reach"),
    ],
)
def test_what_cannot_be_is_refused_by_name(request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        restores.plan(
            restores.manifest(highly_available(), WEB), highly_available(), request=RestoreRequest(vm="web", **request_)
        )
    assert caught.value.hint


def test_a_vm_with_checkpoints_or_disks_of_others_is_not_moved() -> None:
    checkpoint = reports.file(rf"{HOME}\Snapshots\C1.vmcx", "checkpoint_configuration")
    chain = (rf"{HOME}\web_1.avhdx", rf"{HOME}\web.vhdx")
    machine = web(files=(*web().files, checkpoint), disks=(reports.disk(*chain),))
    then = restores.manifest(highly_available(machine=machine), WEB)
    with pytest.raises(Refused, match="holds checkpoints"):
        restores.plan(then, highly_available(), request=RestoreRequest(vm="web", volume="Volume2"))
    copy = restores.plan(then, highly_available(), request=RestoreRequest(vm="web", copy_name="c"))
    assert not [file for file in copy.files if file.kind == "checkpoint_configuration"]
    assert [text for text in copy.warnings if "no checkpoints" in text]
    through = restores.manifest(highly_available(machine=web(disks=(*web().disks, reports.disk(disk_number=3)))), WEB)
    with pytest.raises(Refused, match="pass-through"):
        restores.plan(through, highly_available(), request=RestoreRequest(vm="web", copy_name="c"))


def test_a_chain_across_folders_is_not_torn() -> None:
    """Beside its new place the leaf would find no parent, and its absolute path leads to the original's."""
    machine = web(disks=(reports.disk(rf"{HOME}\web_1.avhdx", r"C:\ClusterStorage\Volume2\base\web.vhdx"),))
    then = restores.manifest(highly_available(machine=machine), WEB)
    with pytest.raises(Refused, match="would not find its parent"):
        restores.plan(then, highly_available(machine=machine), request=RestoreRequest(vm="web", copy_name="c"))


def test_a_vm_on_a_nodes_own_disk_is_moved_by_a_copy_only() -> None:
    local = reports.vm(1, "web", place=r"D:\VMs")
    there = restores.inventory({"node1": (local,)})
    then = restores.manifest(there, WEB)
    away = RestoreRequest(vm="web", node="node2", volume="Volume1")
    with pytest.raises(Refused, match="which node2 does not reach"):
        restores.plan(then, there, request=away)
    assert restores.plan(then, there, request=replace(away, copy_name="c")).node == "node2"
    assert restores.plan(then, there, request=RestoreRequest(vm="web", volume="Volume1")).node == "node1"


def test_static_addresses_of_a_copy_are_told() -> None:
    adapters = [{"name": "LAN", "mac_address": "0A1B2C3D4E5F", "switch_name": "Production"}]
    then = restores.manifest(highly_available(), WEB, vm={"state": "Running", "disks": [], "network_adapters": adapters})
    planned = restores.plan(then, highly_available(), request=RestoreRequest(vm="web", copy_name="c"))
    assert [text for text in planned.warnings if "0A1B2C3D4E5F" in text]


def part(now: Inventory, then: VM | None = None, **request: Any) -> RestorePlan:
    manifest = restores.manifest(highly_available(machine=then), WEB)
    return restores.plan(manifest, now, request=RestoreRequest(vm="web", **request))


def test_disks_alone_are_exchanged_under_the_vm_where_they_are_now() -> None:
    moved = web(disks=(reports.disk(r"C:\ClusterStorage\Volume2\new\web.vhdx"), reports.disk(DATA, location=1)))
    planned = part(highly_available("node3", moved), part=Part.DISKS, disks=("scsi:0:0",))
    check("restore_plans/one_disk.txt", restores.render(planned))
    assert [file.final for file in planned.files] == [r"C:\ClusterStorage\Volume2\new\web.vhdx"]
    assert not {"RemoveRole", "Unregister", "Register", "AddRole"} & set(steps(planned))
    both = part(highly_available("node3", moved), part=Part.DISKS)
    assert len(both.files) == 2
    back = [step.kind for step in plan_undo(planned, tuple(one.step for one in planned.steps))]
    assert back == ["Claim", "SetOfflineAction", "Stop", "Withdraw", "Unpark", "Start", "ResetOfflineAction", "Clear", "Unclaim"]


def test_the_configuration_alone_finds_the_disks_where_they_are_now() -> None:
    moved = web(disks=(reports.disk(r"C:\ClusterStorage\Volume2\new\web.vhdx"), reports.disk(DATA, location=1)))
    planned = part(highly_available(machine=moved), part=Part.CONFIGURATION)
    check("restore_plans/configuration.txt", restores.render(planned))
    assert {file.kind for file in planned.files} == {"configuration", "guest_state"}
    assert not [move for move in steps(planned)["Park"].moves if move.source.endswith("vhdx")]
    drives = [(drive.source, drive.destination) for drive in steps(planned)["Register"].drives]
    assert drives == [(rf"{HOME}\web.vhdx", r"C:\ClusterStorage\Volume2\new\web.vhdx")]


CHAINED = web(disks=(reports.disk(rf"{HOME}\web_1.avhdx", rf"{HOME}\web.vhdx"),), checkpoints=(reports.checkpoint(1),))


@pytest.mark.parametrize(
    ("now", "then", "request_", "message"),
    [
        (restores.inventory({}), None, {"part": Part.DISKS}, "no disks to exchange"),
        (highly_available(machine=web(state="Saved")), None, {"part": Part.DISKS}, "saved state would not fit"),
        (highly_available(machine=CHAINED), None, {"part": Part.DISKS}, "has checkpoints"),
        (highly_available(), CHAINED, {"part": Part.DISKS}, "was a chain of files"),
        (highly_available(), None, {"part": Part.DISKS, "disks": ("IDE:0:0",)}, "archive has no disk at IDE:0:0"),
        (highly_available(machine=web(disks=web().disks[:1])), None, {"part": Part.DISKS}, "has no disk at SCSI:0:1 now"),
        (highly_available(machine=web(disks=web().disks[:1])), None, {"part": Part.CONFIGURATION}, "no disk at SCSI:0:1 now"),
        (highly_available(machine=CHAINED), None, {"part": Part.CONFIGURATION}, "has or had checkpoints"),
    ],
)
def test_a_part_that_would_not_fit_is_refused(now: Inventory, then: VM | None, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message) as caught:
        part(now, then, **request_)
    assert caught.value.hint


def test_without_room_for_both_the_old_disks_go_first_and_nothing_can_be_undone_then() -> None:
    planned = part(highly_available(), in_place=True)
    check("restore_plans/in_place.txt", restores.render(planned))
    kinds = [one.step.kind for one in planned.steps]
    assert kinds.index("Rehearse") < kinds.index("Stop") < kinds.index("Unregister") < kinds.index("Release")
    assert kinds.index("Release") < kinds.index("Stage") < kinds.index("Inspect") < kinds.index("Place")
    assert [(room.mount, room.needed, room.freed) for room in planned.room] == [
        ("Volume1", (4 << 20) + 8192, 4 << 20),
        ("Volume2", 4 << 20, 4 << 20),
    ]
    begun = tuple(one.step for one in planned.steps)
    progress = replay(planned, [record for step in begun[: kinds.index("Release")] for record in _done(step.kind)])
    assert progress.can_undo
    assert not advance(progress, Begun(step="Release", at=_AT)).can_undo
    wanted = RestoreRequest(vm="web", in_place=True)
    for request in (replace(wanted, copy_name="c"), replace(wanted, volume="Volume2")):
        with pytest.raises(Refused, match="own place"):
            restores.plan(planned.manifest, highly_available(), request=request)
    with pytest.raises(Refused, match="nothing would be freed"):
        part(restores.inventory({}), in_place=True)


_AT = "2026-03-01T02:00:00+00:00"


def _done(kind: str) -> tuple[Begun, Done]:
    return (Begun(step=kind, at=_AT), Done(step=kind, at=_AT, acted=True))


def test_room_is_needed_on_each_mount_and_told_with_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    planned, deleting = part(highly_available()), part(highly_available(), in_place=True)
    free = {"/mnt/Volume1": LEAST_FREE + (8 << 20), "/mnt/Volume2": LEAST_FREE + (4 << 20) - 1}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free[path]))
    with pytest.raises(Refused, match=r"Volume2 has 1\.0 GiB left, and 0\.0 GiB are extracted; 1\.0 GiB must") as caught:
        check_room(planned)
    assert "--in-place" in (caught.value.hint or "")
    check_room(deleting)
    free["/mnt/Volume2"] += 1
    check_room(planned)
    free["/mnt/Volume1"] = 0
    with pytest.raises(Refused) as caught:
        check_room(deleting)
    assert "--in-place" not in (caught.value.hint or "")


def test_an_archive_of_another_cluster_finds_its_storage_by_other_names() -> None:
    """There it lay on storage that nobody has here; its ISO too, which a copy of the VM goes without."""
    there = {"C:\\ClusterStorage\\Volume1": r"C:\ClusterStorage\Fast", "C:\\ClusterStorage\\Volume2": r"C:\ClusterStorage\Slow"}
    iso = reports.file(r"C:\ClusterStorage\Volume2\ISO\boot.iso", "iso")
    manifest = restores.manifest(highly_available(machine=web(files=(*web().files, iso))), WEB, cluster="other", node="far1")

    def moved(path: str) -> str:
        return next((path.replace(ours, theirs) for ours, theirs in there.items() if path.startswith(ours)), path)

    disks = [{**disk, "path": moved(disk["path"]), "chain": []} for disk in (manifest.vm or {})["disks"]]  # type: ignore[attr-defined]
    foreign = replace(
        manifest,
        files=tuple(
            replace(
                file,
                windows_path=moved(file.windows_path),
                archive_path=file.archive_path.replace("Volume1/", "Fast/").replace("Volume2/", "Slow/"),
            )
            for file in manifest.files
        ),
        vm={**(manifest.vm or {}), "disks": disks},
    )
    request = RestoreRequest(vm="web", cluster="other")
    with pytest.raises(NotMapped, match="lies on no mount") as caught:
        restores.plan(foreign, restores.inventory({}), request=request)
    assert "--map" in (caught.value.hint or "")
    mapped = (("fast", "Volume2"), (r"C:\ClusterStorage\Slow", "Volume1"))
    planned = restores.plan(foreign, restores.inventory({}), request=replace(request, mapped=mapped))
    check("restore_plans/another_cluster.txt", restores.render(planned))
    drives = {drive.source: drive.destination for drive in steps(planned)["Register"].drives}
    assert drives == {
        r"C:\ClusterStorage\Fast\web\web.vhdx": r"C:\ClusterStorage\Volume2\web\web.vhdx",
        r"C:\ClusterStorage\Slow\data\web-data.vhdx": r"C:\ClusterStorage\Volume1\data\web-data.vhdx",
    }
    assert [path for path, reason in planned.kept if "goes without" in reason] == [r"C:\ClusterStorage\Slow\ISO\boot.iso"]
    assert (planned.node, planned.cluster, planned.highly_available) == ("node1", "hv", True)
    copy = restores.plan(foreign, restores.inventory({}), request=replace(request, volume="Volume1", copy_name="c"))
    assert {file.final.rpartition("c-0b0e0000")[0] for file in copy.files} == {"C:\\ClusterStorage\\Volume1\\"}
    for wrong, message in (
        ((("Fast", "Volume9"),), "no mount 'Volume9'"),
        ((("Volume7", "Volume1"),), "nothing in the archive lies"),
    ):
        with pytest.raises(Refused, match=message):
            restores.plan(foreign, restores.inventory({}), request=replace(request, mapped=wrong))
