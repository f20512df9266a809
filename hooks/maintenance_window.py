"""No backup begins while the cluster is being maintained.

Copy this file to /etc/borg-cluster/hooks.d/ and edit WINDOWS. In a window, or while HOLD exists (`touch` it before patching the
nodes, remove it afterwards), `borg-cluster create` is refused with exit code 4; one that runs already is left alone, and restores
are never refused.
"""

from datetime import datetime, time, timedelta
from pathlib import Path

from borg_cluster.hookspecs import Veto, hookimpl

WINDOWS = (
    # day, from, until: this machine's time; one that ends past midnight belongs to the day on which it begins
    ("saturday", "22:00", "02:00"),
)
HOLD = Path("/run/borg-cluster.hold")

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def reason_to_wait(now: datetime) -> str | None:
    """Return why no backup may begin ``now`` (local time), or None."""
    if HOLD.exists():
        return f"{HOLD} exists"
    for day, begins, ends in WINDOWS:
        for date in (now.date(), now.date() - timedelta(days=1)):  # yesterday's window may reach into today
            opened = datetime.combine(date, time.fromisoformat(begins))
            closed = datetime.combine(date, time.fromisoformat(ends))
            closed += timedelta(days=closed <= opened)
            if DAYS[date.weekday()] == day and opened <= now < closed:
                return f"maintenance until {ends}"
    return None


@hookimpl
def before_create() -> None:
    """Refuse the plan in a window."""
    reason = reason_to_wait(datetime.now())  # noqa: DTZ005 - windows are in this machine's time
    if reason:
        raise Veto(reason)
