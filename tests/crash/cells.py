"""What the matrix is made of: which step is hit, at which moment, by what, and what is typed next."""

from dataclasses import dataclass
from typing import Literal

Walked = Literal["restore", "undo", "release"]
Moment = Literal["before", "after", "torn"]
Hit = Literal["kill", "cut", "node", "owner", "name", "volume", "spoil", "stale", "halt"]
Way = Literal["resume", "undo"]

MOMENTS: tuple[Moment, ...] = ("before", "after", "torn")
"""Before the act; after the act and before its record; in the middle of the record's write."""
HITS: dict[Hit, str] = {
    "kill": "our process is killed (SIGKILL)",
    "cut": "the connection to the node is cut",
    "node": "the node that holds the virtual machine loses its power, and the cluster fails over",
    "owner": "the virtual machine (its role, if it has one) moves to another node",
    "name": "the cluster's name moves to another node",
    "volume": "the volumes get another coordinator",
    "spoil": "a staged disk loses its end",
    "stale": "the new virtual machine's saved state is of other disks",
    "halt": "the guest of the new virtual machine crashes",
}
_SPECIAL: dict[Hit, tuple[tuple[str, ...], tuple[Way, ...]]] = {
    "spoil": (("Stage:after", "Stage:torn", "Inspect:before"), ("undo",)),
    "stale": (("Place:after", "Place:torn", "Register:before"), ("resume", "undo")),
    "halt": (("Start:after", "Start:torn", "Confirm:before"), ("undo",)),
}
"""Blows that make sense at some gates of a restore only; what is spoilt or halted must be noticed, and can only be undone."""
MUST_STOP: dict[Hit, tuple[str, ...]] = {"spoil": ("Inspect",), "halt": ("Start", "Confirm")}
"""The steps of which one must notice."""
WALKS: tuple[Walked, ...] = ("restore", "undo", "release")
_WAYS: dict[Walked, tuple[Way, ...]] = {"restore": ("resume", "undo"), "undo": ("undo",), "release": ("resume",)}
"""An undo that is hit is gone on with by ``undo``, a release by ``resume``; nothing else makes sense."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell. ``walked``: what is under way when it is hit; ``way``: what is typed then."""

    scenario: str
    walked: Walked
    number: int
    step: str
    moment: Moment
    hit: Hit
    way: Way

    def __str__(self) -> str:
        """Return its name, which is unique."""
        return f"{self.scenario}:{self.walked}:{self.number:02}-{self.step}:{self.moment}:{self.hit}:{self.way}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a cell. ``fired`` False: its fault could not happen there, so that it counts for nothing."""

    cell: Cell
    fired: bool
    wrong: tuple[str, ...]
    attempts: int
    seconds: float


_FEWER: dict[str, frozenset[Hit]] = {
    "plain": frozenset({"cut", "owner", "name", "volume"}),
    "copy": frozenset({"cut", "node", "owner", "name", "volume"}),
    "disk": frozenset({"cut", "node", "owner", "name", "volume"}),
}
"""What the scenarios beside the first are not hit by: they differ in their steps, not in how a cluster is asked."""


def cells_of(scenario: str, walked: Walked, steps: tuple[str, ...]) -> list[Cell]:
    """Return all cells of a walk whose steps these are."""
    return [
        Cell(scenario=scenario, walked=walked, number=number, step=step, moment=moment, hit=hit, way=way)
        for number, step in enumerate(steps, start=1)
        for moment in MOMENTS
        for hit in HITS
        if hit not in _FEWER.get(scenario, ())
        for way in _WAYS[walked]
        if hit not in _SPECIAL or _makes_sense(walked, step, moment, hit, way)
    ]


def _makes_sense(walked: Walked, step: str, moment: Moment, hit: Hit, way: Way) -> bool:
    gates, ways = _SPECIAL[hit]
    return walked == "restore" and f"{step}:{moment}" in gates and way in ways
