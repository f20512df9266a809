"""Send a message about a backup run to anything that Apprise knows: Matrix, Teams, Slack, Telegram, Signal, SMS, ...

Copy this file to /etc/borg-cluster/hooks.d/ and install the package where borg-cluster is installed (`pip install apprise`, or
borg-cluster's extra of that name). Settings are environment variables, or in apprise.yaml beside it (0600):

  APPRISE_URLS     addresses as Apprise has them (they hold tokens and passwords), with blanks between them; and, or instead,
  APPRISE_CONFIG   files of Apprise's own with such addresses, with blanks between them; without either nothing is sent
  APPRISE_STATES   of start, finish and fail; "fail" by default

What can't be sent in TIMEOUT is a warning of the run.
"""

import importlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import yaml

from borg_cluster.core.event import ArchiveFailed, Event, RunFinished, RunStarted, UpkeepFailed
from borg_cluster.hookspecs import hookimpl

TIMEOUT = 30.0
"""Seconds, for all addresses together."""
WORST_SUCCESS = 1
LONGEST = 3000
"""Characters of a message: the shortest limit of the large services."""

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


def send(urls: str, configuration: str, title: str, text: str, kind: str) -> None:
    """Send one message to all addresses. Raises for one that isn't understood or doesn't take it; an address is never shown."""
    try:
        apprise = importlib.import_module("apprise")  # by name: it is a choice of the site's, and this file is called alike
    except ImportError as error:
        raise RuntimeError("the package apprise is not installed: pip install apprise where borg-cluster is installed") from error
    everybody = apprise.Apprise()
    for number, url in enumerate(urls.split(), start=1):
        if not everybody.add(url):
            raise ValueError(f"Apprise does not understand address {number} of APPRISE_URLS")
    for file in configuration.split():
        known, one = len(everybody), apprise.AppriseConfig()
        if not one.add(file) or not everybody.add(one) or len(everybody) == known:
            raise ValueError(f"Apprise finds no address in {file}")
    plain = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if not everybody.notify(title=title, body=plain[:LONGEST], notify_type=kind):
        raise RuntimeError("not every address took the message")


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
            tell("start", f"{event.cluster}: {event.verb} begins", "", kind="info")
        case RunFinished():
            state = "finish" if event.exit_code <= WORST_SUCCESS else "fail"
            counts = f"{event.done} done, {event.failed} failed, {event.warnings} warnings"
            text = "\n".join([counts, *filter(None, [event.reason]), *failed])
            kind = "failure" if state == "fail" else "warning" if event.exit_code else "success"
            tell(state, f"{event.cluster}: {event.verb}: {state}", text, kind=kind)
        case _:
            pass


def tell(state: str, title: str, text: str, *, kind: str) -> None:
    """Send a message, if its state is wanted."""
    urls, configuration = setting("APPRISE_URLS") or "", setting("APPRISE_CONFIG") or ""
    if (urls or configuration) and state in (setting("APPRISE_STATES") or "fail").split():
        within(TIMEOUT, lambda: send(urls, configuration, title, text or title, kind))
