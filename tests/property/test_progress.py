"""Replaying records: whatever was written before a crash, the next step is the one that has to be looked at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from borg_cluster.core.progress import Begun, Done, Finished, Noted, Progress, Record, Replanned, Turned, advance, replay
from borg_cluster.core.restore_plan import plan_undo
from borg_cluster.journal import parse_line, render_line
from tests import reports, restores

AT = "2026-03-01T02:00:00+00:00"
WEB = reports.vm_id(1)
NOW = restores.inventory({"node1": (reports.vm(1, "web"),)}, **restores.highly_available(1, "web"))
PLAN = restores.plan(restores.manifest(NOW, WEB), NOW)
GONE = restores.plan(restores.manifest(NOW, WEB), restores.inventory({}))
KINDS = [planned.step.kind for planned in PLAN.steps]


def whole() -> list[Record]:
    """Return the records of an undisturbed restore."""
    records: list[Record] = []
    for number, kind in enumerate(KINDS):
        records += [Begun(step=kind, at=f"2026-03-01T02:00:{number:02}+00:00")]
        records += [Noted(fact="role_setting", value={"name": "web"}, at=AT)] if kind == "SaveRole" else []
        records += [Done(step=kind, at=f"2026-03-01T02:01:{number:02}+00:00", acted=True)]
    return [*records, Finished(outcome="restored", at=AT)]


@given(st.integers(min_value=0, max_value=len(whole())))
def test_a_crash_anywhere_leaves_exactly_one_step_to_look_at(length: int) -> None:
    records = whole()[:length]
    progress = replay(PLAN, records)
    begun = [record.step for record in records if isinstance(record, Begun)]
    done = [record.step for record in records if isinstance(record, Done)]
    assert [step.kind for step in progress.done] == done
    assert [step.kind for step in progress.begun] == begun
    assert progress.in_doubt == (len(begun) > len(done))
    following = progress.next_step
    assert (following.kind if following else None) == (KINDS[len(done)] if len(done) < len(KINDS) else None)
    assert progress.outcome == ("restored" if length == len(whole()) else None)
    assert (progress.offline_seconds is not None) == ("Start" in done)


@given(st.integers(min_value=0, max_value=len(whole())), st.data())
def test_an_undo_takes_back_what_was_begun_and_is_replayed_the_same_way(length: int, data: st.DataObject) -> None:
    progress = replay(PLAN, whole()[:length])
    steps = plan_undo(progress.plan, progress.begun)
    assert len({step.kind for step in steps}) == len(steps)
    progress = advance(progress, Turned(purpose="undo", steps=steps, at=AT))
    walked = data.draw(st.integers(min_value=0, max_value=len(steps)))
    for step in steps[:walked]:
        progress = advance(progress, Begun(step=step.kind, at=AT))
        assert progress.in_doubt
        progress = advance(progress, Done(step=step.kind, at=AT, acted=True))
    assert progress.next_step == (steps[walked] if walked < len(steps) else None)
    assert progress.begun == replay(PLAN, whole()[:length]).begun, "an undo begins nothing that must be taken back"


@given(st.integers(min_value=0, max_value=len(whole())))
def test_records_survive_the_disk(length: int) -> None:
    records = [*whole()[:length], Replanned(plan=GONE, at=AT), Turned(purpose="undo", steps=plan_undo(PLAN, ()), at=AT)]
    assert [parse_line(render_line(record)) for record in records] == records


def test_a_plan_made_anew_keeps_what_is_the_same() -> None:
    records = [record for record in whole() if getattr(record, "step", "Claim") in {"Claim", "Stage", "Inspect"}]
    progress = replay(PLAN, [record for record in records if not isinstance(record, Noted | Finished)])
    progress = advance(progress, Replanned(plan=GONE, at=AT))
    assert progress.next_step is not None
    assert progress.next_step.kind == "Park"
    begun = {step.kind for step in progress.begun}
    assert begun == {"Claim", "Stage", "Inspect"}


@pytest.mark.parametrize("record", [Begun(step="Park", at=AT), Done(step="Stage", at=AT, acted=True)])
def test_a_record_out_of_order_is_no_progress(record: Record) -> None:
    with pytest.raises(ValueError, match="where Claim is next"):
        replay(PLAN, [record])


def test_a_release_ends_all_undoing() -> None:
    progress = replay(PLAN, whole())
    assert progress.can_undo
    release = Turned(purpose="release", steps=tuple(p.step for p in PLAN.steps if p.step.kind == "Claim"), at=AT)
    assert not advance(progress, release).can_undo
    refused: Progress = replay(PLAN, [Begun(step="Claim", at=AT), Finished(outcome="refused", at=AT)])
    assert not refused.can_undo
