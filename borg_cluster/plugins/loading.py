"""Where plugins come from, which of them are wanted, and what is wrong with those that don't load.

A plugin that does not load or does not fit is left out with its reason, which is a warning of each run: the night goes on.
"""

import importlib.util
import os
import re
import stat
import sys
import traceback
from collections.abc import Callable, Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pluggy

from borg_cluster import hookspecs
from borg_cluster.core.settings import EVERY_PLUGIN, PluginSettings
from borg_cluster.default_plugins import DEFAULT_PLUGINS
from borg_cluster.plugins.asking import Plugin, PluginManager, one_line
from borg_cluster.plugins.patience import within

HOOKS_DIRECTORY = Path("/etc/borg-cluster/hooks.d")
"""Where a site puts its own single-file plugins."""


class _Misfit(Exception):
    """What is wrong with a plugin, in one line."""


def load(hooks_directory: Path | None = HOOKS_DIRECTORY, *, settings: PluginSettings = EVERY_PLUGIN) -> PluginManager:
    """Return the manager with all plugins that are wanted: ours, those of installed packages, the site's (``*.py``, by name).

    ``hooks_directory`` may be absent, or None for no files. What is not wanted is not even imported. What can't be had is told
    by the manager's ``plugins`` and ``complaints``.
    """
    manager = PluginManager(hookspecs.PROJECT, patience=settings.patience)
    manager.add_hookspecs(hookspecs)
    for plugin in DEFAULT_PLUGINS:
        name = plugin.__name__.rpartition(".")[2]
        _register(manager, plugin, name)
        manager.built_in.add(name)
        manager.plugins.append(_known(manager, plugin, name=name, origin="built in", label=name))
    for entry in entry_points(group=hookspecs.PROJECT):
        origin = entry.value if entry.dist is None else f"package {entry.dist.name} ({entry.value})"
        _add(manager, settings, name=entry.name, origin=origin, label=entry.name, read=_loader(entry, settings.patience))
    for file in _files(hooks_directory):
        _add(manager, settings, name=file.stem, origin=str(file), label=str(file), read=_reader(file, settings.patience))
    for name in sorted({*(settings.only or ()), *settings.blocked} - {plugin.name for plugin in manager.plugins}):
        manager.complaints.append(f"plugins: there is no plugin {name}")
    return manager


def _files(folder: Path | None) -> Iterable[Path]:
    return () if folder is None else sorted(file for file in folder.glob("*.py") if not file.name.startswith("."))


def _add(
    manager: PluginManager, settings: PluginSettings, *, name: str, origin: str, label: str, read: Callable[[], object]
) -> None:
    """Read and register one plugin, or say why it is off."""
    unwanted = settings.why_off(name)
    if unwanted is not None:
        manager.plugins.append(Plugin(name=name, origin=origin, label=label, hooks=(), off=unwanted))
        return
    try:
        plugin = read()
        _register(manager, plugin, label)
    except _Misfit as error:
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - other people's code may raise anything
        reason = f"does not load: {one_line(error)}"
    else:
        manager.plugins.append(_known(manager, plugin, name=name, origin=origin, label=label))
        return
    manager.plugins.append(Plugin(name=name, origin=origin, label=label, hooks=(), off=reason))
    manager.complaints.append(reason if reason.startswith(label) else f"plugin {label} {reason}")


def _known(manager: PluginManager, plugin: object, *, name: str, origin: str, label: str) -> Plugin:
    hooks = tuple(sorted(caller.name for caller in manager.get_hookcallers(plugin) or ()))
    return Plugin(name=name, origin=origin, label=label, hooks=hooks, off=None)


def _register(manager: PluginManager, plugin: object, label: str) -> None:
    """Register a plugin, or leave nothing of it behind. Raises _Misfit."""
    try:
        manager.register(plugin, name=label)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError, TypeError) as error:
        _forget(manager, plugin, label)
        raise _Misfit(f"{label}: {_misfit(error)}; the hooks are: {', '.join(hook_names())}") from error
    callers = manager.get_hookcallers(plugin) or []
    if any(one.plugin is plugin and (one.wrapper or one.hookwrapper) for caller in callers for one in caller.get_hookimpls()):
        _forget(manager, plugin, label)
        raise _Misfit(f"{label}: wraps a hook, which none of ours can be")
    if not callers:
        _forget(manager, plugin, label)
        raise _Misfit(f"{label}: implements no hook: mark its functions with @hookimpl of borg_cluster.hookspecs")


def _forget(manager: PluginManager, plugin: object, label: str) -> None:
    """Unregister a plugin, also one that was registered by half (pluggy leaves its hooks without a specification)."""
    if manager.get_plugin(label) is plugin:
        manager.unregister(plugin, name=label)
    for name in set(vars(manager.hook)) - set(hook_names()):
        delattr(manager.hook, name)


def _misfit(error: Exception) -> str:
    """Return pluggy's complaint in one line, without the module's repr."""
    unknown = re.search(r"unknown hook '(\w+)'", str(error))
    if unknown:
        return f"there is no hook '{unknown[1]}'"
    extra = re.search(r"hook '?(\w+)'?.*?Argument\(s\) \{(.*?)\}", str(error), re.DOTALL)
    if extra:
        return f"hook '{extra[1]}' has no argument {extra[2]}"
    return " ".join(str(error).split())


def hook_names() -> tuple[str, ...]:
    """Return the names of all hooks."""
    return tuple(name for name, value in vars(hookspecs).items() if hasattr(value, f"{hookspecs.PROJECT}_spec"))


def _loader(entry: EntryPoint, patience: float) -> Callable[[], object]:
    return lambda: within(patience, entry.load)


def _reader(file: Path, patience: float) -> Callable[[], object]:
    return lambda: _import_file(file, patience)


def _import_file(file: Path, patience: float) -> object:
    """Import one of the site's files under a name of its own. Raises _Misfit naming file and line."""
    if file.stat().st_mode & stat.S_IWOTH:
        raise _Misfit(f"{file}: everybody may write this file, so it isn't run (chmod o-w {file})")
    spec = importlib.util.spec_from_file_location(f"borg_cluster_site.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise _Misfit(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    loader = spec.loader
    try:
        within(patience, lambda: loader.exec_module(module))
    except Exception as error:
        sys.modules.pop(spec.name, None)
        raise _Misfit(f"{file}:{_line_of(error, file)}: {one_line(error)}") from error
    return module


def _line_of(error: BaseException, file: Path) -> int:
    """Return the line of ``file`` where ``error`` came up."""
    if isinstance(error, SyntaxError) and error.filename == os.fspath(file) and error.lineno:
        return error.lineno
    first = error.__cause__ or error
    lines = [frame.lineno for frame in traceback.extract_tb(first.__traceback__) if frame.filename == os.fspath(file)]
    return (lines[-1] if lines else None) or 1
