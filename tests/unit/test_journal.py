"""The journal on disk: what a crash leaves is read as it was meant, or not at all."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from borg_cluster import journal
from borg_cluster.core.progress import Begun, Done, Finished, Noted, Record, Turned, replay
from borg_cluster.errors import AlreadyRunning, Refused, RestoreStopped
from tests import reports, restores

AT = "2026-03-01T02:00:00+00:00"
NOW = restores.inventory({"node1": (reports.vm(1, "web\n'$(x)'"),)}, **restores.highly_available(1, "web"))
PLAN = restores.plan(restores.manifest(NOW, reports.vm_id(1)), NOW)
ID = restores.RESTORE_ID
RECORDS: tuple[Record, ...] = (
    Begun(step="Claim", at=AT),
    Noted(fact="node", value="line\nbreak\r\u2028", at=AT),
    Done(step="Claim", at=AT, acted=True),
    Begun(step="Stage", at=AT),
)


def written(state: Path, records: tuple[Record, ...] = RECORDS) -> Path:
    with journal.create(state, PLAN) as held:
        for record in records:
            held.append(record)
    return state / "restores" / ID / journal.RECORDS


def test_a_plan_and_its_records_come_back(tmp_path: Path) -> None:
    written(tmp_path)
    progress = journal.read(tmp_path, ID)
    assert progress.plan == PLAN
    assert progress.facts["node"] == "line\nbreak\r\u2028"
    assert progress.in_doubt
    assert [one.plan.source.restore_id for one in journal.restores(tmp_path)] == [ID]
    plan = json.loads((tmp_path / "restores" / ID / journal.PLAN).read_text(encoding="utf-8"))
    assert plan["steps"][0]["step"]["kind"] == "Claim"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(cut=st.integers(min_value=0))
def test_a_cut_anywhere_drops_the_torn_record_and_no_other(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    state = tmp_path_factory.mktemp("state")
    path = written(state)
    data = path.read_bytes()
    cut %= len(data) + 1
    path.write_bytes(data[:cut])
    whole = data[:cut].count(b"\n")
    with journal.hold(state, ID) as held:
        before = held.progress
        held.append(Noted(fact="after", value=True, at=AT))
    after = journal.read(state, ID)
    assert after.facts.get("after") is True
    assert (after.next_step, after.in_doubt) == (before.next_step, before.in_doubt)
    assert path.read_bytes().count(b"\n") == whole + 1


def test_a_last_line_of_zeros_is_torn_too(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(40) + b"\n")
    assert journal.read(tmp_path, ID).in_doubt


def test_damage_in_the_middle_is_an_error_that_names_the_line(tmp_path: Path) -> None:
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"\n") + 20] ^= 1
    path.write_bytes(data)
    with pytest.raises(RestoreStopped, match=r"line 2 of journal\.jsonl"):
        journal.read(tmp_path, ID)
    (path.parent / journal.PLAN).write_text("{}", encoding="utf-8")
    path.write_bytes(b"")
    with pytest.raises(RestoreStopped, match=r"plan\.json"), journal.hold(tmp_path, ID):
        pass


def test_one_process_at_a_time(tmp_path: Path) -> None:
    written(tmp_path)
    assert not journal.is_held(tmp_path, ID)
    with journal.hold(tmp_path, ID):
        assert journal.is_held(tmp_path, ID)
        with pytest.raises(AlreadyRunning, match=str(os.getpid())), journal.hold(tmp_path, ID):
            pass
    with journal.hold(tmp_path, ID):
        pass


@pytest.mark.parametrize("word", ["", ".", "..", "../restores", "no-such-restore", "a/b"])
def test_no_such_restore(tmp_path: Path, word: str) -> None:
    written(tmp_path)
    with pytest.raises(Refused, match="there is no restore"), journal.hold(tmp_path, word):
        pass


def test_a_restore_is_begun_once(tmp_path: Path) -> None:
    written(tmp_path, (Finished(outcome="refused", at=AT),))
    with pytest.raises(Refused, match="exists already"), journal.create(tmp_path, PLAN):
        pass
    assert journal.read(tmp_path, ID).outcome == "refused"


def at(hour: int) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC)


def test_the_disks_of_a_vm_count_as_replaced_by_a_restore_and_by_its_undo_and_not_by_its_release(tmp_path: Path) -> None:
    claimed = (Begun(step="Claim", at=at(3).isoformat()), Done(step="Claim", at=at(3).isoformat(), acted=True))
    restored = Finished(outcome="restored", at=at(5).isoformat())

    def replaced_since(hour: int, *records: Record) -> bool:
        return replay(PLAN, (*claimed, *records)).replaced_disks_since(at(hour))

    assert not replay(PLAN, ()).replaced_disks_since(at(0)), "nothing was done yet"
    assert not replaced_since(2, Finished(outcome="refused", at=at(3).isoformat()))
    assert [replaced_since(hour, restored) for hour in (2, 4, 6)] == [True, True, False]
    within = Finished(outcome="restored", at=(at(5) + timedelta(milliseconds=900)).isoformat())
    assert not replaced_since(5, within), "an archive of that second was begun after it"
    assert replaced_since(3, within), "it was begun in the second of the archive, before or after it"
    assert replaced_since(6), "it is not finished"
    undone = Turned(purpose="undo", steps=(), at=at(8).isoformat())
    assert replaced_since(9, restored, undone), "it is being taken back"
    assert replaced_since(8, restored, undone, Finished(outcome="undone", at=at(9).isoformat()))
    assert not replaced_since(10, restored, undone, Finished(outcome="undone", at=at(9).isoformat()))
    released = (restored, Turned(purpose="release", steps=(), at=at(8).isoformat()))
    assert not replaced_since(6, *released)
    assert not replaced_since(6, *released, Finished(outcome="released", at=at(9).isoformat()))
    written(tmp_path)
    assert [one.plan for one in journal.restores_of(tmp_path, PLAN.vm_id)] == [PLAN]
    assert journal.restores_of(tmp_path, reports.vm_id(2)) == () == journal.restores_of(tmp_path / "none", PLAN.vm_id)
