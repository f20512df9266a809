"""Plan and records beside the staged files: what another backup host makes of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from borg_cluster import journal
from borg_cluster.core.policy import Mount
from borg_cluster.core.progress import Begun, Done, Noted
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.errors import AlreadyRunning, NotMapped, RestoreStopped
from borg_cluster.extract.beside import relocate
from tests import restores
from tests.unit.test_restore_plan import THEN

AT = "2026-03-01T02:00:00+00:00"


@pytest.fixture
def plan() -> RestorePlan:
    (vm,) = THEN.virtual_machines
    return restores.plan(restores.manifest(THEN, vm.id), THEN)


def mounts(root: str) -> tuple[Mount, ...]:
    return tuple(
        Mount(windows=rf"C:\ClusterStorage\{name}", path=f"{root}/{name}", name=name, node=None, writable=True)
        for name in ("Volume1", "Volume2")
    )


def test_another_host_reaches_the_staged_files_by_its_own_mounts(plan: RestorePlan) -> None:
    there = relocate(plan, mounts("/srv/other place"))
    assert there.files
    for file, before in zip(there.files, plan.files, strict=True):
        assert file.local_path.startswith("/srv/other place/")
        assert replace(file, local_path=before.local_path) == before
    assert relocate(there, mounts("/mnt")) == plan


def test_a_host_that_does_not_reach_them_is_told_which(plan: RestorePlan) -> None:
    with pytest.raises(NotMapped, match="staged"):
        relocate(plan, ())


def test_records_are_kept_in_both_places_until_the_restore_removes_one(plan: RestorePlan, tmp_path: Path) -> None:
    here, there = tmp_path / "state", tmp_path / "volume" / "journal"
    with journal.create(here, plan) as held:
        held.append(Begun(step="Claim", at=AT))
        held.keep_beside(there)
        held.append(Done(step="Claim", at=AT, acted=True))
        assert journal.records(there) == journal.records(held.folder)
        (there / journal.RECORDS).unlink()
        held.append(Noted(fact="node", value="node1", at=AT))
        assert held.lost == []
    assert len(journal.records(here / "restores" / plan.source.restore_id)) == 3
    assert not (there / journal.RECORDS).exists()


def test_a_volume_that_can_not_be_written_any_more_stops_nothing_and_is_told(plan: RestorePlan, tmp_path: Path) -> None:
    there = tmp_path / "journal"
    with journal.create(tmp_path / "state", plan) as held:
        held.keep_beside(there)
        (there / journal.RECORDS).unlink()
        (there / journal.RECORDS).mkdir()
        held.append(Begun(step="Claim", at=AT))
        assert len(held.lost) == 1
        assert str(there) in held.lost[0]
    assert len(journal.records(tmp_path / "state" / "restores" / plan.source.restore_id)) == 1


def test_what_was_torn_there_is_left_out_and_damage_is_named(plan: RestorePlan, tmp_path: Path) -> None:
    there = tmp_path / "journal"
    with journal.create(tmp_path / "state", plan) as held:
        held.append(Begun(step="Claim", at=AT))
        held.append(Done(step="Claim", at=AT, acted=True))
        held.keep_beside(there)
    whole = (there / journal.RECORDS).read_bytes()
    (there / journal.RECORDS).write_bytes(whole[:-5])
    assert journal.records(there) == (Begun(step="Claim", at=AT),)
    (there / journal.RECORDS).write_bytes(b"00000000" + whole[8:])
    with pytest.raises(RestoreStopped, match="damaged"):
        journal.read_folder(there)


def test_a_restore_is_adopted_whole_and_not_while_a_process_here_works_on_it(plan: RestorePlan, tmp_path: Path) -> None:
    known = (Begun(step="Claim", at=AT), Done(step="Claim", at=AT, acted=True))
    journal.adopt(tmp_path, plan, known)
    restore_id = plan.source.restore_id
    assert journal.is_known(tmp_path, restore_id)
    assert [step.kind for step in journal.read(tmp_path, restore_id).done] == ["Claim"]
    with journal.hold(tmp_path, restore_id), pytest.raises(AlreadyRunning):
        journal.adopt(tmp_path, plan, known)
