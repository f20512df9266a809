function ConvertTo-BorgClusterReferencePoint {
    <#
    .SYNOPSIS
    Turns a recovery snapshot of ours into a reference point, from which changes can be asked later.
    .DESCRIPTION
    The snapshot goes and its disks merge. One that is gone fails with BorgClusterSnapshotMissing, somebody else's with
    BorgClusterSnapshotForeign.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER SnapshotId
    The id of the snapshot.
    .EXAMPLE
    ConvertTo-BorgClusterReferencePoint -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -SnapshotId $snapshot
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
    if ($null -eq $setting) {
        $record = @{
            ErrorId = 'BorgClusterSnapshotMissing'
            Category = 'ObjectNotFound'
            Message = "The virtual machine $VMId has no recovery snapshot $SnapshotId."
            TargetObject = $SnapshotId
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    $made = $null
    $frozen = Get-BorgClusterFrozenPath -System $system
    if ($PSCmdlet.ShouldProcess($setting.ElementName, 'Turn the recovery snapshot into a reference point')) {
        $made = Invoke-BorgClusterConversion -System $system -Setting $setting
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterReferencePointFact -VMId $VMId -Made $made -FrozenPath $frozen)
}
