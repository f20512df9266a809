"""Tell Healthchecks (healthchecks.io or your own) that a backup run began, and how it ended.

Copy this file to /etc/borg-cluster/hooks.d/. Settings are environment variables, or in healthchecks.yaml beside it (0600):

  HEALTHCHECKS_PING_URL   https://hc-ping.com/your-uuid; without it nothing is sent

A run with warnings counts as a success; what failed is in the body. What can't be sent in TIMEOUT is a warning of the run.
"""

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import yaml

from borg_cluster.core.event import ArchiveFailed, Event, RunFinished, RunStarted, UpkeepFailed
from borg_cluster.hookspecs import hookimpl

TIMEOUT = 10.0
"""Seconds, for all of it: a server that answers byte by byte doesn't hold a run for longer either."""
WORST_SUCCESS = 1

failed: list[str] = []


def setting(name: str) -> str | None:
    """Return a setting: of the environment, else of the file beside this one."""
    file = Path(__file__).with_suffix(".yaml")
    written = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    value = os.environ.get(name) or (written or {}).get(name)
    return None if value is None else str(value)


def within(seconds: float, act: Callable[[], None]) -> None:
    """Do something that may hang. Raises what it raises, or TimeoutError; then it is left alone and dies with the process."""
    errors: list[Exception] = []

    def guarded() -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - raised again, where it is waited for
            errors.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"no answer within {seconds} s")
    for error in errors:
        raise error


def ping(url: str, body: str) -> None:
    """Send one ping."""
    if not url.startswith(("https://", "http://")):
        raise ValueError("HEALTHCHECKS_PING_URL is no web address")
    request = urllib.request.Request(url, data=body.encode("utf-8", "backslashreplace"), method="POST")  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310 - checked above
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise


@hookimpl
def on_event(event: Event) -> None:
    """Ping at the start and at the end."""
    match event:
        case ArchiveFailed():
            failed.append(f"{event.name}: {event.reason}")
        case UpkeepFailed():
            failed.append(f"{event.subject}: {event.action}: {event.reason}")
        case RunStarted() | RunFinished():
            url = setting("HEALTHCHECKS_PING_URL")
            if url is not None:
                address, body = message(url.rstrip("/"), event)
                within(TIMEOUT, lambda: ping(address, body))
        case _:
            pass


def message(url: str, event: RunStarted | RunFinished) -> tuple[str, str]:
    """Return where to ping, and with what."""
    if isinstance(event, RunStarted):
        failed.clear()
        return f"{url}/start?rid={event.run_id}", f"{event.verb} of {event.cluster}"
    counts = f"{event.verb} of {event.cluster}: {event.done} done, {event.failed} failed, {event.warnings} warnings"
    result = "" if event.exit_code <= WORST_SUCCESS else "/fail"
    return f"{url}{result}?rid={event.run_id}", "\n".join([counts, *filter(None, [event.reason]), *failed])
