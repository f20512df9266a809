"""What a run did about the VMs that changed since the one before."""

from borg_cluster.core.followed import Ended, FollowedChange, Treatment, follow
from borg_cluster.core.history import Change, ChangeKind


def change(vm_id: str, kind: ChangeKind, was: str | None = None, now: str | None = None) -> Change:
    return Change(vm_id=vm_id, name=f"vm {vm_id}", kind=kind, at="2026-03-01T02:00:00Z", was=was, now=now)


ENDED = Ended(
    archives={"a": "hv-a"},
    failures={"f": "disk full"},
    refusals={"r": "shared disk"},
    left_out={"n": "excluded by: tag x", "a": "x"},
)


def treated(*changes: Change) -> list[tuple[Treatment, str]]:
    return [(one.treatment, one.detail) for one in follow(changes, ENDED)]


def test_each_change_says_what_became_of_it() -> None:
    assert treated(
        change("a", ChangeKind.MIGRATED, "node1", "node2"),
        change("f", ChangeKind.BECAME_HIGHLY_AVAILABLE),
        change("r", ChangeKind.APPEARED),
        change("n", ChangeKind.APPEARED),
        change("x", ChangeKind.CEASED_TO_BE_HIGHLY_AVAILABLE),
        change("g", ChangeKind.VANISHED),
    ) == [
        (Treatment.ARCHIVED, "hv-a"),
        (Treatment.FAILED, "disk full"),
        (Treatment.REFUSED, "shared disk"),
        (Treatment.NOT_WANTED, "excluded by: tag x"),
        (Treatment.NOT_DUE, "no job that wants it was due"),
        (Treatment.GONE, "its archives stay"),
    ]


def test_one_that_appeared_and_vanished_is_gone_and_one_that_came_back_is_not() -> None:
    gone = (change("g", ChangeKind.APPEARED), change("g", ChangeKind.VANISHED))
    assert [one for one, _ in treated(*gone)] == [Treatment.GONE, Treatment.GONE]
    assert [one for one, _ in treated(*reversed(gone))] == [Treatment.NOT_DUE, Treatment.NOT_DUE]


def test_the_change_itself_is_kept() -> None:
    moved = change("a", ChangeKind.MOVED_STORAGE, "Volume1", "Volume2")
    assert follow((moved,), ENDED) == (FollowedChange(change=moved, treatment=Treatment.ARCHIVED, detail="hv-a"),)
