"""The steps of a restore as a person types them: what ``restore_runbook`` puts together. Pure."""

import ntpath
import posixpath
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from borg_cluster.core import step as kinds
from borg_cluster.core.finding import one_line
from borg_cluster.core.quoting import posix, powershell
from borg_cluster.core.restore_plan import RestorePlan
from borg_cluster.core.runbook import ROLE_VARIABLES, account_of, role_settings
from borg_cluster.core.staged import Move, StagedFile

_MOVE = (
    "    function Move-Exactly ($From, $To) {",
    "        [void] [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($To))",
    "        if ([System.IO.Directory]::Exists($From)) { [System.IO.Directory]::Move($From, $To) }",
    "        elseif ([System.IO.File]::Exists($From)) { [System.IO.File]::Move($From, $To) }",
    '        else { Write-Warning "not there: $From" }',
    "    }",
)
_HERE = "this machine"
_DISKS = (".vhdx", ".avhdx", ".vhd", ".avhd")


class Text:
    """What the steps write into: ``where`` is the machine on which the last command was to be typed."""

    def __init__(self, plan: RestorePlan, repository: str) -> None:
        self.plan, self.repository = plan, repository
        self.where = ""

    def on(self, node: str | None, *, here: bool = False) -> Iterator[str]:
        """Yield a heading if the next commands belong on another machine than the last ones."""
        machine = _HERE if here else node or self.plan.node
        if machine == self.where:
            return
        self.where = machine
        if here:
            yield from ("On this machine, which has the volumes mounted:", "")
            return
        yield f"On {one_line(machine)}, in Windows PowerShell as administrator:"
        yield from ("", f"    $id = {powershell(self.plan.vm_id)}", *_MOVE)


def _claim(step: kinds.Claim, text: Text) -> Iterator[str]:
    del text
    yield "Make sure that nobody else works on it: no backup, no other restore. While one does, there is a file in"
    yield f"    {one_line(step.folder)}\\claims"
    yield "whose name begins with the id above, and which says whose it is."


def _rehearse(step: kinds.Rehearse, text: Text) -> Iterator[str]:
    del step
    yield from text.on(None, here=True)
    yield from (
        f"    export BORG_REPO={posix(text.repository)}",
        f"    borg extract --dry-run --list ::{posix(text.plan.source.archive)}",
    )


def _stage(step: kinds.Stage, text: Text) -> Iterator[str]:
    yield from text.on(None, here=True)
    yield f"    export BORG_REPO={posix(text.repository)}"
    for folder, files in _by_folder(step.files).items():
        yield f"    mkdir -p {posix(folder)} && cd {posix(folder)}"
        names = " ".join(posix(f"pp:{file.archive_path}") for file in files)
        yield f"    borg extract --list ::{posix(text.plan.source.archive)} {names}"


def _inspect(step: kinds.Inspect, text: Text) -> Iterator[str]:
    yield from text.on(None, here=True)
    for file in step.files:
        size = "" if file.size is None else f"    # must be {file.size} bytes"
        yield f"    stat -c %s {posix(file.local_path)}{size}"
    yield from ("", *text.on(None))
    for file in step.files:
        if file.staged.lower().endswith(_DISKS):
            told = "" if file.identifier is None else f"    # DiskIdentifier {one_line(file.identifier)}"
            yield f"    Get-VHD -Path ([System.Management.Automation.WildcardPattern]::Escape({powershell(file.staged)})){told}"


def _compare(step: kinds.Compare, text: Text) -> Iterator[str]:
    yield from text.on(step.node)
    path, folder = powershell(step.path), powershell(step.path.rpartition("\\")[0])
    yield f"    $report = Compare-VM -Path {path} -Copy -GenerateNewId -VirtualMachinePath {folder}"
    yield from ("    $report.Incompatibilities | Format-List Message", "    Remove-VM -VM $report.VM -Force")
    yield "Its disks are not in their places yet, and a missing switch or medium can be mended later. Anything else: stop here."


def _save_role(_: kinds.SaveRole, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield from ("    $group = Get-ClusterGroup -VMId $id", "    $group | Format-List *", "    $group | Get-ClusterOwnerNode")
    yield "    $resources = @($group | Get-ClusterResource)"
    yield "    $resources | Format-List *"
    yield "    $resources | Get-ClusterParameter"
    yield "    $resources | Get-ClusterOwnerNode"
    yield from ("", "Keep what this prints: removing the role loses all of it.")


def _offline_action(step: kinds.SetOfflineAction | kinds.ResetOfflineAction, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield "    Get-ClusterGroup -VMId $id | Get-ClusterResource |"
    yield "        Where-Object { [string] $_.ResourceType -eq 'Virtual Machine' } |"
    yield f"        Set-ClusterParameter -Name OfflineAction -Value {step.action}"


def _stop(step: kinds.Stop, text: Text) -> Iterator[str]:
    yield from text.on(None)
    how = {"turn_off": "-TurnOff", "save": "-Save"}.get(step.action, "-Force")
    yield "    Get-ClusterGroup -VMId $id | Stop-ClusterGroup" if step.highly_available else f"    Get-VM -Id $id | Stop-VM {how}"
    yield "    # check: Offline, or Off"
    yield "    Get-ClusterGroup -VMId $id" if step.highly_available else "    Get-VM -Id $id"


def _save_configuration(step: kinds.SaveConfiguration, text: Text) -> Iterator[str]:
    yield from text.on(None)
    for copy in step.copies:
        yield f"    [void] [System.IO.Directory]::CreateDirectory({powershell(ntpath.dirname(copy.destination))})"
        yield f"    if ([System.IO.File]::Exists({powershell(copy.source)})) {{"
        yield f"        [System.IO.File]::Copy({powershell(copy.source)}, {powershell(copy.destination)})"
        yield "    }"


def _remove_role(_: kinds.RemoveRole, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield "    Remove-ClusterGroup -VMId $id -RemoveResources -Force"


def _await(_: kinds.AwaitUnclustered, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield "    Get-VM -Id $id | Format-List 'Name', 'State', 'IsClustered'    # again, until it is listed, and not clustered"


def _moves(step: kinds.Park | kinds.Place | kinds.TidyCopy, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield from move_lines(step.moves)
    if isinstance(step, kinds.Place):
        yield "    # check: each is there"
        for move in step.moves:
            yield f"    [System.IO.File]::Exists({powershell(move.destination)})"


def _unregister(step: kinds.Unregister, text: Text) -> Iterator[str]:
    yield from text.on(step.node)
    yield from ("    Get-VM -Id $id | Remove-VM -Force", "    Get-VM | Where-Object { $_.Id -eq $id }    # check: nothing")


def _register(step: kinds.Register, text: Text) -> Iterator[str]:
    yield from text.on(step.node)
    yield f"    $report = Compare-VM -Path {powershell(step.path)} -Register"
    for drive in step.drives:
        yield f"    Get-VMHardDiskDrive -VM $report.VM | Where-Object {{ $_.Path -eq {powershell(drive.source)} }} |"
        yield f"        Set-VMHardDiskDrive -Path {powershell(drive.destination)}"
    yield "    $report.Incompatibilities | Format-Table 'MessageId', 'Source', 'Message' -Wrap"
    yield "    # a network switch that this node lacks (33012): disconnect the adapter, and connect it to another one later"
    yield "    $report.Incompatibilities | Where-Object { $_.MessageId -eq 33012 } |"
    yield "        ForEach-Object { Disconnect-VMNetworkAdapter -VMNetworkAdapter $_.Source }"
    yield "    $report = Compare-VM -CompatibilityReport $report    # check: nothing is left in its Incompatibilities"
    yield from ("    Import-VM -CompatibilityReport $report", "    Get-VM -Id $id")


def _register_copy(step: kinds.RegisterCopy, text: Text) -> Iterator[str]:
    yield from text.on(step.node)
    home = ntpath.dirname(ntpath.dirname(step.path))
    yield "Without borg-cluster's module a copy under a new id copies its disks once more: there must be room for them twice, and"
    yield "they must lie in one folder."
    yield ""
    for file in text.plan.files:
        if file.final.lower().endswith(_DISKS) and ntpath.dirname(file.final) != home:
            yield f"    Move-Exactly {powershell(file.final)} {powershell(ntpath.join(home, ntpath.basename(file.final)))}"
    yield f"    $folder = {powershell(home)}"
    yield "    $made = [System.IO.Path]::Combine($folder, 'made')"
    yield f"    $how = @{{ Path = {powershell(step.path)}; Copy = $true; GenerateNewId = $true; VhdSourcePath = $folder }}"
    yield "    $how += @{ VhdDestinationPath = $made; VirtualMachinePath = $made }"
    yield "    $how += @{ SnapshotFilePath = $made; SmartPagingFilePath = $made }"
    yield "    $copy = Import-VM @how"
    yield f"    $copy | Rename-VM -NewName {powershell(step.name)}"
    yield "    Get-VMNetworkAdapter -VM $copy | Disconnect-VMNetworkAdapter"
    yield "    $id = [string] $copy.Id    # check: it is another one than the original's"


def _grant(step: kinds.Grant, text: Text) -> Iterator[str]:
    if text.plan.request.is_copy:
        return
    yield from text.on(None)
    yield f"    $account = '*{account_of(text.plan.vm_id)}'"
    yield from (f"    icacls {powershell(path)} /grant ($account + ':(F)')" for path in step.files)


def _drop_saved_state(_: kinds.DropSavedState, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield "    Get-VM -Id $id | Where-Object { $_.State -eq 'Saved' } | Remove-VMSavedState"


def _add_role(step: kinds.AddRole, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield "    # at its console or by remote desktop: this one cmdlet does not work from another machine"
    yield f"    Add-ClusterVirtualMachineRole -VMId $id -Name {powershell(step.name)}"


def _apply_role(step: kinds.ApplyRole, text: Text) -> Iterator[str]:
    yield from text.on(None)
    if step.setting is None:
        yield "Put back what SaveRole printed. When this archive was made, it was:"
        yield ""
    yield from ("    $group = Get-ClusterGroup -VMId $id", *ROLE_VARIABLES)
    yield from role_settings(step.setting or text.plan.manifest.role_setting or {})


def _start(step: kinds.Start, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield "    Get-ClusterGroup -VMId $id | Start-ClusterGroup" if step.highly_available else "    Get-VM -Id $id | Start-VM"


def _confirm(step: kinds.Confirm, text: Text) -> Iterator[str]:
    yield from text.on(None)
    if step.highly_available:
        yield (
            "    Get-ClusterGroup -VMId $id                               # check: Online"
            if step.running
            else ("    Get-ClusterGroup -VMId $id                               # check: it is there")
        )
    yield f"    Get-VM -Id $id | Format-List 'Name', 'State', 'Path'     # check: {'Running' if step.running else 'Off'}"
    yield "    Get-VM -Id $id | Get-VMHardDiskDrive | Format-List Path  # check: these, and no others:"
    yield from (f"    #   {one_line(path)}" for path in step.disk_paths)
    if step.running:
        yield "    Get-VM -Id $id | Get-VMIntegrationService                # check: the heartbeat is OK, after a minute or two"


def _release(step: kinds.Release, text: Text) -> Iterator[str]:
    yield from text.on(None)
    yield "Only when all is well: this deletes the old one for good."
    yield from ("", *deletes(step.folders))


STEPS: dict[type[Any], Callable[[Any, Text], Iterator[str]]] = {
    kinds.Claim: _claim,
    kinds.Rehearse: _rehearse,
    kinds.Stage: _stage,
    kinds.Inspect: _inspect,
    kinds.Compare: _compare,
    kinds.SaveRole: _save_role,
    kinds.SetOfflineAction: _offline_action,
    kinds.Stop: _stop,
    kinds.ResetOfflineAction: _offline_action,
    kinds.SaveConfiguration: _save_configuration,
    kinds.RemoveRole: _remove_role,
    kinds.AwaitUnclustered: _await,
    kinds.Park: _moves,
    kinds.Unregister: _unregister,
    kinds.Place: _moves,
    kinds.Register: _register,
    kinds.RegisterCopy: _register_copy,
    kinds.TidyCopy: _moves,
    kinds.Grant: _grant,
    kinds.DropSavedState: _drop_saved_state,
    kinds.AddRole: _add_role,
    kinds.ApplyRole: _apply_role,
    kinds.Start: _start,
    kinds.Confirm: _confirm,
    kinds.Release: _release,
}
"""Every step of a restore but the tool's own last ones (Clear, Unclaim): what is left then is said at the end."""


def deletes(folders: Iterable[str]) -> Iterator[str]:
    """Yield the lines that delete folders, with all that is in them."""
    for folder in folders:
        yield f"    [System.IO.Directory]::Delete({powershell(folder)}, $true)"


def move_lines(moves: tuple[Move, ...]) -> Iterator[str]:
    """Yield the lines that carry out renames."""
    yield from (f"    Move-Exactly {powershell(move.source)} {powershell(move.destination)}" for move in moves)


def _by_folder(files: tuple[StagedFile, ...]) -> dict[str, list[StagedFile]]:
    grouped: dict[str, list[StagedFile]] = {}
    for file in files:
        folder = posixpath.normpath(file.local_path.removesuffix(file.archive_path))
        grouped.setdefault(folder, []).append(file)
    return grouped
