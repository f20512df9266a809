"""What a verb works with: the policy, the edges it may call, and the way out for events."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from borg_cluster.bridge import Bridge
from borg_cluster.catalog import Catalog
from borg_cluster.core.event import Event
from borg_cluster.core.policy import Policy
from borg_cluster.plugins import PluginManager
from borg_cluster.stopping import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One site, as a verb sees it. ``clock`` returns the time now, in UTC; no verb reads one itself."""

    policy: Policy
    bridge: Bridge
    catalog: Catalog
    plugins: PluginManager
    emit: Callable[[Event], None]
    clock: Callable[[], datetime]
    state: Path
    """The state directory: the catalog, locks, journals, views."""
    stop: Stop = field(default_factory=Stop)
    """Set when the threads of a run are to end."""
