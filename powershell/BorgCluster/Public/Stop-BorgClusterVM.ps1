function Stop-BorgClusterVM {
    <#
    .SYNOPSIS
    Stops a virtual machine of this node that has no role, and waits for that.
    .DESCRIPTION
    A machine that is off, saved or not registered here is left as it is. The answer tells the state that was reached: a guest
    may ignore a shutdown. A machine with a role is stopped by its role, with Stop-BorgClusterRole.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Action
    TurnOff cuts the power, Save keeps the memory, Shutdown asks the guest.
    .PARAMETER TimeoutSecond
    For how many seconds to wait; 0 does not wait.
    .EXAMPLE
    Stop-BorgClusterVM -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Action 'Shutdown' -TimeoutSecond 600
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
        [ValidateSet('TurnOff', 'Save', 'Shutdown')]
        [string]
        $Action,

        [Parameter(Mandatory)]
        [ValidateRange(0, 86400)]
        [int]
        $TimeoutSecond
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    $vm = Find-BorgClusterVM -VMId $VMId
    $stopped = @('Off', 'Saved', 'FastSaved', 'OffCritical', 'SavedCritical', 'FastSavedCritical')
    if ($null -ne $vm -and [string] $vm.State -notin $stopped) {
        if ($PSCmdlet.ShouldProcess($vm.Name, "Stop the virtual machine ($Action)")) {
            $how = @{
                VM = $vm
                Force = $true
                Confirm = $false
                ErrorAction = 'Stop'
            }
            if ($Action -eq 'TurnOff') {
                $null = Hyper-V\Stop-VM -TurnOff @how
            } elseif ($Action -eq 'Save') {
                $job = Hyper-V\Stop-VM -Save -AsJob @how
                Wait-BorgClusterJob -Job $job -Clock $clock -TimeoutSecond $TimeoutSecond
            } else {
                $job = Hyper-V\Stop-VM -AsJob @how
                Wait-BorgClusterJob -Job $job -Clock $clock -TimeoutSecond $TimeoutSecond
            }
            Wait-BorgClusterVM -VMId $VMId -State $stopped -Clock $clock -TimeoutSecond $TimeoutSecond
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
