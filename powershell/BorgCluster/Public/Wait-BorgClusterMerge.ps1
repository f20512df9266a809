function Wait-BorgClusterMerge {
    <#
    .SYNOPSIS
    Waits until the disks of a virtual machine of this node are merged.
    .DESCRIPTION
    The answer's merging is true if the time was over before.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER TimeoutSecond
    For how many seconds to wait; 0 does not wait.
    .EXAMPLE
    Wait-BorgClusterMerge -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -TimeoutSecond 60
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
    $merging = $true
    while ($merging) {
        $vm = Assert-BorgClusterVM -VMId $VMId
        $merging = Test-BorgClusterMerging -VM $vm
        if ($clock.Elapsed.TotalSeconds -ge $TimeoutSecond) {
            break
        }
        if ($merging) {
            Start-Sleep -Milliseconds 1000
        }
    }
    $answer = Get-BorgClusterSnapshotFact -VMId $VMId
    $answer['merging'] = $merging
    ConvertTo-BorgClusterAnswer -Answer $answer
}
