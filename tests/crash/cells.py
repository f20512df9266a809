"""What the matrix is made of: which step is hit, at which moment, by what, and what is typed next."""

from dataclasses import dataclass
from typing import Literal

Walked = Literal["restore", "undo", "release"]
Moment = Literal["before", "after", "torn"]
Hit = Literal["kill", "cut", "node", "owner", "name", "volume", "mute", "rot", "spoil", "misfit", "stale", "halt"]
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
    "mute": "our process is killed when the node has done what it was asked, before its answer is heard",
    "rot": "the repository is damaged where it holds a disk",
    "spoil": "a staged disk loses its end",
    "misfit": "no node takes a configuration of this version any more",
    "stale": "the new virtual machine's saved state is of other disks",
    "halt": "the guest of the new virtual machine crashes",
}
_ASKS = ("RemoveRole", "Park", "Unregister", "Place", "Register", "RegisterCopy", "AddRole", "Start")
"""Steps whose act is one command that changes the cluster."""
_SPECIAL: dict[Hit, tuple[tuple[str, ...], tuple[Way, ...]]] = {
    "mute": (tuple(f"{step}:after" for step in _ASKS), ("resume", "undo")),
    "rot": (("Claim:after", "Claim:torn", "Rehearse:before"), ("undo",)),
    "spoil": (("Stage:after", "Stage:torn", "Inspect:before"), ("undo",)),
    "misfit": (("Inspect:after", "Inspect:torn", "Compare:before"), ("undo",)),
    "stale": (("Place:after", "Place:torn", "Register:before"), ("resume", "undo")),
    "halt": (("Start:after", "Start:torn", "Confirm:before"), ("undo",)),
}
"""Blows that make sense at some gates of a restore only; what must be noticed can only be undone."""
MUST_STOP: dict[Hit, tuple[str, ...]] = {
    "rot": ("Rehearse", "Stage"),
    "spoil": ("Inspect",),
    "misfit": ("Compare", "RegisterCopy"),
    "halt": ("Start", "Confirm"),
}
"""The steps of which one must notice: all of them while there is a way back."""
KILLS: frozenset[Hit] = frozenset({"kill", "mute"})
"""Blows that our process doesn't survive."""
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

    @property
    def place(self) -> str:
        """Its name less the step's number, which changes with the steps before it."""
        return f"{self.scenario}:{self.walked}:{self.step}:{self.moment}:{self.hit}:{self.way}"


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
    "in-place": frozenset({"cut", "node", "owner", "name", "volume", "stale"}),
}
"""What the scenarios beside the first are not hit by: they differ in their steps, not in how a cluster is asked."""


_NO_WAY_BACK = "Release"


def cells_of(scenario: str, walked: Walked, steps: tuple[str, ...]) -> list[Cell]:
    """Return all cells of a walk whose steps these are. From the old disks' deletion on there is no way but onwards."""
    last = steps.index(_NO_WAY_BACK) if walked == "restore" and _NO_WAY_BACK in steps else len(steps)
    return [
        Cell(scenario=scenario, walked=walked, number=number, step=step, moment=moment, hit=hit, way=way)
        for number, step in enumerate(steps, start=1)
        for moment in MOMENTS
        for hit in HITS
        if hit not in _FEWER.get(scenario, ())
        for way in _WAYS[walked]
        if (way == "resume" or number <= last) and (hit not in _SPECIAL or _makes_sense(walked, step, moment, hit, way))
    ]


def _makes_sense(walked: Walked, step: str, moment: Moment, hit: Hit, way: Way) -> bool:
    gates, ways = _SPECIAL[hit]
    return walked == "restore" and f"{step}:{moment}" in gates and way in ways
