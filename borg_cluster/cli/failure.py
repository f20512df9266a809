"""The only place where an exception becomes a line on stderr and an exit code. Never a traceback, unless it is asked for."""

import os
import signal
import sys
import threading
import traceback
from datetime import UTC, datetime
from types import FrameType

import click

from borg_cluster.cli.render import ReaderGone, clean
from borg_cluster.cli.sinks import write_json_line
from borg_cluster.errors import BorgClusterError, ConfigError, ExitCode, RestoreStopped, UsageError
from borg_cluster.extract.signals import Ended

DEBUG = "BORG_CLUSTER_DEBUG"
SIGNALLED = 128
_AGAIN_SECONDS = 0.01


class Interrupted(BaseException):
    """A signal asked us to end. Not an Exception, so that only `main` stops it, after every context has ended."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = number
        self.exit_code = SIGNALLED + number


def end_on_signals() -> None:
    """Let SIGINT and SIGTERM end what runs in order; a second one ends it at once."""

    def end(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Interrupted(number)

    usual = sys.unraisablehook

    def again(dropped: "sys.UnraisableHookArgs") -> None:
        # Python drops what is raised while it clears an object away, and the signal with it: so it is sent once more, from
        # a thread, since one that is raised here would be dropped here as well
        if not isinstance(dropped.exc_value, Interrupted):
            usual(dropped)
            return
        signal.signal(dropped.exc_value.number, end)
        timer = threading.Timer(_AGAIN_SECONDS, os.kill, (os.getpid(), dropped.exc_value.number))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = again
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)


def exit_code_of(error: BaseException) -> int:
    """Return what the process exits with after ``error``."""
    match error:
        case RestoreStopped(__cause__=Ended(name=name)):
            code = SIGNALLED + signal.Signals[name]
        case BorgClusterError() | Interrupted() | click.exceptions.Exit():
            code = error.exit_code
        case click.ClickException():
            code = ExitCode.USAGE
        case click.Abort():
            code = SIGNALLED + signal.SIGINT
        case BrokenPipeError() | ReaderGone():
            code = SIGNALLED + signal.SIGPIPE
        case SystemExit(code=int(number)):
            code = number
        case _:
            code = ExitCode.ALL_FAILED
    return code


def tell(error: BaseException, *, log_json: bool) -> None:
    """Write what went wrong to stderr: ``error: ...`` and ``hint: ...`` where there is one; with ``log_json`` as one object."""
    if os.environ.get(DEBUG) == "1" and not isinstance(error, click.ClickException | click.exceptions.Exit):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.Exit | SystemExit):
        return
    if isinstance(error, BrokenPipeError | ReaderGone):
        # nobody reads any more; the interpreter would complain when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    known = _known(error)
    if log_json:
        facts: dict[str, object] = {"message": known.message, "hint": known.hint, "exit_code": exit_code_of(error)}
        write_json_line("error", at=datetime.now(tz=UTC), fields={**facts, "fields": known.fields})
        return
    # a ConfigError's message has one line for each complaint; any other's is one line
    lines = known.message.split("\n") if isinstance(error, ConfigError) else [known.message]
    sys.stderr.writelines(f"error: {clean(line)}\n" for line in lines)
    if known.hint:
        sys.stderr.write(f"hint: {clean(known.hint)}\n")


def _known(error: BaseException) -> BorgClusterError:
    """Return any exception as one of ours, for its message, hint and fields."""
    match error:
        case BorgClusterError():
            return error
        case click.ClickException():
            return UsageError(error.format_message(), hint=_hint_of(error))
        case Interrupted():
            return BorgClusterError(str(error))
        case click.Abort():
            return BorgClusterError("aborted")
        case _:
            hint = f"{DEBUG}=1 shows where; please report it with that"
            return BorgClusterError(f"unexpected {type(error).__name__}: {error}", hint=hint)


def _hint_of(error: click.ClickException) -> str | None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is None:
        return None
    root = context.find_root()
    before = {name for option in root.command.params for name in option.opts}
    if isinstance(error, click.NoSuchOption) and error.option_name in before and context is not root:
        return f"it goes before the command: {root.command_path} {error.option_name} {context.info_name}"
    return f"{context.command_path} --help"
