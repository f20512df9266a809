"""Whole restores with the real borg on the simulated cluster, asked without a wire: each case ends as it should."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from borg_cluster import extract, journal, leftovers
from borg_cluster.core.event import Warned
from borg_cluster.core.finding import one_line
from borg_cluster.core.restore_request import RestoreRequest
from borg_cluster.discover import current_inventory, discover
from borg_cluster.errors import AlreadyRunning, Claimed, Refused, RepositoryRefused, RestoreStopped, UnknownVM
from borg_cluster.extract import look, walk
from borg_cluster.hookspecs import hookimpl
from borg_cluster.simulator.making import noise
from tests import direct
from tests.e2e.restore_site import BEFORE, CHAIN, ISO, PLAIN, SAVED, WEB, RestoreSite, Stock, at_step, make_stock


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    return make_stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture
def site(stock: Stock, tmp_path: Path) -> Iterator[RestoreSite]:
    with stock.copy(tmp_path) as copied:
        yield copied


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait by the site's clock, which goes on with each look, and not by ours."""
    for module in (look, walk):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _: None))


def restore(site: RestoreSite, vm: str) -> str:
    """Restore a VM and return the restore's id."""
    progress = extract.restore(site.context, RestoreRequest(vm=vm))
    assert progress.outcome == "restored"
    return progress.plan.source.restore_id


@pytest.mark.parametrize(
    ("name", "listed", "flag_after"),
    [(WEB, "absent", 0), (WEB, "off", 0), (WEB, "off", 6), (PLAIN, "absent", 0), (CHAIN, "absent", 0)],
)
def test_a_running_vm_comes_back_in_place_and_can_be_put_back(site: RestoreSite, name: str, listed: str, flag_after: int) -> None:
    site.cluster.switches.offline_vm_listed, site.cluster.switches.clustered_flag_after = listed, flag_after
    before, vm_id = site.fingerprint(), site.id_of(name)
    restore_id = restore(site, name)
    assert site.finished().warnings == ()
    assert site.fingerprint()["vms"][vm_id] == site.then["vms"][vm_id]
    assert site.others(vm_id, site.fingerprint()) == site.others(vm_id, before)
    assert site.cluster.guest_read(vm_id, length=len(BEFORE)) == BEFORE
    assert (site.finished().offline_seconds or 0) > 0
    extract.undo(site.context, restore_id)
    assert site.fingerprint() == before
    assert site.own_files() == []


@pytest.mark.parametrize(("name", "keep_files"), [(WEB, False), (PLAIN, True), (CHAIN, True), (SAVED, False)])
def test_a_vm_that_is_gone_comes_back_as_it_was(site: RestoreSite, name: str, keep_files: bool) -> None:
    vm_id = site.id_of(name) if name != SAVED else next(key for key in site.then["vms"] if key not in _listed(site))
    site.cluster.destroy(vm_id, keep_files=keep_files)
    gone = site.fingerprint()
    restore_id = restore(site, vm_id)
    assert _but_states(site.fingerprint()["vms"][vm_id]) == _but_states(site.then["vms"][vm_id])
    assert not {"Stop", "RemoveRole", "Unregister", "SaveConfiguration"} & set(site.steps())
    assert ("AddRole" in site.steps()) == (name != PLAIN)
    extract.undo(site.context, restore_id)
    assert site.fingerprint() == gone


class _Mounts:
    """Hands out another path of each folder; ``other`` makes it."""

    def __init__(self, other: Callable[[Path], Path], *, breaks: bool = False) -> None:
        self.asked: list[Path] = []
        self._other = other
        self._breaks = breaks

    @hookimpl
    def open_target(self, folder: Path) -> AbstractContextManager[Path]:
        return self._open(folder)

    @contextmanager
    def _open(self, folder: Path) -> Iterator[Path]:
        self.asked.append(folder)
        yield self._other(folder)
        if self._breaks:
            raise OSError("busy")


@pytest.mark.parametrize("way", ["the same volume", "elsewhere", "not writable", "does not close"])
def test_a_plugin_may_say_by_which_path_files_are_written(site: RestoreSite, tmp_path: Path, way: str) -> None:
    written: list[Path] = []

    def other(folder: Path) -> Path:
        link = tmp_path / f"writable-{len(written)}"
        match way:
            case "elsewhere":
                link.mkdir()
            case "not writable":
                link.write_bytes(b"a file")
            case _:
                link.symlink_to(folder.parent.parent)
        written.append(link.joinpath(*folder.parts[-2:]))
        return written[-1]

    mounts = _Mounts(other, breaks=way == "does not close")
    site.context.plugins.register(mounts, name="mounts")
    vm_id = site.id_of(WEB)
    restore(site, WEB)
    assert len(mounts.asked) == len(set(mounts.asked)) > 0
    assert site.fingerprint()["vms"][vm_id] == site.then["vms"][vm_id]
    told = [event.message for event in site.events if isinstance(event, Warned) and "plugin mounts" in event.message]
    expected = {
        "elsewhere": "is not /",
        "not writable": " failed, so the files are ",
        "does not close": "could not close ",
        "the same volume": "",
    }
    assert len(told) == (0 if way == "the same volume" else len(mounts.asked))
    assert all(expected[way] in message for message in told)


def _but_states(vm: Any) -> Any:
    """Leave the resources' states out of a VM that isn't started: a new role's configuration isn't brought online for it."""
    running = any(found["state"] == "Running" for found in vm["registrations"])
    plain = {"state", "configuration_resource"}
    role = vm["role"] and {key: value for key, value in vm["role"].items() if running or key not in plain}
    return {**vm, "role": role}


def _listed(site: RestoreSite) -> set[str]:
    return {site.id_of(name) for name in (WEB, PLAIN, CHAIN)}


def test_a_vm_that_lost_its_role_gets_it_back(site: RestoreSite) -> None:
    vm_id = site.id_of(WEB)
    site.cluster.end_highly_available(vm_id)
    before = site.fingerprint()
    restore_id = restore(site, WEB)
    assert site.fingerprint()["vms"][vm_id] == site.then["vms"][vm_id]
    extract.undo(site.context, restore_id)
    assert site.fingerprint() == before


def test_a_vm_that_became_highly_available_stays_so(site: RestoreSite) -> None:
    vm_id = site.id_of(PLAIN)
    site.cluster.make_highly_available(vm_id, "its own role")
    before = site.fingerprint()["vms"][vm_id]
    restore(site, PLAIN)
    assert site.fingerprint()["vms"][vm_id]["role"] == before["role"]


def test_a_vm_that_moved_storage_and_node_comes_back_where_it_was_stored(site: RestoreSite) -> None:
    vm_id = site.id_of(WEB)
    site.cluster.move_storage(vm_id, "Volume2")
    site.cluster.migrate(vm_id, "node3")
    before = site.fingerprint()
    restore_id = restore(site, WEB)
    assert site.fingerprint()["vms"][vm_id]["disks"] == site.then["vms"][vm_id]["disks"]
    extract.undo(site.context, restore_id)
    assert site.fingerprint() == before


@pytest.mark.parametrize("listed", ["absent", "off"])
def test_a_vm_whose_role_is_offline_is_set_aside_whole(site: RestoreSite, listed: str) -> None:
    """No node lists it then, so that its files are known only once its role is removed."""
    site.cluster.switches.offline_vm_listed = listed
    vm_id = site.id_of(CHAIN)
    site.cluster.stop(vm_id)
    before = site.fingerprint()
    restore_id = restore(site, vm_id)
    assert site.fingerprint()["vms"][vm_id] == site.then["vms"][vm_id]
    extract.undo(site.context, restore_id)
    after = site.fingerprint()
    assert after["vms"][vm_id]["disks"] == before["vms"][vm_id]["disks"]
    assert after["files"] == before["files"]


@pytest.mark.parametrize("step", ["Stage", "SaveRole"])
def test_a_checkpoint_taken_meanwhile_is_set_aside_too(site: RestoreSite, step: str) -> None:
    vm_id = site.id_of(WEB)
    taken: list[object] = []
    at_step(site, step, lambda: taken.append(site.cluster.take_checkpoint(vm_id)))
    restore_id = restore(site, WEB)
    assert taken
    assert site.fingerprint()["vms"][vm_id] == site.then["vms"][vm_id]
    extract.undo(site.context, restore_id)
    assert len(site.fingerprint()["vms"][vm_id]["definition"]["checkpoints"]) == 1
    assert [name for name in site.fingerprint()["files"] if name.endswith(".avhdx")]


@pytest.mark.parametrize("name", [WEB, CHAIN])
def test_remove_vm_may_mind_that_the_disks_are_parked(site: RestoreSite, name: str) -> None:
    """Without checkpoints they are put back for it; with checkpoints it would merge them, so that the restore stops there."""
    site.cluster.switches.remove_vm_needs_disks = True
    before, vm_id = site.fingerprint(), site.id_of(name)
    if name == WEB:
        restore_id = restore(site, name)
        assert site.fingerprint()["vms"][vm_id] == site.then["vms"][vm_id]
    else:
        with pytest.raises(RestoreStopped, match="at Unregister") as caught:
            restore(site, name)
        restore_id = str(caught.value.fields["restore_id"])
    site.cluster.switches.remove_vm_needs_disks = False
    extract.undo(site.context, restore_id)
    assert site.fingerprint() == before
    assert site.own_files() == []


def test_release_deletes_the_old_one_and_ends_undo(site: RestoreSite) -> None:
    restore_id = restore(site, WEB)
    assert any("parked" in path for path in site.own_files())
    extract.release(site.context, restore_id)
    assert site.own_files() == []
    with pytest.raises(Refused, match="can't be undone"):
        extract.undo(site.context, restore_id)
    assert journal.read(site.context.state, restore_id).outcome == "released"


def test_without_keep_parked_the_old_one_goes_at_once(stock: Stock, tmp_path: Path) -> None:
    with stock.copy(tmp_path, keep_parked=0) as site:
        restore_id = restore(site, WEB)
        assert site.own_files() == []
        with pytest.raises(Refused, match="can't be undone"):
            extract.undo(site.context, restore_id)


def test_the_old_one_is_kept_for_as_long_as_the_configuration_says(stock: Stock, tmp_path: Path) -> None:
    with stock.copy(tmp_path, keep_parked=86400) as site:
        restore_id = restore(site, WEB)
        with pytest.raises(Refused, match="is kept until") as caught:
            extract.release(site.context, restore_id)
        assert "--now" in (caught.value.hint or "")
        assert any("parked" in path for path in site.own_files())
        assert extract.release(site.context, restore_id, now=True).outcome == "released"
        assert site.own_files() == []


@pytest.mark.parametrize(("wanted", "days", "gone"), [(True, 8, True), (True, 6, False), (False, 8, False)])
def test_what_is_due_goes_by_itself_if_the_configuration_says_so(
    stock: Stock, tmp_path: Path, wanted: bool, days: int, gone: bool
) -> None:
    with stock.copy(tmp_path, keep_parked=7 * 86400, release_when_due=wanted) as site:
        restore(site, WEB)
        later = replace(site.context, clock=lambda: site.context.clock() + timedelta(days=days))
        extract.release_due(later)
        assert (site.own_files() == []) == gone


def _dumb(site: RestoreSite, vm_id: str) -> None:
    """Let the guest give no heartbeat from its next start on."""
    site.cluster.edit(vm_id, lambda machine: setattr(machine.definition, "gives_heartbeat", False))


def _locked_out(site: RestoreSite, vm_id: str) -> None:
    """Take the right to its disk from the VM, so that it can't start."""
    with site.cluster.change("locked out", vm_id=vm_id):
        machine = site.cluster.machine(vm_id)
        site.cluster.state.access.pop(site.cluster.places.key(machine.definition.disk_paths()[0], machine.node))


FIRST_BOOTS = pytest.mark.parametrize(("fails", "step"), [(_dumb, "Confirm"), (_locked_out, "Start")], ids=["dumb", "no-start"])


@FIRST_BOOTS
@pytest.mark.parametrize("name", [WEB, PLAIN])
def test_the_old_one_is_put_back_if_the_new_one_does_not_come_up(
    site: RestoreSite, name: str, fails: Callable[[RestoreSite, str], None], step: str
) -> None:
    vm_id, before = site.id_of(name), site.fingerprint()
    at_step(site, "Start", lambda: fails(site, vm_id))
    asked: list[RestoreStopped] = []

    def agree(error: RestoreStopped) -> bool:
        asked.append(error)
        return True

    with pytest.raises(RestoreStopped, match="is back") as caught:
        extract.restore(site.context, RestoreRequest(vm=vm_id), rollback=agree)
    assert [error.fields["step"] for error in asked] == [step]
    assert caught.value.fields["rolled_back"] is True
    assert site.fingerprint() == before
    assert site.own_files() == []


def test_a_guest_without_a_heartbeat_can_be_taken_as_it_is(site: RestoreSite) -> None:
    vm_id = site.id_of(WEB)
    at_step(site, "Start", lambda: _dumb(site, vm_id))
    with pytest.raises(RestoreStopped, match="gives no heartbeat") as caught:
        extract.restore(site.context, RestoreRequest(vm=vm_id))
    progress = extract.resume(site.context, str(caught.value.fields["restore_id"]))
    assert progress.outcome == "restored"
    assert any("gives no heartbeat" in warning for warning in site.finished().warnings)


def test_nothing_is_rolled_back_that_did_not_fail_to_come_up(site: RestoreSite) -> None:
    """A cluster that does not answer says nothing of the VM; and where no old one was, there is none to be put back."""
    vm_id = site.id_of(WEB)
    bridge = site.context.bridge
    assert isinstance(bridge, direct.DirectBridge)
    names = [f"{name}.{site.cluster.domain}" for name in (*site.cluster.node_names, site.cluster.name)]
    at_step(site, "Start", lambda: bridge.aliases.update(dict.fromkeys(names, "")))
    with pytest.raises(RestoreStopped) as caught:
        extract.restore(site.context, RestoreRequest(vm=vm_id), rollback=lambda _: True)
    assert "rolled_back" not in caught.value.fields
    bridge.aliases.clear()
    assert extract.resume(site.context, str(caught.value.fields["restore_id"])).outcome == "restored"


def test_an_iso_that_another_vm_has_stays_where_it_is(site: RestoreSite) -> None:
    real = site.cluster.real_path(ISO)
    inode = real.stat().st_ino
    plan = extract.plan(site.context, RestoreRequest(vm=CHAIN))
    assert [path for path, _ in plan.kept] == [ISO]
    restore(site, CHAIN)
    assert real.stat().st_ino == inode
    site.cluster.destroy(site.id_of(CHAIN))
    site.cluster.edit(site.id_of(PLAIN), lambda machine: machine.definition.dvds.clear())
    real.unlink()
    restore(site, plan.vm_id)
    assert real.read_bytes() == noise("installer", 65536)


def test_a_claimed_vm_is_left_alone(site: RestoreSite) -> None:
    vm_id, before = site.id_of(WEB), site.fingerprint()
    folder = r"C:\ClusterStorage\Volume1\.borg-cluster"
    claim = {"VMId": vm_id, "Folder": folder, "ClaimId": "0" * 8 + "-0000-4000-8000-000000000000"}
    site.cluster.invoke("node1", "New-BorgClusterClaim", {**claim, "Holder": "other host", "Purpose": "backup"})
    with pytest.raises(Claimed, match="other host") as caught:
        extract.restore(site.context, RestoreRequest(vm=WEB))
    assert caught.value.fields["purpose"] == "backup"
    assert site.fingerprint() == before
    site.cluster.invoke("node1", "Remove-BorgClusterClaim", claim)
    restore(site, WEB)


def test_a_repository_that_does_not_open_is_seen_before_anything_is_done(site: RestoreSite) -> None:
    before = site.fingerprint()
    plan = extract.plan(site.context, RestoreRequest(vm=WEB))
    moved = replace(site.context.policy.repositories[0], path="/nowhere/repository")
    context = replace(site.context, policy=replace(site.context.policy, repositories=(moved,)))
    with pytest.raises(RepositoryRefused, match="/nowhere"):
        extract.restore(context, plan)
    gone = replace(plan, source=replace(plan.source, archive="pruned-by-hand"))
    with pytest.raises(Refused, match="holds no archive pruned-by-hand"):
        extract.restore(site.context, gone)
    assert (site.fingerprint(), site.own_files(), journal.restores(site.context.state)) == (before, [], ())


def test_a_vm_left_in_the_middle_is_not_restored_again(site: RestoreSite) -> None:
    def fail() -> None:
        raise OSError("the connection to the volume broke")

    at_step(site, "Park", fail)
    before = site.fingerprint()
    with pytest.raises(RestoreStopped, match="at Park") as caught:
        extract.restore(site.context, RestoreRequest(vm=WEB))
    restore_id = caught.value.fields["restore_id"]
    assert f"resume {restore_id}, or borg-cluster undo {restore_id}" in (caught.value.hint or "")
    with pytest.raises(AlreadyRunning, match="unfinished"):
        extract.restore(site.context, RestoreRequest(vm=_web(site)))
    with (
        journal.hold(site.context.state, str(restore_id)),
        pytest.raises(AlreadyRunning, match=rf"process \d+ works on the restore of .* just now: {restore_id}"),
    ):
        extract.restore(site.context, RestoreRequest(vm=_web(site)))
    extract.undo(site.context, str(restore_id))
    assert site.fingerprint() == before
    assert site.own_files() == []


def test_what_stopped_in_the_middle_is_told_with_its_claim_though_no_node_lists_the_vm(site: RestoreSite) -> None:
    def fail() -> None:
        raise OSError("the connection to the volume broke")

    at_step(site, "Place", fail)
    vm_id = _web(site)
    with pytest.raises(RestoreStopped, match="at Place"):
        extract.restore(site.context, RestoreRequest(vm=WEB))
    inventory = discover(site.context)
    assert vm_id not in {vm.id for vm in inventory.virtual_machines}
    (progress,) = journal.restores(site.context.state)
    restore_id = progress.plan.source.restore_id
    (left,) = leftovers.told(site.context, inventory)
    assert (left.subject, left.message) == (vm_id, f"the restore of {one_line(WEB)} stopped before Place")
    assert left.ended_by == f"borg-cluster resume {restore_id}, or borg-cluster undo {restore_id}"
    assert current_inventory(site.context).taken_at > inventory.taken_at, "what was seen in the middle does not hold"
    for word in (None, WEB, vm_id[:8]):
        (claim,) = extract.find_claims(site.context, word)
        assert (claim.vm_id, claim.name, claim.state.claim_id) == (vm_id, WEB, restore_id)
    with pytest.raises(UnknownVM):
        extract.find_claims(site.context, "nobody")
    leftovers.tell_unlisted(site.context, inventory)
    with journal.hold(site.context.state, restore_id):
        assert leftovers.told(site.context, inventory) == ()
        leftovers.tell_unlisted(site.context, inventory)
    warned = [(event.message, event.hint) for event in site.events if isinstance(event, Warned) and event.subject == vm_id]
    assert warned == [
        (f"{one_line(WEB)} is not backed up: it was left in the middle of a restore, and no node lists it", left.ended_by),
        (f"{one_line(WEB)} is not backed up: it is being restored, and no node lists it", "the next backup finds it again"),
    ]
    extract.undo(site.context, restore_id)
    inventory = current_inventory(site.context)
    assert vm_id in {vm.id for vm in inventory.virtual_machines}
    assert current_inventory(site.context).taken_at == inventory.taken_at, "nothing has changed since"
    assert leftovers.told(site.context, inventory) == ()
    leftovers.tell_unlisted(site.context, inventory)
    assert len([event for event in site.events if isinstance(event, Warned) and event.subject == vm_id]) == len(warned)
    with pytest.raises(Refused, match="can't be undone: it is undone already"):
        extract.undo(site.context, restore_id)


def _web(site: RestoreSite) -> str:
    return str(next(key for key, vm in site.then["vms"].items() if vm["definition"]["name"] == WEB))


def test_a_damaged_file_stops_it_before_anything_is_touched(site: RestoreSite) -> None:
    def damage() -> None:
        path = next(Path(one) for one in site.own_files() if one.endswith(".vhdx"))
        with path.open("r+b") as file:
            file.seek(65536 + 100)
            file.write(b"\xff")
            file.seek(131072 + 100)
            file.write(b"\xff")

    before = site.fingerprint()
    at_step(site, "Inspect", damage)
    with pytest.raises(RestoreStopped, match="neither of its headers"):
        extract.restore(site.context, RestoreRequest(vm=WEB))
    assert site.fingerprint() == before


def test_files_alone_touch_no_cluster(site: RestoreSite, tmp_path: Path) -> None:
    site.cluster.destroy(site.id_of(WEB))
    for node in site.cluster.node_names:
        site.cluster.node_down(node, fail_over=False)
    archive = extract.extract_to(site.context, WEB, tmp_path / "out")
    label, resolved, manifest = extract.resolve_archive(site.context, WEB, "2026-03-01")
    assert (label, resolved) == ("main", archive)
    for file in manifest.files:
        assert (tmp_path / "out" / file.archive_path).stat().st_size == file.size
    with pytest.raises(Refused, match="is there already"):
        extract.extract_to(site.context, WEB, tmp_path / "out")
    with pytest.raises(Refused, match="no archive up to"):
        extract.resolve_archive(site.context, WEB, "2026-02-28")


def test_an_archive_is_found_in_the_repository_if_the_catalog_lost_it(site: RestoreSite) -> None:
    known = extract.resolve_archive(site.context, WEB)
    site.context.catalog.forget_archive(known[0], known[1])
    found = extract.resolve_archive(site.context, WEB)
    assert found == known
