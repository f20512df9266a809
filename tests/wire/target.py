"""A cluster to test against: the simulated one, or a real one that answers the same commands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jsonschema

from borg_cluster import remoting
from borg_cluster.bridge import Bridge, Lost
from borg_cluster.core.policy import RemotingSettings
from borg_cluster.core.report import VM, ClusterReport, NodeReport
from borg_cluster.remoting import Parameter
from borg_cluster.simulator.state import SimulatedCluster

Answer = TypeVar("Answer")

SCHEMAS = Path(__file__).parents[2] / "powershell" / "BorgCluster" / "schemas"


@dataclass(frozen=True, kw_only=True)
class Target:
    """How the cluster is reached, and which of its VMs may be changed."""

    bridge: Bridge
    settings: RemotingSettings
    domain: str | None
    password: str | None
    entry: str
    """A name that answers: the cluster's, or a node's."""
    changeable: str | None
    """Name or id of the one VM that may be stopped, unregistered and started again."""
    simulated: SimulatedCluster | None = None
    """The cluster itself where it is simulated: what must go wrong there can be told to."""

    def raw(self, node: str, command: str, parameters: Mapping[str, Parameter] | None = None) -> Any:
        """Return the JSON of an answer after checking it against the command's schema."""
        name = node if self.domain is None or "." in node else f"{node}.{self.domain}"
        address = remoting.address_of(self.settings, name)
        with remoting.open_session(self.settings, node=name, address=address, password=self.password) as session:
            value = json.loads(session.invoke(command, parameters or {}))
        schema = json.loads((SCHEMAS / f"{command}.json").read_text(encoding="utf-8"))
        jsonschema.validate(value, schema, cls=jsonschema.Draft202012Validator)
        return value

    def report(self) -> ClusterReport:
        """Return the cluster's own report."""
        return there(self.bridge.get_report(self.entry))

    def nodes(self) -> tuple[str, ...]:
        """Return the nodes that are up."""
        return tuple(node.name for node in self.report().nodes if node.state == "Up")

    def node_reports(self) -> dict[str, NodeReport]:
        """Return each live node's report."""
        return {node: there(self.bridge.get_node_report(node)) for node in self.nodes()}

    def changeable_vm(self) -> tuple[str, VM]:
        """Return the owner of the VM that may be changed, and the VM."""
        found = [
            (node, vm)
            for node, report in self.node_reports().items()
            for vm in report.vms
            if self.changeable is not None and self.changeable.lower() in (vm.id, vm.name.lower())
        ]
        assert len(found) == 1, f"{self.changeable} must name exactly one VM"
        return found[0]


def there(answer: Answer | Lost) -> Answer:
    """Return an answer that must not be lost."""
    assert not isinstance(answer, Lost), answer
    return answer
