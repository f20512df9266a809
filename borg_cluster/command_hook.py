"""The administrator's own commands, before and after: shell lines of the configuration, told all they need by the environment.

Nothing is put into a line: a VM's name is a variable's value and stays one. A line that ends with 75 skips what it stands before.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from borg_cluster.context import Context
from borg_cluster.core.event import CommandHookRan, Warned
from borg_cluster.core.policy import CommandHook
from borg_cluster.errors import BorgClusterError, ExitCode, Refused

_STDERR = 2


class CommandSkipped(Exception):
    """A command before a scope asked to skip it (75); no error."""


@dataclass(slots=True)
class Scope:
    """What the commands after it are told; ``error`` None: it went well."""

    error: str | None = None


@contextmanager
def commands_around(context: Context, *, verb: str, scope: str, variables: Mapping[str, str]) -> Iterator[Scope]:
    """Run the commands before ``scope``, then the body, then those after it, also if it failed, or one of those before it.

    ``variables`` become BORG_CLUSTER_<NAME> (and BORG_CLUSTER_STATE, BORG_CLUSTER_ERROR after it); ``verb`` is matched with
    ``when:``. Raises CommandSkipped, without those after it, as borgmatic has it; or Refused if a command before it fails. One
    that fails after it is a warning.
    """
    exported = {**variables, "verb": verb, "scope": scope, "cluster": context.policy.cluster}
    chosen = [hook for hook in context.policy.commands if hook.scope == scope and (not hook.when or verb in hook.when)]
    outcome = Scope()
    skipped = True
    try:
        _run_before(context, chosen, scope, exported)
        skipped = False
        yield outcome
    except CommandSkipped:  # this scope, or one within that has told so: no failure
        raise
    except BaseException as error:
        skipped = False
        outcome.error = error.message if isinstance(error, BorgClusterError) else str(error) or type(error).__name__
        raise
    finally:
        if not skipped:
            _run_after(context, chosen, scope, exported, outcome)


def _run_before(context: Context, hooks: list[CommandHook], scope: str, variables: Mapping[str, str]) -> None:
    for hook, line in _lines(hooks, "before"):
        return_code = _run(context, hook, line, variables)
        if return_code == ExitCode.SKIPPED:
            raise CommandSkipped(f"skipped by the command before it: {line}")
        if return_code:
            raise Refused(f"the command before the {scope} ended with {return_code}: {line}")


def _run_after(context: Context, hooks: list[CommandHook], scope: str, variables: Mapping[str, str], outcome: Scope) -> None:
    state = "finish" if outcome.error is None else "fail"
    told = {**variables, "state": state, "error": outcome.error or ""}
    for hook, line in _lines(hooks, "after"):
        if (not hook.states or state in hook.states) and (return_code := _run(context, hook, line, told)):
            message = f"the command after the {scope} ended with {return_code}: {line}"
            context.emit(Warned(subject=scope, message=message, hint=None))


def _lines(hooks: list[CommandHook], moment: str) -> Iterator[tuple[CommandHook, str]]:
    for hook in hooks:
        if hook.moment == moment:
            yield from ((hook, line) for line in hook.run)


def _run(context: Context, hook: CommandHook, line: str, variables: Mapping[str, str]) -> int:
    """Run one line; what it prints goes to stderr, since stdout is the answer's."""
    environment = dict(os.environ)
    for name, value in variables.items():
        environment[f"BORG_CLUSTER_{name.upper()}"] = value.replace("\0", "")
    done = subprocess.run(["sh", "-c", line], env=environment, stdin=subprocess.DEVNULL, stdout=_STDERR, check=False)
    context.emit(CommandHookRan(moment=hook.moment, scope=hook.scope, command=line, return_code=done.returncode))
    return done.returncode
