"""The way in: options to a Context, with every edge opened, and closed again whatever happens."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from borg_cluster import config
from borg_cluster.bridge import Bridge
from borg_cluster.catalog import Catalog
from borg_cluster.catalog.recorder import attempt_recorder
from borg_cluster.cli.options import Settings
from borg_cluster.cli.render import new_console
from borg_cluster.cli.sinks import Sink, Tally, fan_out, json_log, log_to
from borg_cluster.cli.systemd_journal import Journal, is_our_stderr
from borg_cluster.cli.terminal import Terminal
from borg_cluster.context import Context
from borg_cluster.core.event import Event, Warned
from borg_cluster.core.policy import Policy
from borg_cluster.errors import CatalogDamaged, UsageError
from borg_cluster.plugins import PluginManager
from borg_cluster.stopping import Stop

CATALOG = "catalog.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a command works with: the context for the verbs, the terminal for its results, and the count for its exit code."""

    context: Context
    console: Console
    tally: Tally
    names: dict[str, str]
    """Names of VMs by id, for the terminal: commands add those that they learn of."""


def now() -> datetime:
    """Return the time, UTC: the clock of every command."""
    return datetime.now(tz=UTC)


@contextmanager
def open_site(settings: Settings, *sinks: Sink, mend: bool = False) -> Iterator[Site]:
    """Open the configured cluster for a command; everything is closed when it ends. Raises ConfigError or UsageError.

    ``sinks``: the command's own, beside the terminal (or the JSON log), the plugins and the count. ``mend``: a catalog that is
    damaged is set aside, and a new one begun.
    """
    policy = chosen_policy(settings)
    with ExitStack() as stack:
        tally = Tally()
        names: dict[str, str] = {}
        shown = fan_out(tally, *sinks, _view(settings, stack, names))
        emit = fan_out(shown, _observers(settings.plugins, shown))
        stack.enter_context(log_to(emit))
        if settings.trace_plugins:
            settings.plugins.trace_to(shown)
        for complaint in settings.plugins.complaints:
            emit(Warned(subject="plugins", message=complaint, hint="borg-cluster plugins"))
        state = config.state_directory(os.environ)
        context = stack.enter_context(open_context(policy, plugins=settings.plugins, emit=emit, state=state, mend=mend))
        yield Site(context=context, console=new_console(color=settings.color), tally=tally, names=names)


@contextmanager
def open_context(policy: Policy, *, plugins: PluginManager, emit: Sink, state: Path, mend: bool = False) -> Iterator[Context]:
    """Open the edges that a policy names: the bridge to its nodes, the catalog in the state directory.

    The catalog hears what becomes of each archive before ``emit`` does.
    """
    stop = Stop()
    bridge = Bridge(policy.remoting, domain=policy.domain, secret=plugins.secret, stop=stop)
    with open_whole(state / CATALOG, emit) if mend else Catalog.open(state / CATALOG) as catalog:
        heard = fan_out(attempt_recorder(catalog, policy.cluster, now), emit)
        yield Context(
            policy=policy, bridge=bridge, catalog=catalog, plugins=plugins, emit=heard, clock=now, state=state, stop=stop
        )


def open_whole(path: Path, emit: Sink) -> Catalog:
    """Open the catalog; one that is damaged is set aside, never deleted, and a new one is begun, with a warning.

    Raises Refused for anything else that keeps it from being opened.
    """
    try:
        return Catalog.open(path, check=True)
    except CatalogDamaged:
        pass
    with path.with_name("catalog.lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            return Catalog.open(path, check=True)  # somebody else was faster
        except CatalogDamaged as error:
            aside = path.with_name(f"{path.name}.damaged-{now().strftime('%Y%m%dT%H%M%SZ')}")
            for suffix in ("", "-wal", "-shm"):
                with suppress(FileNotFoundError):
                    Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
            message = f"{error.message}; it was set aside as {aside.name}, and a new one is begun from the archives"
            emit(Warned(subject="catalog", message=message, hint="look at the disk below it"))
            return Catalog.open(path)


def chosen_policy(settings: Settings) -> Policy:
    """Return the configuration of the one cluster that is meant. Raises ConfigError, or UsageError if it isn't clear which."""
    policies = config.load_all(config.files(settings.config))
    if settings.cluster is None and len(policies) == 1:
        return policies[0]
    names = [policy.cluster for policy in policies]
    hint = f"say --cluster with one of: {', '.join(names)}"
    if settings.cluster is None:
        raise UsageError(f"{len(policies)} clusters are configured", hint=hint)
    wanted = settings.cluster.lower()
    # the short name will do where it is clear
    found = [policy for policy in policies if wanted in {policy.cluster.lower(), policy.cluster.lower().partition(".")[0]}]
    if len(found) != 1:
        raise UsageError(f"--cluster {settings.cluster} names {len(found) or 'no'} configured clusters", hint=hint)
    return found[0]


def _view(settings: Settings, stack: ExitStack, names: dict[str, str]) -> Sink:
    if settings.log_json:
        return json_log(now)
    # with --json, stdout is for a program and people only need to see what is wrong
    verbosity = min(settings.verbosity, -1) if settings.json else settings.verbosity
    terminal = stack.enter_context(Terminal(new_console(color=settings.color, stderr=True), verbosity=verbosity, names=names))
    return Journal(terminal, verbosity=verbosity, names=names) if is_our_stderr(os.environ) else terminal


def _observers(plugins: PluginManager, warn: Sink) -> Sink:
    """Return the sink of the plugins; what fails there is a warning and no more."""

    def observe(event: Event) -> None:
        for warning in plugins.observe(event):
            warn(warning)

    return observe
