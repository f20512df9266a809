"""What people see while a verb works: one line for what happened, a bar for what is being read. All of it on stderr.

The bar is drawn on a terminal only; a log file gets the lines. Results (tables, ``--json``) go to stdout: they can be piped.
"""

import re
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from borg_cluster.cli.render import counted, duration, sentence, size, words
from borg_cluster.core import event as events
from borg_cluster.core.event import Event

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Of a VM whose name is not known here: what is said of it names it, and nobody knows it by that."""
_LABEL = 10
_NAME = 32


class Terminal:
    """The sink for people.

    ``verbosity``: -1 shows only what is wrong, 0 what was done, 1 also who was asked. ``names``: of VMs by id, as far as the
    caller knows them; what starts here is added.
    """

    def __init__(self, console: Console, *, verbosity: int, names: dict[str, str] | None = None) -> None:
        self._console = console
        self._verbosity = verbosity
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            DownloadColumn(binary_units=True),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            disable=not console.is_terminal or verbosity < 0,
        )
        self._tasks: dict[str, TaskID] = {}
        """By subject: several are read at the same time."""
        self._names = {} if names is None else names
        self._hinted = ""

    def __enter__(self) -> Self:
        """Return the sink itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Take the bar away, whatever happened."""
        self._bar_off()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case events.Progress():
                self._bar_to(event)
            case events.ArchiveStarted():
                self._names[event.subject] = event.name
                self._say(1, "reading", event.name)
            case events.ArchiveFinished():
                self._bar_off(event.subject)
                self._archive_finished(event)
            case events.ArchiveFailed():
                self._bar_off(event.subject)
                self._say(-1, "refused" if event.refused else "failed", event.name, event.reason, style="red")
                self._hint(event.hint)
            case events.Retrying():
                self._bar_off(event.subject)
                told = f"{event.reason}; again in {duration(event.seconds)} ({event.number} of {event.most}): {event.why}"
                self._say(0, "waiting", event.name, told, style="yellow")
            case events.Noted():
                self._say(0, "note", "", event.message)
            case events.Warned():
                name = self._names.get(event.subject, "" if _ID.fullmatch(event.subject) else event.subject)
                self._say(-1, "warning", "" if event.message.startswith(name) else name, event.message, style="yellow")
                self._hint(event.hint)
            case _:
                self._cluster_or_restore(event)

    def _cluster_or_restore(self, event: Event) -> None:
        match event:
            case events.RunStarted():
                self._say(1, event.verb, event.cluster, f"run {event.run_id}")
            case events.RunFinished():
                self._say(1, "ended", event.cluster, f"{event.verb}: exit code {event.exit_code}, {duration(event.seconds)}")
            case events.NodeAsked():
                self._say(1, "asking", event.node)
            case events.NodeAnswered():
                self._say(1, "answered", event.node, f"{counted(event.virtual_machines, 'VM')}, {duration(event.seconds)}")
            case events.NodeFailed():
                self._say(-1, "no answer", event.node, f"{event.reason}: {event.message}", style="yellow")
                self._hint(event.hint)
            case events.Discovered():
                self._discovered(event)
            case events.Followed():
                self._say(0, "moved", event.name, f"from {event.was or 'nowhere'} to {event.now or 'nowhere'}; followed")
            case events.CommandHookRan():
                level = 1 if event.return_code == 0 else -1
                self._say(level, "command", f"{event.moment} {event.scope}", f"exit code {event.return_code}: {event.command}")
            case events.PluginCalled():
                self._say(-1, "plugin", event.hook, f"{event.plugin}: {event.outcome}", style="dim")
            case _:
                self._restore(event)

    def _restore(self, event: Event) -> None:
        match event:
            case events.StepBegun():
                self._say(1, f"{event.number}/{event.total}", event.step, event.message)
            case events.StepDone():
                self._bar_off()
                told = (event.message, duration(event.seconds) if event.acted else "")
                self._say(0, "step", event.step, ", ".join(filter(None, told)) or "was done already")
            case events.RestoreFinished():
                seconds = event.offline_seconds if event.outcome == "restored" else None
                offline = "" if seconds is None else f"; it was offline for {duration(seconds)}"
                self._say(0, event.outcome, event.name, f"restore {event.restore_id}{offline}", style="green")
                for warning in event.warnings:
                    self._say(-1, "warning", event.name, warning, style="yellow")
            case _:
                self._upkeep(event)

    def _upkeep(self, event: Event) -> None:
        match event:
            case events.Pruned():
                word = "would go" if event.dry_run else "removed"
                held = f", {event.held} of them held" if event.held else ""
                told = f"{counted(len(event.removed), 'archive')} {word}, {event.kept} kept{held}"
                self._say(0, "pruned", event.repository, told, style="green")
                for archive in event.removed:
                    self._say(0 if event.dry_run else 1, "", archive)
            case events.Compacted():
                self._say(0, "compacted", event.repository, f"{event.message}, {duration(event.seconds)}", style="green")
            case events.Checked():
                self._say(0, "checked", event.repository, f"{event.check}: fine, {duration(event.seconds)}", style="green")
            case events.Verified():
                self._bar_off()
                told = f"{event.archive}: {counted(event.files, 'file')}, {size(event.size)}, {duration(event.seconds)}"
                self._say(0, "verified", event.name, told, style="green")
                for warning in event.warnings:
                    self._say(-1, "warning", event.name, warning, style="yellow")
            case events.Booted():
                self._bar_off()
                told = f"{event.archive}: started on {event.node}, heartbeat {event.heartbeat}, {duration(event.seconds)}"
                self._say(0, "booted", event.name, told, style="green")
            case events.CatalogRebuilt():
                what = f"{counted(event.archives, 'archive')} of {counted(event.runs, 'run')}"
                self._say(0, "catalog", event.cluster, f"{what} taken in: {event.reason}")
            case events.UpkeepFailed():
                self._bar_off()
                self._say(-1, "failed", event.subject, f"{event.action}: {event.reason}", style="red")
                self._hint(event.hint)
            case _:
                pass

    def _archive_finished(self, event: events.ArchiveFinished) -> None:
        stored = f"{size(event.original_size)} read, {size(event.deduplicated_size)} stored, {duration(event.seconds)}"
        self._say(0, "done", event.name, stored, style="green")
        for warning in event.warnings:
            self._say(-1, "warning", event.name, warning, style="yellow")

    def _discovered(self, event: events.Discovered) -> None:
        machines = f"{counted(event.virtual_machines, 'VM')} ({event.highly_available} highly available)"
        doubts = f", {counted(len(event.findings), 'finding')}" if event.findings else ""
        when = f"known for {duration(event.age)}" if event.age else duration(event.seconds)
        self._say(1 if event.age else 0, "cluster", event.cluster, f"{counted(event.nodes, 'node')}, {machines}{doubts}, {when}")
        if event.reason:
            self._say(1, "", event.reason)

    def _say(self, level: int, label: str, name: str, rest: str | Text = "", *, style: str = "") -> None:
        if self._verbosity < level:
            return
        head = Text(f"{label:<{_LABEL}}", style=style or "dim")
        # soft_wrap: a line of a log stays one line, whatever the width
        self._console.print(sentence(head, words(name, "bold"), "  " if name and rest else "", rest), soft_wrap=True)

    def _hint(self, hint: str | None) -> None:
        if hint and hint != self._hinted:  # two hundred VMs may fail by one repository
            self._hinted = hint
            self._console.print(sentence(" " * _LABEL, words(f"hint: {hint}", "dim")), soft_wrap=True)

    def _bar_to(self, event: events.Progress) -> None:
        if self._bar.disable:
            return
        name = words(self._names.get(event.subject, event.subject)).plain
        description = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
        task = self._tasks.get(event.subject)
        if task is None:
            task = self._tasks[event.subject] = self._bar.add_task(description, total=event.total or None)
            self._bar.start()
        self._bar.update(task, description=description, completed=event.done, total=event.total or None)

    def _bar_off(self, subject: str | None = None) -> None:
        """Take a subject's line of the bar away, or all of them."""
        for one in [one for one in self._tasks if subject in {None, one}]:
            self._bar.remove_task(self._tasks.pop(one))
        if not self._tasks:
            self._bar.stop()
