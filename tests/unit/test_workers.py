"""Threads that work items off: how many at once, again later, and what ends them."""

import threading

import pytest

from borg_cluster.core.caps import Caps, Item
from borg_cluster.stopping import Stop, Stopped
from borg_cluster.workers import Workers
from tests import direct


def items(*repositories: str, volume: str = "") -> tuple[Item, ...]:
    return tuple(
        Item(key=f"{repository}{number}", repository=repository, node=None, volumes=(volume or f"v{number}",))
        for number, repository in enumerate(repositories)
    )


def workers(given: tuple[Item, ...], caps: Caps, stop: Stop, clock: direct.Clock) -> Workers:
    return Workers(given, caps, stop=stop, clock=clock)


def test_two_repositories_are_written_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=60)
    clock = direct.Clock()
    done: list[str] = []

    def do(key: str) -> None:
        both.wait()  # breaks unless two are here at once
        done.append(key)

    workers(items("a", "b"), Caps(), direct.Hurry(clock), clock).work_off(do)
    assert sorted(done) == ["a0", "b1"]


def test_what_is_to_be_tried_again_waits_without_a_place_and_then_runs() -> None:
    clock = direct.Clock()
    stop = direct.Hurry(clock)
    done: list[str] = []

    def do(key: str) -> float | None:
        done.append(key)
        return 90.0 if done.count(key) < 3 and key == "a0" else None

    workers(items("a", "a", "a"), Caps(), stop, clock).work_off(do)
    assert done == ["a0", "a1", "a2", "a0", "a0"]
    assert clock.now - direct.BEGIN == stop.waited
    assert stop.waited.total_seconds() == 180


def test_what_comes_after_an_item_waits_for_its_second_try_as_well() -> None:
    clock = direct.Clock()
    first, second = items("a", "b")
    second = Item(key="late", repository="b", node=None, volumes=("x",), after=frozenset({first.key}))
    done: list[str] = []

    def do(key: str) -> float | None:
        done.append(key)
        return 5.0 if done == [first.key] else None

    workers((first, second), Caps(), direct.Hurry(clock), clock).work_off(do)
    assert done == [first.key, first.key, "late"]


def test_what_one_raises_stops_the_others_and_is_raised_when_they_have() -> None:
    clock, stop = direct.Clock(), Stop()
    begun = threading.Event()
    stopped: list[str] = []

    def do(key: str) -> None:
        if key == "b1":
            assert begun.wait(60)
            raise KeyboardInterrupt
        begun.set()
        try:
            stop.pause(60)
        except Stopped:
            stopped.append(key)
            raise

    with pytest.raises(KeyboardInterrupt):
        workers(items("a", "b"), Caps(), stop, clock).work_off(do)
    assert stopped == ["a0"]


def test_a_thread_that_is_deaf_ends_what_it_must() -> None:
    stop = Stop()
    ended: list[int] = []
    with stop.ends(lambda: ended.append(1)):
        stop.set()
    assert ended == [1]
    with stop.deaf():
        stop.pause(0)
        stop.check()
    with pytest.raises(Stopped):
        stop.pause(60)
    with stop.ends(lambda: ended.append(2)):
        pass
    assert ended == [1, 2]


def test_one_that_moved_counts_for_its_new_node() -> None:
    clock = direct.Clock()
    first, second = (Item(key=key, repository=key, node=node, volumes=(key,)) for key, node in (("a", "node1"), ("b", "node2")))
    order: list[str] = []
    going = workers((first, second, Item(key="c", repository="c", node="node1", volumes=("c",))), Caps(per_node=1), Stop(), clock)
    together = threading.Barrier(2, timeout=60)

    def do(key: str) -> None:
        order.append(f"+{key}")
        if key == "a":
            going.moved("a", "node3")
            together.wait()  # c takes node1 meanwhile, as soon as b has ended
        elif key == "c":
            together.wait()
        order.append(f"-{key}")

    going.work_off(do)
    assert order.index("+c") < order.index("-a")
