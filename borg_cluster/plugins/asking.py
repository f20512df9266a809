"""All plugins of a process, asked in our terms: what each kind of hook may answer, and what becomes of one that goes wrong."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import pluggy

from borg_cluster import hookspecs
from borg_cluster.borg_process import Call, Ended
from borg_cluster.core.backup_plan import BackupPlan
from borg_cluster.core.event import Event, PluginCalled, Progress, Warned
from borg_cluster.core.inventory import Inventory
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.policy import Job, JobKind, Policy
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.errors import BorgClusterError, UsageError, Vetoed
from borg_cluster.plugins.opening import Opening
from borg_cluster.plugins.patience import Alive, Hangs, Worker, attended, within
from borg_cluster.plugins.target import Target
from borg_cluster.stopping import Stop

_log = logging.getLogger(__name__)
PATIENCE = 60.0
"""Seconds, unless the configuration says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One plugin: ``label`` is what messages call it, ``off`` why it does not take part (None: it does)."""

    name: str
    origin: str
    """'built in', the package and its entry point, or the file."""
    label: str
    hooks: tuple[str, ...]
    off: str | None


@dataclass(slots=True)
class _Asked:
    """One plugin's answer: ``error`` if it raised or hung."""

    label: str
    value: Any = None
    error: Exception | None = None


class PluginManager(pluggy.PluginManager):
    """All plugins of this process, asked in our terms. ``patience``: seconds that a plugin may take for one answer.

    ``plugins`` are all that were found, ``complaints`` what is wrong with some of them. A plugin that hangs is not asked again.
    """

    def __init__(self, project_name: str, *, patience: float = PATIENCE) -> None:
        super().__init__(project_name)
        self.plugins: list[Plugin] = []
        self.complaints: list[str] = []
        self.built_in: set[str] = set()
        self.patience = patience
        self._hung: set[str] = set()
        self._workers: dict[str, Worker] = {}
        self._call_sink: Callable[[PluginCalled], object] | None = None

    def trace_to(self, sink: Callable[[PluginCalled], object]) -> None:
        """Tell ``sink`` of each call of a hook (but for Progress); never with what was answered, which may be a secret."""
        self._call_sink = sink

    def secret(self, reference: str) -> str:
        """Return the secret that ``reference`` stands for.

        Raises UsageError if no plugin knows such references, or the first plugin's own complaint if one does and can't tell.
        """
        problems: list[tuple[str, Exception]] = []
        for asked in self._ask("get_secret", reference=reference):
            if asked.error is None and isinstance(asked.value, str):
                for label, error in problems:
                    _log.warning("plugin %s was passed over for the secret %s: %s", label, reference, one_line(error))
                return asked.value
            if asked.error is not None or asked.value is not None:
                problems.append((asked.label, asked.error or _nonsense(asked.value, "text")))
        for label, error in problems:
            if isinstance(error, BorgClusterError):
                raise error
            raise UsageError(f"plugin {label} does not tell the secret {reference}: {one_line(error)}") from error
        raise UsageError(
            f"no plugin resolves the secret {reference}",
            hint="write {credential file PATH}, {credential systemd NAME}, {env NAME} or {keyring SERVICE USER}",
        )

    def open_source(self, archive: PlannedArchive, *, owner: Callable[[], str | None]) -> AbstractContextManager[PlannedArchive]:
        """Return the context in which ``archive`` can be read; its files where they are mounted, unless a plugin says more.

        A plugin that fails to open is passed over: what it yields instead says so in its warnings.
        """
        return Opening(archive, lambda: self._sources(archive, owner), patience=self.patience)

    def _sources(self, archive: PlannedArchive, owner: Callable[[], str | None]) -> Iterator[tuple[str, object]]:
        """Yield the plugins that have something to say about where an archive is read, with that, or the error instead."""
        for asked in self._ask("open_source", archive=archive, owner=owner):
            if asked.error is not None or asked.value is not None:
                yield asked.label, asked.error or asked.value

    def open_target(self, folder: Path, *, warn: Callable[[str], object]) -> Target:
        """Return the context in which ``folder`` can be written to; where it is mounted, unless a plugin says more.

        ``warn`` hears of plugins that failed, which are passed over.
        """

        def targets() -> Iterator[tuple[str, object]]:
            for asked in self._ask("open_target", folder=folder):
                if asked.error is not None or asked.value is not None:
                    yield asked.label, asked.error or asked.value

        return Target(folder, targets, patience=self.patience, warn=warn)

    @property
    def runs_jobs(self) -> bool:
        """Whether any plugin may want to make archives."""
        return any(one.plugin_name not in self._hung for one in self.hook.run_job.get_hookimpls())

    def run_job(
        self, archive: PlannedArchive, call: Call, *, heed: Callable[[int], None], stop: Stop
    ) -> tuple[str, Ended] | None:
        """Have a plugin run ``call``; return its label and how that ended, or None if none wants to.

        ``heed`` hears of the bytes that are done. Raises BorgClusterError if a plugin raised, hung or answered nonsense: what
        became of the call is then not known, so no other is asked. Raises Stopped if the run is ended.
        """
        for asked in self._ask("run_job", archive=archive, call=call, alive=Alive(heed, stop)):
            if asked.error is None and isinstance(asked.value, Ended):
                return asked.label, asked.value
            if asked.error is not None or asked.value is not None:
                error = asked.error or _nonsense(asked.value, "how borg ended, or None,")
                raise BorgClusterError(f"plugin {asked.label} failed in run_job ({one_line(error)})") from error
        return None

    def heed(self, policy: Policy, inventory: Inventory) -> Policy:
        """Return ``policy`` with what plugins say of single VMs in its jobs' selections; itself, if none selects VMs."""
        if not self.hook.select_vm.get_hookimpls():
            return policy
        jobs = tuple(job if job.kind is not JobKind.VIRTUAL_MACHINES else self._heeded(job, inventory) for job in policy.jobs)
        return replace(policy, jobs=jobs)

    def _heeded(self, job: Job, inventory: Inventory) -> Job:
        opinions: list[tuple[str, bool, str]] = []
        for vm in inventory.virtual_machines:
            for asked in self._ask("select_vm", vm=vm, job=job.name):
                if asked.error is None and isinstance(asked.value, bool):
                    opinions.append((vm.id, asked.value, asked.label))
                    break
                if asked.error is not None or asked.value is not None:
                    error = asked.error or _nonsense(asked.value, "True, False or None")
                    _log.warning("plugin %s was passed over in select_vm: %s", asked.label, one_line(error))
        return replace(job, select=replace(job.select, opinions=tuple(opinions)))

    def check_create(self, plan: BackupPlan) -> None:
        """Ask all gates of backups. Raises Vetoed with the first no; a gate that is broken is warned of and stops nothing."""
        for asked in self._ask("before_create", plan=plan):
            if isinstance(asked.error, hookspecs.Veto):
                raise Vetoed(f"plugin {asked.label} refuses: {asked.error.reason}") from asked.error
            if asked.error is not None or asked.value is not None:
                error = asked.error or _nonsense(asked.value, "nothing, or raising Veto")
                _log.warning("plugin %s failed in before_create, so it stops nothing: %s", asked.label, one_line(error))

    def check_extract(self, plan: RestorePlan) -> None:
        """Ask all gates of restores. Raises Vetoed with the first no; a gate that is broken counts as one."""
        for asked in self._ask("before_extract", plan=plan):
            if isinstance(asked.error, hookspecs.Veto):
                raise Vetoed(f"plugin {asked.label} refuses: {asked.error.reason}") from asked.error
            if asked.error is not None or asked.value is not None:
                error = asked.error or _nonsense(asked.value, "nothing, or raising Veto")
                raise Vetoed(f"plugin {asked.label} failed in before_extract, which counts as a no: {one_line(error)}") from error

    def observe(self, event: Event) -> tuple[Warned, ...]:
        """Show ``event`` to all observers; return a warning for each that failed."""
        kind = type(event).__name__
        return tuple(
            Warned(subject=asked.label, message=f"plugin {asked.label} failed on {kind}: {one_line(asked.error)}", hint=None)
            for asked in self._ask("on_event", event=event)
            if asked.error is not None
        )

    def add_commands(self, cli: click.Group) -> None:
        """Let all plugins add their commands to ``cli``; those that are there already stay as they are."""
        ours = dict(cli.commands)
        for asked in self._ask("add_commands", cli=cli):
            if asked.error is not None:
                self.complaints.append(f"plugin {asked.label} can't add its commands: {one_line(asked.error)}")
            wrong = [name for name, command in ours.items() if cli.commands.get(name) is not command]
            wrong += [name for name, command in cli.commands.items() if not isinstance(command, click.Command)]
            for name in wrong:
                self.complaints.append(f"plugin {asked.label} may not put another command in the place of {name}")
                cli.commands.pop(name, None)
            cli.commands.update(ours)
            ours = dict(cli.commands)

    def _ask(self, hook: str, **arguments: object) -> Iterator[_Asked]:
        """Call ``hook`` one plugin at a time, the latest first; what goes wrong is a value. One that hangs is not asked again."""
        for implementation in reversed(getattr(self.hook, hook).get_hookimpls()):
            label = implementation.plugin_name
            if label in self._hung:
                continue
            # pluggy calls all of them or none of those that it can't put into a set
            call = partial(implementation.function, *(arguments[name] for name in implementation.argnames))
            asked = _Asked(label=label)
            try:
                asked.value = self._call(label, hook, call, arguments.get("alive"))
            except Hangs as error:
                self._hung.add(label)
                asked.error = Hangs(error.seconds, "it is not asked any more")
            except Exception as error:  # noqa: BLE001 - other people's code may raise anything; who asked decides what it means
                asked.error = error
            self._tell(asked, hook, arguments)
            yield asked

    def _call(self, label: str, hook: str, act: Callable[[], object], alive: object) -> object:
        """Call a plugin's hook; an observer, which is called often, in a thread that it keeps; what says that it lives, for long.

        What is built in is ours, and may wait for somebody to type a password.
        """
        if label in self.built_in:
            return act()
        if isinstance(alive, Alive):
            return attended(self.patience, act, alive)
        if hook != "on_event":
            return within(self.patience, act)
        worker = self._workers.setdefault(label, Worker())
        worker.within(self.patience, act)
        return None

    def _tell(self, asked: _Asked, hook: str, arguments: dict[str, object]) -> None:
        if self._call_sink is None or isinstance(arguments.get("event"), Progress | PluginCalled):
            return
        outcome = "answered" if asked.value is not None else "nothing" if asked.error is None else one_line(asked.error)
        self._call_sink(PluginCalled(plugin=asked.label, hook=hook, outcome=outcome))


def _nonsense(value: object, wanted: str) -> TypeError:
    return TypeError(f"it answered with {type(value).__name__} where {wanted} is expected")


def one_line(error: BaseException) -> str:
    """Return an error in one line, with its type."""
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
