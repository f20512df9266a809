function Unregister-BorgClusterVM {
    <#
    .SYNOPSIS
    Removes a virtual machine from this node. Its disks stay.
    .DESCRIPTION
    Hyper-V deletes the configuration and merges checkpoints if it finds their disks: both are set aside before. A machine
    that is not registered here is fine. One with a role fails with BorgClusterRolePresent, one that runs with
    BorgClusterVMRunning.
    .PARAMETER VMId
    The id of the virtual machine.
    .EXAMPLE
    Unregister-BorgClusterVM -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10'
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $vm = Find-BorgClusterVM -VMId $VMId
    if ($null -ne $vm) {
        $record = $null
        if ($null -ne (Find-BorgClusterRole -VMId $VMId)) {
            $record = @{
                ErrorId = 'BorgClusterRolePresent'
                Category = 'ResourceBusy'
                Message = "The virtual machine $VMId has a role; remove that first."
                TargetObject = $VMId
            }
        } elseif ([string] $vm.State -notmatch '^(Off|Saved|FastSaved)(Critical)?$') {
            $record = @{
                ErrorId = 'BorgClusterVMRunning'
                Category = 'ResourceBusy'
                Message = "The virtual machine $VMId is $($vm.State)."
                TargetObject = $VMId
            }
        }
        if ($null -ne $record) {
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        if ($PSCmdlet.ShouldProcess($vm.Name, 'Unregister the virtual machine')) {
            $null = Hyper-V\Remove-VM -VM $vm -Force -Confirm:$false -ErrorAction Stop
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
