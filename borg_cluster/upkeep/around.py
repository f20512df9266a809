"""One repository after the other: what befalls one is told and stops none of the others."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from difflib import get_close_matches

from borg_cluster.borg_upkeep import UpkeepBorg
from borg_cluster.command_hook import CommandSkipped, Scope, commands_around
from borg_cluster.context import Context
from borg_cluster.core.event import Event, UpkeepFailed, Warned
from borg_cluster.core.policy import Repository
from borg_cluster.errors import BorgClusterError, UsageError

Act = Callable[[Context, UpkeepBorg], None]


@dataclass(slots=True)
class _Ear:
    """Hears what fails on its way out, so that the commands after it are told."""

    emit: Callable[[Event], None]
    failed: int = 0

    def __call__(self, event: Event) -> None:
        self.failed += isinstance(event, UpkeepFailed)
        self.emit(event)

    def judge(self, scope: Scope, *, before: int = 0) -> None:
        failed = self.failed - before
        scope.error = f"{failed} failed" if failed else None


def each_repository(context: Context, verb: str, labels: tuple[str, ...], act: Act, *, hooks: bool = True) -> None:
    """Do something with each repository that is named (none: all), with the commands around ``verb``; a dry run has none.

    Raises UsageError for a label that isn't configured, Refused by a command before all of it.
    """
    chosen = choose(context, labels)
    ear = _Ear(context.emit)
    context = replace(context, emit=ear)
    if not hooks:
        for repository in chosen:
            _guarded(context, verb, repository, act)
        return
    try:
        with ExitStack() as stack:
            scopes = [
                stack.enter_context(commands_around(context, verb=verb, scope=scope, variables={}))
                for scope in ("configuration", "cluster", "action")
            ]
            for repository in chosen:
                _guarded(context, verb, repository, _with_commands(verb, act, ear))
            for scope in scopes:
                ear.judge(scope)
    except CommandSkipped as skipped:
        context.emit(Warned(subject=verb, message=str(skipped), hint=None))


def choose(context: Context, labels: tuple[str, ...]) -> tuple[Repository, ...]:
    """Return repositories of the configuration by their labels. Raises UsageError."""
    known = {repository.label: repository for repository in context.policy.repositories}
    for label in labels:
        if label not in known:
            near = get_close_matches(label, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
            raise UsageError(f"the configuration has no repository {label}", hint=hint)
    return tuple(repository for label, repository in known.items() if not labels or label in labels)


def open_upkeep(context: Context, repository: Repository) -> UpkeepBorg:
    """Return a repository for its upkeep; borg is not run yet."""
    return UpkeepBorg(context.policy.borg, repository, secret=context.plugins.secret)


def fail(context: Context, action: str, subject: str, error: Exception) -> None:
    """Tell that an action on something failed."""
    known = isinstance(error, BorgClusterError)
    reason = error.message if isinstance(error, BorgClusterError) else f"{type(error).__name__}: {error}"
    context.emit(
        UpkeepFailed(action=action, subject=subject, reason=reason, hint=getattr(error, "hint", None) if known else None)
    )


def _guarded(context: Context, verb: str, repository: Repository, act: Act) -> None:
    try:
        act(context, open_upkeep(context, repository))
    except CommandSkipped as skipped:
        context.emit(Warned(subject=repository.label, message=str(skipped), hint=None))
    except (BorgClusterError, OSError) as error:
        fail(context, verb, repository.label, error)


def _with_commands(verb: str, act: Act, ear: _Ear) -> Act:
    def acted(context: Context, borg: UpkeepBorg) -> None:
        variables = {"repository": borg.repository.path, "repository_label": borg.repository.label}
        before = ear.failed
        with commands_around(context, verb=verb, scope="repository", variables=variables) as scope:
            act(context, borg)
            ear.judge(scope, before=before)

    return acted
