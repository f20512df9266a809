function Test-BorgClusterBoot {
    <#
    .SYNOPSIS
    Waits until the guest of a virtual machine of this node has booted far enough to give a heartbeat.
    .DESCRIPTION
    The answer's registration.heartbeat begins with Ok if it did. A machine that is not registered here fails with
    BorgClusterVMNotRegistered.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER TimeoutSecond
    For how many seconds to wait; 0 does not wait.
    .EXAMPLE
    Test-BorgClusterBoot -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -TimeoutSecond 300
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
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
    while ($true) {
        $vm = Assert-BorgClusterVM -VMId $VMId
        if ([string] (Get-BorgClusterHeartbeat -VM $vm) -match '^Ok' -or $clock.Elapsed.TotalSeconds -ge $TimeoutSecond) {
            break
        }
        Start-Sleep -Milliseconds 1000
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
