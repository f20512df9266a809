"""The commands that only a restore needs: roles, registrations, files."""

from borg_cluster.bridge.answers import Lost, adapter_of
from borg_cluster.bridge.backing_up import BackingUp
from borg_cluster.core.vm_state import (
    FileResult,
    OfflineActionResult,
    RegisterResult,
    RoleSetting,
    RoleSettingResult,
    VMState,
)
from borg_cluster.remoting import Parameter


class Restoring(BackingUp):
    """What the role Restore may call."""

    def set_offline_action(self, node: str, *, vm_id: str, action: int) -> OfflineActionResult | Lost:
        """Set what the role does with its VM when it stops: 0 TurnOff, 1 Save, 2 Shutdown, 3 ForcedShutdown."""
        return self._ask(OfflineActionResult, node, "Set-BorgClusterOfflineAction", {"VMId": vm_id, "Action": action})

    def stop_role(self, node: str, *, vm_id: str, timeout_second: int) -> VMState | Lost:
        """Take the role offline."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Stop-BorgClusterRole", parameters, longer=timeout_second)

    def start_role(self, node: str, *, vm_id: str, timeout_second: int) -> VMState | Lost:
        """Bring the role online."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Start-BorgClusterRole", parameters, longer=timeout_second)

    def stop_vm(self, node: str, *, vm_id: str, action: str, timeout_second: int) -> VMState | Lost:
        """Stop a VM without a role; ``action`` is TurnOff, Save or Shutdown."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Action": action, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Stop-BorgClusterVM", parameters, longer=timeout_second)

    def start_vm(self, node: str, *, vm_id: str, timeout_second: int) -> VMState | Lost:
        """Start a VM without a role."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Start-BorgClusterVM", parameters, longer=timeout_second)

    def remove_role(self, node: str, *, vm_id: str) -> VMState | Lost:
        """Remove the role and its resources; the VM stays registered and no longer fails over."""
        return self._ask(VMState, node, "Remove-BorgClusterRole", {"VMId": vm_id})

    def add_role(self, node: str, *, vm_id: str, name: str) -> VMState | Lost:
        """Make the VM highly available; ``name`` is the role's."""
        return self._ask(VMState, node, "Add-BorgClusterRole", {"VMId": vm_id, "Name": name})

    def set_role_setting(self, node: str, *, vm_id: str, setting: RoleSetting) -> RoleSettingResult | Lost:
        """Put back the role's settings, as far as they go; the answer lists what failed."""
        text = adapter_of(RoleSetting).dump_json(setting).decode()
        return self._ask(RoleSettingResult, node, "Set-BorgClusterRoleSetting", {"VMId": vm_id, "Setting": text})

    def copy_configuration(
        self, node: str, *, vm_id: str, restore_id: str, source: tuple[str, ...], destination: tuple[str, ...]
    ) -> FileResult | Lost:
        """Copy the VM's configuration files or folders aside; the answer holds the destinations' states."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "RestoreId": restore_id}
        parameters |= {"Source": list(source), "Destination": list(destination)}
        return self._ask(FileResult, node, "Copy-BorgClusterConfiguration", parameters)

    def unregister_vm(self, node: str, *, vm_id: str) -> VMState | Lost:
        """Take the VM out of Hyper-V on this node; its disks stay."""
        return self._ask(VMState, node, "Unregister-BorgClusterVM", {"VMId": vm_id})

    def register_vm(
        self, node: str, *, vm_id: str, path: str, source: tuple[str, ...] = (), destination: tuple[str, ...] = ()
    ) -> RegisterResult | Lost:
        """Register the VM in place from its .vmcx at ``path``; a disk that it has at a source lies at the destination now."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "Path": path}
        if source:
            parameters |= {"Source": list(source), "Destination": list(destination)}
        return self._ask(RegisterResult, node, "Register-BorgClusterVM", parameters)

    def move_file(
        self, node: str, *, restore_id: str, source: tuple[str, ...], destination: tuple[str, ...]
    ) -> FileResult | Lost:
        """Rename each source to its destination on the same volume; answers with all sources, then all destinations."""
        parameters: dict[str, Parameter] = {"RestoreId": restore_id, "Source": list(source), "Destination": list(destination)}
        return self._ask(FileResult, node, "Move-BorgClusterFile", parameters)

    def grant_vm_access(self, node: str, *, vm_id: str, path: tuple[str, ...]) -> FileResult | Lost:
        """Give the VM's own account access to its disks."""
        return self._ask(FileResult, node, "Grant-BorgClusterVMAccess", {"VMId": vm_id, "Path": list(path)})

    def remove_saved_state(self, node: str, *, vm_id: str) -> VMState | Lost:
        """Drop the VM's saved memory, so that it boots cold."""
        return self._ask(VMState, node, "Remove-BorgClusterSavedState", {"VMId": vm_id})

    def remove_restore_folder(self, node: str, *, restore_id: str, folder: tuple[str, ...]) -> FileResult | Lost:
        """Delete folders of a restore, and with them the parked old VM."""
        parameters: dict[str, Parameter] = {"RestoreId": restore_id, "Folder": list(folder)}
        return self._ask(FileResult, node, "Remove-BorgClusterRestoreFolder", parameters)

    def compare_vm(self, node: str, *, vm_id: str, path: str) -> RegisterResult | Lost:
        """Tell what would hinder the node from registering the VM from its .vmcx at ``path``, disks and media left out."""
        return self._ask(RegisterResult, node, "Compare-BorgClusterVM", {"VMId": vm_id, "Path": path})

    def register_vm_copy(self, node: str, *, path: str, vm_id: str, name: str, restore_id: str) -> RegisterResult | Lost:
        """Register a copy of ``vm_id`` from its .vmcx at ``path``, under a new id and ``name``, with no adapter connected.

        A copy that the same restore registered before is found.
        """
        parameters: dict[str, Parameter] = {"Path": path, "VMId": vm_id, "Name": name, "RestoreId": restore_id}
        return self._ask(RegisterResult, node, "Register-BorgClusterVMCopy", parameters)

    def clear_change_tracking(self, node: str, *, restore_id: str, path: tuple[str, ...]) -> FileResult | Lost:
        """Park the change tracking files of these disks, which no longer fit them."""
        parameters: dict[str, Parameter] = {"RestoreId": restore_id, "Path": list(path)}
        return self._ask(FileResult, node, "Clear-BorgClusterChangeTracking", parameters)

    def test_boot(self, node: str, *, vm_id: str, timeout_second: int) -> VMState | Lost:
        """Wait for a heartbeat of the guest; the answer's registration tells whether there is one."""
        parameters: dict[str, Parameter] = {"VMId": vm_id, "TimeoutSecond": timeout_second}
        return self._ask(VMState, node, "Test-BorgClusterBoot", parameters, longer=timeout_second)
