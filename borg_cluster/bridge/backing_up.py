"""The commands that a backup changes something with: claims, snapshots, reference points."""

from borg_cluster.bridge.answers import Lost
from borg_cluster.bridge.looking import Looking
from borg_cluster.core.snapshot import DiskChangeReport, ReferencePointReport, SnapshotReport
from borg_cluster.core.vm_state import ClaimState
from borg_cluster.remoting import Parameter


class BackingUp(Looking):
    """What the role Backup may call."""

    def new_claim(self, node: str, *, vm_id: str, folder: str, claim_id: str, holder: str, purpose: str) -> ClaimState | Lost:
        """Claim the VM by exclusive creation of a file; ``acquired`` tells whether the claim there is this one."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Folder": folder, "ClaimId": claim_id, "Holder": holder}
        return self._ask(ClaimState, node, "New-BorgClusterClaim", parameters | {"Purpose": purpose})

    def remove_claim(self, node: str, *, vm_id: str, folder: str, claim_id: str) -> ClaimState | Lost:
        """Let the VM go, if the claim there has this id; otherwise answer whose it is."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Folder": folder, "ClaimId": claim_id}
        return self._ask(ClaimState, node, "Remove-BorgClusterClaim", parameters)

    def new_snapshot(self, node: str, *, vm_id: str, run_id: str, consistency: str, timeout_second: int) -> SnapshotReport | Lost:
        """Freeze the VM's disks; ``consistency`` is Application or Crash, and another one is never fallen back to.

        A snapshot that the same run made before is found: ``made`` is its id.
        """
        parameters: dict[str, Parameter] = {"VMId": vm_id, "RunId": run_id, "Consistency": consistency}
        parameters["TimeoutSecond"] = timeout_second
        return self._ask(SnapshotReport, node, "New-BorgClusterSnapshot", parameters, longer=timeout_second)

    def remove_snapshot(self, node: str, *, vm_id: str, snapshot_id: str) -> SnapshotReport | Lost:
        """Remove a snapshot of ours; its disks are merged from then on."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "SnapshotId": snapshot_id}
        return self._ask(SnapshotReport, node, "Remove-BorgClusterSnapshot", parameters)

    def convert_to_reference_point(self, node: str, *, vm_id: str, snapshot_id: str) -> ReferencePointReport | Lost:
        """Make a reference point of a snapshot of ours, which is gone afterwards; its disks are merged from then on."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "SnapshotId": snapshot_id}
        return self._ask(ReferencePointReport, node, "ConvertTo-BorgClusterReferencePoint", parameters)

    def remove_reference_point(self, node: str, *, vm_id: str, reference_point_id: str) -> ReferencePointReport | Lost:
        """Remove a reference point; changes can't be asked since then any more."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "ReferencePointId": reference_point_id}
        return self._ask(ReferencePointReport, node, "Remove-BorgClusterReferencePoint", parameters)

    def get_disk_change(self, node: str, *, vm_id: str, path: str, since: str) -> DiskChangeReport | Lost:
        """Return what changed on a frozen disk since a reference point; ``since`` is that one's RCT id of the disk."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Path": path, "Since": since}
        return self._ask(DiskChangeReport, node, "Get-BorgClusterDiskChange", parameters)

    def wait_merge(self, node: str, *, vm_id: str, timeout_second: int) -> SnapshotReport | Lost:
        """Wait until Windows has merged the VM's disks; ``merging`` tells if the time ran out before."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(SnapshotReport, node, "Wait-BorgClusterMerge", parameters, longer=timeout_second)
