"""What ``borg create`` says of the archive that it wrote."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from borg_cluster.borg_arguments import CHANGED, FAILED
from borg_cluster.borg_process import Call, Ended, Finished
from borg_cluster.errors import BorgFailed

Elsewhere = Callable[[Call], Ended]
"""Has a command run by somebody else, and returns how it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """An archive that borg wrote; sizes are bytes.

    ``changed`` and ``failed`` are source paths as borg shows them (bytes that aren't UTF-8 as '?'); ``warnings`` its messages.
    """

    archive_id: str
    original_size: int
    deduplicated_size: int
    seconds: float
    changed: tuple[str, ...]
    failed: tuple[str, ...]
    warnings: tuple[str, ...]


def created(finished: Finished, answer: bytes) -> Created:
    """Return what borg wrote, by its answer. Raises BorgFailed if that is not borg's."""
    try:
        told = json.loads(answer)
        archive = told["archive"]
        return Created(
            archive_id=str(archive["id"]),
            original_size=int(archive["stats"]["original_size"]),
            deduplicated_size=int(archive["stats"]["deduplicated_size"]),
            seconds=float(archive["duration"]),
            changed=tuple(path for status, path in finished.statuses if status == CHANGED),
            failed=tuple(path for status, path in finished.statuses if status == FAILED),
            warnings=tuple(message.text for message in finished.messages if message.level == "WARNING"),
        )
    except (ValueError, TypeError, LookupError) as error:
        raise BorgFailed("what should be borg's answer is none: it does not describe an archive") from error
