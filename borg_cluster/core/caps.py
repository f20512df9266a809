"""What may be done at the same time: archives in all, per node, per volume, snapshots per volume, and one a repository. Pure.

Borg has one writer a repository. So a run is as wide as there are repositories, up to the caps; what each archive needs is
counted before it starts, and given back when it has ended.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

_Need = tuple[str, str]
"""What kind of thing, and which of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most archives at the same time, each at least 1; of a repository it is always one."""

    archives: int = 4
    per_node: int = 2
    per_volume: int = 2
    snapshots_per_volume: int = 2


DEFAULT_CAPS = Caps()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An archive to make, as far as caps mind it.

    ``key`` is its own; ``node`` the one that its files are read through (None: not known); ``volumes`` the names of the mounts
    that hold them; ``snapshot``: a recovery snapshot is open meanwhile; ``after``: keys of items that must have ended before.
    """

    key: str
    repository: str
    node: str | None
    volumes: tuple[str, ...]
    snapshot: bool = False
    after: frozenset[str] = frozenset()


def may_start(pending: tuple[Item, ...], running: tuple[Item, ...], caps: Caps, begun: Mapping[str, int]) -> tuple[Item, ...]:
    """Return what may start now, beside what is ``running``; of ``pending``, which is in the order of the plan.

    The repository that had the fewest turns (``begun``, by repository) comes first, within it the order of the plan. An item
    that finds a cap full is passed by those that don't need it; but what the first of them needs is kept for it, so that each
    one starts at the latest when all have ended that ran when its turn came.
    """
    there = {item.key for item in (*pending, *running)}
    queues: dict[str, deque[Item]] = {}
    for item in pending:
        if not item.after & there:
            queues.setdefault(item.repository, deque()).append(item)
    load = Counter(need for item in running for need in needs(item))
    turns = Counter(begun)
    order = {repository: place for place, repository in enumerate(queues)}
    chosen: list[Item] = []
    kept = False
    while queues:
        repository = min(queues, key=lambda one: (turns[one], order[one]))
        item = queues[repository].popleft()
        wanted = needs(item)
        if all(load[need] < limit(need, caps) for need in wanted):
            chosen.append(item)
            load.update(wanted)
            turns[repository] += 1
        elif not kept and not load["repository", repository]:
            kept = True
            load.update(wanted)
        if load["repository", repository] or not queues[repository]:
            del queues[repository]  # it has its writer, or nothing else to write
    return tuple(chosen)


def needs(item: Item) -> tuple[_Need, ...]:
    """Return all that an item takes one of while it runs."""
    found: list[_Need] = [("archives", ""), ("repository", item.repository)]
    if item.node is not None:
        found.append(("node", item.node.lower()))
    for volume in sorted(set(item.volumes)):
        found.append(("volume", volume))
        if item.snapshot:
            found.append(("snapshot", volume))
    return tuple(found)


def limit(need: _Need, caps: Caps) -> int:
    """Return how many may take it at the same time."""
    kind = need[0]
    limits = {
        "archives": caps.archives,
        "repository": 1,
        "node": caps.per_node,
        "volume": caps.per_volume,
        "snapshot": caps.snapshots_per_volume,
    }
    return limits[kind]
