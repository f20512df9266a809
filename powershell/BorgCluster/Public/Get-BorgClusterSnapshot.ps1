function Get-BorgClusterSnapshot {
    <#
    .SYNOPSIS
    Reports the recovery snapshots of a virtual machine of this node, ours and others', and whether it merges disks.
    .DESCRIPTION
    Those of ours carry the id of their run. A checkpoint that a person took is no recovery snapshot.
    .PARAMETER VMId
    The id of the virtual machine.
    .EXAMPLE
    Get-BorgClusterSnapshot -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10'
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterSnapshotFact -VMId $VMId)
}
