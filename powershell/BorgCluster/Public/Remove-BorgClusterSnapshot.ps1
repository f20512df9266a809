function Remove-BorgClusterSnapshot {
    <#
    .SYNOPSIS
    Destroys a recovery snapshot of ours.
    .DESCRIPTION
    Its disks merge afterwards: Wait-BorgClusterMerge waits for that. One that is gone is fine; somebody else's fails with
    BorgClusterSnapshotForeign.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER SnapshotId
    The id of the snapshot.
    .EXAMPLE
    Remove-BorgClusterSnapshot -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -SnapshotId $snapshot
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
        [guid]
        $SnapshotId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $null = Assert-BorgClusterVM -VMId $VMId
    $system = Get-BorgClusterComputerSystem -VMId $VMId
    $setting = Find-BorgClusterSnapshot -System $system -SnapshotId $SnapshotId
    if ($null -ne $setting -and $PSCmdlet.ShouldProcess($setting.ElementName, 'Destroy the recovery snapshot')) {
        Clear-BorgClusterSnapshot -Setting $setting
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterSnapshotFact -VMId $VMId)
}
