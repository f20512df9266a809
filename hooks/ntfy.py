"""Send a message through ntfy when a backup run fails.

Copy this file to /etc/borg-cluster/hooks.d/. Settings are environment variables, or in ntfy.yaml beside it (0600):

  NTFY_TOPIC    without it nothing is sent
  NTFY_SERVER   https://ntfy.sh by default
  NTFY_TOKEN    an access token, if the topic wants one
  NTFY_STATES   fail by default; words of: start finish fail

What can't be sent in TIMEOUT is a warning of the run.
"""

import json
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
LONGEST = 3000
"""Characters of a message: ntfy makes a file of a longer one."""

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


def send(topic: str, title: str, text: str, priority: int) -> None:
    """Publish one message, as JSON: a name in a header could break it."""
    server = setting("NTFY_SERVER") or "https://ntfy.sh"
    if not server.startswith(("https://", "http://")):
        raise ValueError("NTFY_SERVER is no web address")
    token = setting("NTFY_TOKEN")
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    content = {"topic": topic, "title": title, "message": text[:LONGEST], "priority": priority}
    body = json.dumps(content).encode("ascii")
    request = urllib.request.Request(server, data=body, headers=headers, method="POST")  # noqa: S310 - checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310 - checked above
            pass
    except urllib.error.HTTPError as error:
        error.close()
        raise


@hookimpl
def on_event(event: Event) -> None:
    """Send what is wanted."""
    match event:
        case ArchiveFailed():
            failed.append(f"{event.name}: {event.reason}")
        case UpkeepFailed():
            failed.append(f"{event.subject}: {event.action}: {event.reason}")
        case RunStarted():
            failed.clear()
            tell("start", f"{event.cluster}: {event.verb} begins", "", priority=2)
        case RunFinished():
            state = "finish" if event.exit_code <= WORST_SUCCESS else "fail"
            counts = f"{event.done} done, {event.failed} failed, {event.warnings} warnings"
            text = "\n".join([counts, *filter(None, [event.reason]), *failed])
            tell(state, f"{event.cluster}: {event.verb}: {state}", text, priority=3 if state == "finish" else 4)
        case _:
            pass


def tell(state: str, title: str, text: str, *, priority: int) -> None:
    """Send a message, if its state is wanted."""
    topic = setting("NTFY_TOPIC")
    if topic is not None and state in (setting("NTFY_STATES") or "fail").split():
        within(TIMEOUT, lambda: send(topic, title, text or title, priority))
