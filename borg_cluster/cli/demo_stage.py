"""The demo's simulated cluster, served. The only module of the CLI that imports the simulator, and so needs the extra 'demo'."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from borg_cluster.cli.demo_site import DemoSite, Reach, make_site, reach_again
from borg_cluster.simulator import story
from borg_cluster.simulator.state import SimulatedCluster
from borg_cluster.simulator.wire import Nodes, serve


class SimulatedStage:
    """What the story does to the cluster, and asks it: `demo_story.Stage`."""

    def __init__(self, cluster: SimulatedCluster) -> None:
        self.cluster = cluster

    @property
    def node_names(self) -> tuple[str, ...]:
        """All nodes."""
        return self.cluster.node_names

    def let_guests_write(self, *, night: int) -> int:
        """Let every running guest write to its disk; return how many bytes."""
        return story.guest_activity(self.cluster, night=night)

    def migrate_one(self) -> tuple[str, str, str]:
        """Move a VM while it runs; return its id, the node it left and the one it went to."""
        return story.migrate_one(self.cluster)

    def elevate_one(self) -> str:
        """Make a VM highly available; return its id."""
        return story.elevate_one(self.cluster)

    @property
    def doomed(self) -> str:
        """The id of the VM that will be lost."""
        return self.cluster.find_vm(story.DESTROYED)

    def destroy_one(self) -> str:
        """Lose a highly available VM: role, registration and files; return its id."""
        return story.destroy_one(self.cluster)

    def truth(self, node: str, command: str, **parameters: object) -> dict[str, Any]:
        """Ask a node directly, beside borg-cluster."""
        answer: dict[str, Any] = json.loads(self.cluster.invoke(node, command, parameters))
        return answer

    def real_path(self, path: str) -> Path:
        """Return where a Windows path really is."""
        return self.cluster.real_path(path)

    def check(self) -> None:
        """Raise if ever anything happened that must not: a running VM's disk replaced, a file lost."""
        self.cluster.check()


@contextmanager
def staged(site: DemoSite) -> Iterator[SimulatedStage]:
    """Make the story's cluster, serve it, and write a configuration for it."""
    cluster = story.build(site.cluster)
    with serve(cluster, folder=site.cluster) as nodes:
        volumes = {volume.path: cluster.volume_folder(volume.folder) for volume in cluster.state.volumes}
        make_site(site, cluster=f"{cluster.name}.{cluster.domain}", reach=_reach(nodes), volumes=volumes)
        yield SimulatedStage(cluster)


@contextmanager
def served_again(site: DemoSite) -> Iterator[SimulatedStage]:
    """Serve a cluster that an earlier demo left; only what is new changes in its configuration."""
    cluster = SimulatedCluster.open(site.cluster)
    with serve(cluster, folder=site.cluster) as nodes:
        reach_again(site, _reach(nodes))
        yield SimulatedStage(cluster)


def _reach(nodes: Nodes) -> Reach:
    short = {name: address for name, address in nodes.addresses.items() if "." not in name}
    return Reach(addresses=short, port=nodes.port, ca=nodes.ca, username=nodes.username, password=nodes.password)
