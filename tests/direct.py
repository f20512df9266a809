"""A bridge that asks the simulated cluster without a wire: the same commands, the same JSON, no sessions."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from borg_cluster import plugins
from borg_cluster.bridge import Bridge, Lost, decode
from borg_cluster.catalog import Catalog
from borg_cluster.context import Context
from borg_cluster.core.event import Event
from borg_cluster.core.policy import BorgSettings, Mount, Policy, RemotingSettings
from borg_cluster.errors import CommandFailed
from borg_cluster.remoting import Parameter
from borg_cluster.simulator.state import CommandError, SimulatedCluster
from borg_cluster.stopping import Stop

Answer = TypeVar("Answer")
BEGIN = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
REMOTING = RemotingSettings(
    auth="ntlm",
    username=None,
    password=None,
    port=5986,
    ca=None,
    configuration_name="BorgCluster",
    bootstrap=False,
    addresses={},
    connection_timeout=10,
    read_timeout=60,
    operation_timeout=20,
    deadline=300,
    nodes_at_once=32,
)


class DirectBridge(Bridge):
    """Asks the simulator in this process; a node that is down is Lost, an error of a command is CommandFailed."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        super().__init__(REMOTING, domain=cluster.domain, secret=str)
        self._cluster = cluster
        self.before: Callable[[str, str], None] = lambda _node, _command: None
        """Called with node and command before each of them."""
        self.asked: list[tuple[str, str]] = []
        """Each command that was carried out, and the node's short name."""
        self.aliases: dict[str, str] = {}
        """Names that lead elsewhere: to another node, or ('') nowhere."""

    def refuse(self, name: str) -> None:
        """Let a name lead nowhere from now on."""
        self.aliases[name] = ""

    def _ask(
        self, answer: type[Answer], node: str, command: str, parameters: Mapping[str, Parameter], *, longer: int = 0
    ) -> Answer | Lost:
        del longer  # nothing takes time here
        self.before(node, command)
        there = self.aliases.get(node, node)
        if not there or not self._cluster.reachable(there):
            return Lost(node=node, reason="unreachable", message=f"{node}: it does not answer", hint="is it on?")
        self.asked.append((there.partition(".")[0], command))
        try:
            text = self._cluster.invoke(there, command, parameters)
        except CommandError as error:
            facts = {name: getattr(error, name) for name in ("error_id", "category", "code", "target")}
            raise CommandFailed(error.message, node=node, command=command, **facts) from error
        return decode(answer, text, node=node)


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class Hurry(Stop):
    """Waits by letting the clock go on."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.waited = timedelta()

    def pause(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.check()
        self.waited += timedelta(seconds=seconds)
        self._clock.advance(seconds)


def mounts(cluster: SimulatedCluster) -> tuple[Mount, ...]:
    """Return a mount for each volume of the simulated cluster."""
    return tuple(
        Mount(windows=cluster.volume_path(name), path=str(cluster.volume_folder(name)), name=name, node=None, writable=True)
        for name in cluster.volume_names
    )


def policy(cluster: SimulatedCluster, *, seeds: tuple[str, ...] = ()) -> Policy:
    """Return a configuration of the simulated cluster without jobs."""
    borg = BorgSettings(
        executable="borg",
        passphrase=None,
        passcommand=None,
        lock_wait=1,
        umask=0o077,
        ssh_command=None,
        base_directory=None,
        upload_rate_limit=None,
    )
    return Policy(
        cluster=f"{cluster.name}.{cluster.domain}",
        seeds=seeds,
        domain=cluster.domain,
        remoting=REMOTING,
        mounts=mounts(cluster),
        repositories=(),
        borg=borg,
        discovery_max_age=900,
        archive_name_format="{cluster}-{subject}-{now}",
        jobs=(),
        commands=(),
        keep_parked=True,
        stop_action="save",
    )


def context(cluster: SimulatedCluster, catalog: Catalog, state: Path, *, events: list[Event], clock: Clock) -> Context:
    """Return a context of the simulated cluster: all parts are real but the wire."""
    return Context(
        policy=policy(cluster),
        bridge=DirectBridge(cluster),
        catalog=catalog,
        plugins=plugins.load(None),
        emit=events.append,
        clock=clock,
        state=state,
        stop=Hurry(clock),
    )
