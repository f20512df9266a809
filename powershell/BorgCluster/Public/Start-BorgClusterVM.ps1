function Start-BorgClusterVM {
    <#
    .SYNOPSIS
    Starts a virtual machine of this node that has no role, and waits for that.
    .DESCRIPTION
    A running machine is fine. One that is not registered here fails with BorgClusterVMNotRegistered. A machine with a role is
    started by its role, with Start-BorgClusterRole.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER TimeoutSecond
    For how many seconds to wait; 0 does not wait.
    .EXAMPLE
    Start-BorgClusterVM -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -TimeoutSecond 600
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidateRange(0, 86400)]
        [int]
        $TimeoutSecond
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    $vm = Assert-BorgClusterVM -VMId $VMId
    if ([string] $vm.State -ne 'Running' -and $PSCmdlet.ShouldProcess($vm.Name, 'Start the virtual machine')) {
        $null = Hyper-V\Start-VM -VM $vm -Confirm:$false -ErrorAction Stop
        Wait-BorgClusterVM -VMId $VMId -State @('Running') -Clock $clock -TimeoutSecond $TimeoutSecond
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
