"""The keys of what stands beside backups: restores, monitoring, plugins."""

from typing import Literal

from pydantic import Field

from borg_cluster.config.kinds import Duration, Keys, LocalPath, Seconds, Text


class RestoreKeys(Keys):
    """How VMs are restored in place."""

    keep_parked: Duration = Field(
        default="7d",
        validate_default=True,
        description="Keep the old VM's files aside for so long before `borg-cluster release` takes them; 0d: not at all",
    )
    release_when_due: bool = Field(default=False, description="Release what was kept for long enough at the next start")
    stop_action: Literal["turn_off", "save", "shutdown"] = Field(
        default="turn_off", description="How a VM that runs is stopped for its own restore"
    )


class MonitoringKeys(Keys):
    """Files for other programs, written anew after each `create` and `run`."""

    status_file: LocalPath | None = Field(
        default=None, description="JSON: how each VM and volume is covered, and how the run ended"
    )
    prometheus_file: LocalPath | None = Field(
        default=None, description="Figures for node_exporter's textfile collector; another file for each cluster, named *.prom"
    )


class PluginKeys(Keys):
    """Which plugins are loaded, and how long they may take."""

    only: list[Text] | None = Field(default=None, description="Load these alone, by their names; all, if it is left out")
    blocked: list[Text] = Field(default=[], description="Never load these")
    patience: Seconds = Field(default=60, description="Seconds after which a plugin that gives no answer is left alone")
