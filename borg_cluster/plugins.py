"""Other people's code: found, checked, asked.

Ours are registered first, then those of installed packages (entry points), then the site's files; pluggy asks the latest first,
so the site has the first word.
"""

import importlib.util
import os
import re
import stat
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import cast

import click
import pluggy

from borg_cluster import hookspecs
from borg_cluster.core.backup_plan import BackupPlan
from borg_cluster.core.event import Event, Warned
from borg_cluster.core.planned import PlannedArchive
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.default_plugins import DEFAULT_PLUGINS
from borg_cluster.errors import UsageError, Vetoed

HOOKS_DIRECTORY = Path("/etc/borg-cluster/hooks.d")
"""Where a site puts its own single-file plugins."""


class PluginManager(pluggy.PluginManager):
    """All plugins of this process, asked in our terms."""

    def secret(self, reference: str) -> str:
        """Return the secret that ``reference`` stands for. Raises UsageError if no plugin knows such references."""
        found = self.hook.get_secret(reference=reference)
        if found is None:
            raise UsageError(
                f"no plugin resolves the secret {reference}",
                hint="write {credential file PATH}, {credential systemd NAME}, {env NAME} or {keyring SERVICE USER}",
            )
        return cast("str", found)

    def open_source(self, archive: PlannedArchive, *, owner: Callable[[], str | None]) -> AbstractContextManager[PlannedArchive]:
        """Return the context in which ``archive`` can be read; its files where they are mounted, unless a plugin says more."""
        found = self.hook.open_source(archive=archive, owner=owner)
        return nullcontext(archive) if found is None else cast("AbstractContextManager[PlannedArchive]", found)

    def check_create(self, plan: BackupPlan) -> None:
        """Ask all gates of backups. Raises Vetoed with the first no."""
        self._ask_gates("before_create", plan=plan)

    def check_extract(self, plan: RestorePlan) -> None:
        """Ask all gates of restores. Raises Vetoed with the first no."""
        self._ask_gates("before_extract", plan=plan)

    def observe(self, event: Event) -> tuple[Warned, ...]:
        """Show ``event`` to all observers; return a warning for each that failed."""
        return tuple(
            Warned(subject=name, message=f"plugin {name} failed on {type(event).__name__}: {_one_line(error)}", hint=None)
            for name, error in self._failures("on_event", event=event)
        )

    def add_commands(self, cli: click.Group) -> None:
        """Let all plugins add their commands to ``cli``. Raises UsageError, naming the plugin, if one fails."""
        for name, error in self._failures("add_commands", cli=cli):
            raise UsageError(f"plugin {name} can't add its commands: {_one_line(error)}") from error

    def _ask_gates(self, hook: str, **arguments: object) -> None:
        for name, error in self._failures(hook, **arguments):
            if isinstance(error, hookspecs.Veto):
                raise Vetoed(f"plugin {name} refuses: {error.reason}") from error
            raise Vetoed(f"plugin {name} failed in {hook}, which counts as a no: {_one_line(error)}") from error

    def _failures(self, hook: str, **arguments: object) -> Iterator[tuple[str, Exception]]:
        """Call ``hook`` one plugin at a time; yield the plugins that raised, with what."""
        plugins = self.get_plugins()
        for implementation in reversed(getattr(self.hook, hook).get_hookimpls()):
            others = plugins - {implementation.plugin}
            try:
                self.subset_hook_caller(hook, remove_plugins=others)(**arguments)
            except Exception as error:  # noqa: BLE001 - other people's code may raise anything; who asked decides what it means
                yield implementation.plugin_name, error


def load(hooks_directory: Path | None = HOOKS_DIRECTORY) -> PluginManager:
    """Return the manager with all plugins registered: ours, those of installed packages, the site's (``*.py``, by name).

    Raises UsageError, one line with file and line, for a plugin that does not load or does not fit; ``hooks_directory`` may be
    absent, or None for no files.
    """
    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for plugin in DEFAULT_PLUGINS:
        _register(manager, plugin, plugin.__name__.rpartition(".")[2])
    for entry in entry_points(group=hookspecs.PROJECT):
        try:
            plugin = entry.load()
        except Exception as error:
            raise UsageError(f"plugin {entry.name} ({entry.value}) does not load: {_one_line(error)}") from error
        _register(manager, plugin, entry.name)
    for file in sorted(hooks_directory.glob("*.py")) if hooks_directory else ():
        _register(manager, _import_file(file), str(file))
    return manager


def _register(manager: PluginManager, plugin: ModuleType, name: str) -> None:
    try:
        manager.register(plugin, name=name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise UsageError(f"{name}: {_misfit(error)}", hint=f"the hooks are: {', '.join(_hooks())}") from error
    if not manager.get_hookcallers(plugin):
        raise UsageError(f"{name}: implements no hook", hint="mark its functions with @hookimpl of borg_cluster.hookspecs")


def _misfit(error: pluggy.PluginValidationError) -> str:
    """Return pluggy's complaint in one line, without the module's repr."""
    unknown = re.search(r"unknown hook '(\w+)'", str(error))
    if unknown:
        return f"there is no hook '{unknown[1]}'"
    extra = re.search(r"hook '?(\w+)'?.*?Argument\(s\) \{(.*?)\}", str(error), re.DOTALL)
    if extra:
        return f"hook '{extra[1]}' has no argument {extra[2]}"
    return " ".join(str(error).split())


def _hooks() -> tuple[str, ...]:
    """Return the names of all hooks."""
    return tuple(name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec"))


def _import_file(file: Path) -> ModuleType:
    """Import one of the site's files under a name of its own. Raises UsageError naming file and line."""
    _refuse_if_anybody_may_write(file)
    spec = importlib.util.spec_from_file_location(f"borg_cluster_site.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[spec.name]
        raise UsageError(f"{file}:{_line_of(error, file)}: {_one_line(error)}") from error
    return module


def _refuse_if_anybody_may_write(file: Path) -> None:
    if file.stat().st_mode & stat.S_IWOTH:
        raise UsageError(f"{file}: everybody may write this file, so it isn't run", hint=f"chmod o-w {file}")


def _line_of(error: Exception, file: Path) -> int:
    """Return the line of ``file`` where ``error`` came up."""
    if isinstance(error, SyntaxError) and error.filename == os.fspath(file) and error.lineno:
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == os.fspath(file)]
    return (lines[-1] if lines else None) or 1


def _one_line(error: Exception) -> str:
    text = error.msg if isinstance(error, SyntaxError) else " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
