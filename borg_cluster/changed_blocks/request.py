"""What the child process is told, and what it tells: JSON, so that neither side shares anything else with the other."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

TOLD = "changed_blocks"
"""``type`` of the child's lines on stderr, among Borg's own JSON messages."""
ASK, ASKED = "--refusal", "changed_blocks_refusal"
"""In place of a request: the child says why it would follow none, or None; and ``type`` of the line by which it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The earlier archive to take blocks over from: its name, and its id as it was read back after the rename."""

    archive: str
    archive_id: str
    run_id: str
    subject: str
    """As its own manifest must say, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk's file that may be taken over in part.

    ``archive_path`` as Borg lists it; ``size`` and ``identifier`` as the base archive's manifest must have them;
    ``virtual_size`` of which the change report was, and its ``changed`` (offset, length), all in bytes.
    """

    archive_path: str
    size: int
    identifier: str | None
    virtual_size: int
    changed: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to take over; ``full`` is the reason why all is read all the same, and then compared with what it would have been.

    ``verify_fraction`` of the chunks that would be taken over are read and compared, chosen anew each time.
    """

    base: Base
    disks: tuple[Disk, ...]
    verify_fraction: float
    full: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskOutcome:
    """What became of a disk, in bytes: ``taken`` over unread, ``read``, of which ``compared`` with what was thought unchanged.

    ``reason`` says why all of it was read, None if it was not. ``wrong`` are offsets of the file where a block that was told to
    be unchanged had changed: then nothing that was taken over is to be trusted.
    """

    archive_path: str
    taken: int
    read: int
    compared: int
    reason: str | None
    wrong: tuple[int, ...]


def dump_request(request: Request) -> str:
    """Return a request as JSON."""
    return json.dumps(asdict(request))


def load_request(text: str) -> Request:
    """Return the request that ``dump_request`` made."""
    told = json.loads(text)
    disks = tuple(
        Disk(**(disk | {"changed": tuple((start, length) for start, length in disk["changed"])})) for disk in told["disks"]
    )
    return Request(base=Base(**told["base"]), disks=disks, verify_fraction=told["verify_fraction"], full=told["full"])


def dump_outcome(outcome: DiskOutcome) -> str:
    """Return an outcome as a line among Borg's own."""
    return json.dumps({"type": TOLD, **asdict(outcome)})


def load_outcome(message: Mapping[str, Any]) -> DiskOutcome:
    """Return the outcome that a message of type ``TOLD`` tells."""
    told = {key: value for key, value in message.items() if key != "type"}
    return DiskOutcome(**(told | {"wrong": tuple(told["wrong"])}))
