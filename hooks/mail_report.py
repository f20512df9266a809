"""Mail a report of each backup run: what was done, what failed, what to look at.

Copy this file to /etc/borg-cluster/hooks.d/. Settings are environment variables, or in mail_report.yaml beside it (0600):

  MAIL_REPORT_TO         addresses, with commas between them; without it nothing is sent
  MAIL_REPORT_FROM       MAIL_REPORT_TO by default
  MAIL_REPORT_HOST       localhost by default
  MAIL_REPORT_PORT       25 by default; 587 with a login
  MAIL_REPORT_USERNAME   and MAIL_REPORT_PASSWORD: to log in, after STARTTLS
  MAIL_REPORT_STATES     "finish fail" by default

What can't be sent in TIMEOUT is a warning of the run.
"""

import os
import smtplib
import ssl
import threading
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import yaml

from borg_cluster.core.event import ArchiveFailed, ArchiveFinished, Event, RunFinished, RunStarted, UpkeepFailed, Warned
from borg_cluster.hookspecs import hookimpl

TIMEOUT = 20.0
"""Seconds, for all of it: a server that answers byte by byte doesn't hold a run for longer either."""
WORST_SUCCESS = 1
MEBIBYTE = 2**20

done: list[str] = []
failed: list[str] = []
warned: list[str] = []


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


def plain(text: str) -> str:
    """Return text as one line that any mail program may show."""
    whole = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in whole)


def send(message: EmailMessage) -> None:
    """Hand a message over to the mail server."""
    username, password = setting("MAIL_REPORT_USERNAME"), setting("MAIL_REPORT_PASSWORD")
    port = int(setting("MAIL_REPORT_PORT") or (25 if username is None else 587))
    with smtplib.SMTP(setting("MAIL_REPORT_HOST") or "localhost", port, timeout=TIMEOUT) as server:
        if username is not None:
            server.starttls(context=ssl.create_default_context())
            server.login(username, password or "")
        server.send_message(message)


def report(event: RunFinished, to: str) -> EmailMessage:
    """Return the mail: what failed stands first."""
    message = EmailMessage()
    result = "failed" if event.exit_code > WORST_SUCCESS else "done, with warnings" if event.exit_code else "done"
    message["Subject"] = plain(f"borg-cluster: {event.verb} of {event.cluster}: {result}")
    message["From"] = setting("MAIL_REPORT_FROM") or to
    message["To"] = to
    parts = [f"{event.done} done, {event.failed} failed, {event.warnings} warnings; {event.seconds:.0f} s; run {event.run_id}"]
    parts += [plain(event.reason)] if event.reason else []
    for title, lines in (("Failed", failed), ("Warnings", warned), ("Done", done)):
        parts += ["", title, *(f"  {plain(line)}" for line in lines)] if lines else []
    message.set_content("\n".join(parts) + "\n")
    return message


@hookimpl
def on_event(event: Event) -> None:
    """Gather what happens; mail it when the run ends."""
    match event:
        case RunStarted():
            for lines in (done, failed, warned):
                lines.clear()
        case ArchiveFinished():
            read, stored = event.original_size / MEBIBYTE, event.deduplicated_size / MEBIBYTE
            done.append(f"{event.name}: {read:.1f} MiB read, {stored:.1f} MiB stored, {event.seconds:.0f} s")
            warned.extend(f"{event.name}: {warning}" for warning in event.warnings)
        case ArchiveFailed():
            failed.append(f"{event.name}: {event.reason}")
        case UpkeepFailed():
            failed.append(f"{event.subject}: {event.action}: {event.reason}")
        case Warned():
            warned.append(event.message)
        case RunFinished():
            to = setting("MAIL_REPORT_TO")
            state = "finish" if event.exit_code <= WORST_SUCCESS else "fail"
            if to is not None and state in (setting("MAIL_REPORT_STATES") or "finish fail").split():
                message = report(event, to)
                within(TIMEOUT, lambda: send(message))
        case _:
            pass
