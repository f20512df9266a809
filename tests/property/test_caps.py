"""What may start at the same time: no cap is exceeded, all of it runs, none waits for ever, repositories fill in parallel."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from borg_cluster.core.caps import Caps, Item, limit, may_start, needs

CAPS = st.builds(
    Caps,
    archives=st.integers(1, 5),
    per_node=st.integers(1, 3),
    per_volume=st.integers(1, 3),
    snapshots_per_volume=st.integers(1, 3),
)
VOLUMES = st.lists(st.sampled_from(["Volume1", "Volume2", "Volume3"]), unique=True, min_size=1, max_size=3).map(tuple)
ITEM = st.builds(
    Item,
    key=st.just(""),
    repository=st.sampled_from(["a", "b", "c"]),
    node=st.sampled_from([None, "node1", "NODE1", "node2"]),
    volumes=VOLUMES,
    snapshot=st.booleans(),
)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Item, ...]:
    """Items with keys of their own, the later ones after some of the earlier ones."""
    items: list[Item] = []
    for number, item in enumerate(draw(st.lists(ITEM, min_size=1, max_size=14))):
        earlier = draw(st.sets(st.sampled_from([one.key for one in items]), max_size=2)) if items else set()
        items.append(replace(item, key=str(number), after=frozenset(earlier)))
    return tuple(items)


def over(running: list[Item], caps: Caps) -> list[tuple[str, str]]:
    load = Counter(need for item in running for need in needs(item))
    return [need for need, count in load.items() if count > limit(need, caps)]


@given(plans(), CAPS, st.data())
def test_no_cap_is_exceeded_and_all_of_it_runs(items: tuple[Item, ...], caps: Caps, data: st.DataObject) -> None:
    pending, running, ended = list(items), list[Item](), set[str]()
    begun = Counter[str]()
    while pending or running:
        started = may_start(tuple(pending), tuple(running), caps, begun)
        assert started == may_start(tuple(pending), tuple(running), caps, dict(begun)), "it is no matter of chance"
        assert all(item.after <= ended for item in started)
        for item in started:
            pending.remove(item)
            running.append(item)
            begun[item.repository] += 1
        assert running, "nothing runs, and nothing may start"
        assert over(running, caps) == []
        gone = running.pop(data.draw(st.integers(0, len(running) - 1)))
        ended.add(gone.key)
    assert len(ended) == len(items)


@given(st.lists(ITEM, min_size=1, max_size=12), CAPS, st.data())
def test_who_is_first_starts_before_anybody_passes_twice(items: list[Item], caps: Caps, data: st.DataObject) -> None:
    """Whoever would be next in an idle repository has at most what runs at that time before it."""
    first = replace(items[0], key="first", repository="mine", volumes=("Volume1", "Volume2", "Volume3"), snapshot=True)
    others = [replace(item, key=str(number)) for number, item in enumerate(items * 3)]
    begun = Counter({"a": 9, "b": 9, "c": 9})
    running = list(may_start(tuple(others), (), caps, begun))
    pending = [first, *(item for item in others if item not in running)]
    before = {item.key for item in running}
    while True:
        started = may_start(tuple(pending), tuple(running), caps, begun)
        if first in started:
            break
        running += started
        pending = [item for item in pending if item not in started]
        assert before & {item.key for item in running}, "all that ran have ended, and it still waits"
        running.pop(data.draw(st.integers(0, len(running) - 1)))


def item(key: str, repository: str, *volumes: str, node: str | None = None) -> Item:
    return Item(key=key, repository=repository, node=node, volumes=volumes or ("Volume1",))


def test_two_repositories_fill_at_the_same_time_and_each_has_one_writer() -> None:
    pending = (item("1", "a"), item("2", "a"), item("3", "b"), item("4", "b"))
    assert [one.key for one in may_start(pending, (), Caps(), {})] == ["1", "3"]


def test_who_had_fewer_turns_comes_first() -> None:
    pending = tuple(item(f"{repository}{number}", repository) for repository in "abc" for number in range(3))
    assert [one.key for one in may_start(pending, (), Caps(archives=1), {"a": 2, "b": 1, "c": 1})] == ["b0"]


def test_an_item_that_waits_for_its_node_is_passed_by_one_of_another() -> None:
    running = (item("0", "c", node="node1"),)
    pending = (item("1", "a", node="node1"), item("2", "a", node="node2"), item("3", "b", "Volume2", node="node2"))
    started = may_start(pending, running, Caps(per_node=1), {})
    assert [one.key for one in started] == ["3"], "what the first needs is kept for it, its repository too"
