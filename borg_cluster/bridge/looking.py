"""The commands that change nothing."""

from borg_cluster.bridge.answers import Lost
from borg_cluster.bridge.asking import Asking
from borg_cluster.core.report import ClusterReport, NodeReport, WriterReport
from borg_cluster.core.snapshot import AccessReport, ReferencePointReport, SnapshotReport
from borg_cluster.core.vm_state import ClaimState, RoleSetting, VMState
from borg_cluster.remoting import Parameter


class Looking(Asking):
    """What the role Reader may call."""

    def get_report(self, node: str) -> ClusterReport | Lost:
        """Return the cluster subsystem's view, the same from every live node."""
        return self._ask(ClusterReport, node, "Get-BorgClusterReport", {})

    def get_node_report(self, node: str) -> NodeReport | Lost:
        """Return what is registered on this node."""
        return self._ask(NodeReport, node, "Get-BorgClusterNodeReport", {})

    def get_writer_report(self, node: str) -> WriterReport | Lost:
        """Return this node's VSS writer metadata."""
        return self._ask(WriterReport, node, "Get-BorgClusterWriterReport", {})

    def get_vm_state(self, node: str, *, vm_id: str, path: tuple[str, ...] = ()) -> VMState | Lost:
        """Return one VM as this node tells it, with the state of each ``path`` in that order."""
        parameters: dict[str, Parameter] = {"VMId": vm_id}
        if path:
            parameters["Path"] = list(path)
        return self._ask(VMState, node, "Get-BorgClusterVMState", parameters)

    def get_role_setting(self, node: str, *, vm_id: str) -> RoleSetting | Lost:
        """Return everything of the role that its removal would lose."""
        return self._ask(RoleSetting, node, "Get-BorgClusterRoleSetting", {"VMId": vm_id})

    def get_claim(self, node: str, *, vm_id: str, folder: str) -> ClaimState | Lost:
        """Return who holds the VM. ``folder`` is the ``.borg-cluster`` folder of its storage."""
        return self._ask(ClaimState, node, "Get-BorgClusterClaim", {"VMId": vm_id, "Folder": folder})

    def get_access(self, node: str) -> AccessReport | Lost:
        """Return which of our rights hold on this node."""
        return self._ask(AccessReport, node, "Get-BorgClusterAccess", {})

    def get_snapshot(self, node: str, *, vm_id: str) -> SnapshotReport | Lost:
        """Return the VM's recovery snapshots, ours and others'."""
        return self._ask(SnapshotReport, node, "Get-BorgClusterSnapshot", {"VMId": vm_id})

    def get_reference_point(self, node: str, *, vm_id: str) -> ReferencePointReport | Lost:
        """Return the VM's reference points."""
        return self._ask(ReferencePointReport, node, "Get-BorgClusterReferencePoint", {"VMId": vm_id})
