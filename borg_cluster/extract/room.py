"""Whether there is room for a restore, asked before anything is begun."""

import shutil

from borg_cluster.core.restore_files import Room
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.selection import LEAST_FREE
from borg_cluster.errors import Refused


def check_room(plan: RestorePlan) -> None:
    """Raise Refused if a mount has no room for what is extracted to it beside what is there, with the figures."""
    lacking = tuple(room for room in plan.room if _lacks(room, in_place=plan.request.in_place))
    if not lacking:
        return
    told = "; ".join(f"{room.mount} has {_gib(_free(room))} left, and {_gib(room.needed)} are extracted" for room in lacking)
    others = "make room, say another volume (--to-volume VOLUME)"
    freed = all(not _lacks(room, in_place=True) for room in lacking) and not plan.request.is_elsewhere
    way = f"{others}, or --in-place, which deletes the old disks first" if freed else others
    raise Refused(f"there is no room: {told}; {_gib(LEAST_FREE)} must stay free", hint=way)


def _lacks(room: Room, *, in_place: bool) -> bool:
    return room.needed + LEAST_FREE > _free(room) + (room.freed if in_place else 0)


def _free(room: Room) -> int:
    try:
        return shutil.disk_usage(room.path).free
    except OSError as error:
        raise Refused(f"{room.path} can't be reached: {error.strerror}", hint=f"mount {room.mount} again") from error


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"
