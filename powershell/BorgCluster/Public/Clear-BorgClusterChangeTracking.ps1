function Clear-BorgClusterChangeTracking {
    <#
    .SYNOPSIS
    Moves the change tracking files of disks aside that a restore has replaced.
    .DESCRIPTION
    The .rct and .mrt beside a disk would tell of another content. They are parked in the folder of the restore, never deleted;
    the answer tells, for each disk, the states of both where they were. None there is fine.
    .PARAMETER RestoreId
    The id of the restore.
    .PARAMETER Path
    Full paths of the disks.
    .EXAMPLE
    Clear-BorgClusterChangeTracking -RestoreId $restore -Path $disk
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $RestoreId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string[]]
        $Path
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $paths = @(foreach ($one in $Path) { Resolve-BorgClusterPath -Path $one })
    $moves = @(foreach ($one in $paths) { Get-BorgClusterTrackingMove -Path $one -RestoreId $RestoreId })
    foreach ($move in $moves) {
        if (-not (Test-BorgClusterItem -Path $move['Source'])) {
            continue
        }
        if ($PSCmdlet.ShouldProcess($move['Source'], "Park as '$($move['Destination'])'")) {
            Move-BorgClusterItem -Source $move['Source'] -Destination $move['Destination']
        }
    }
    ConvertTo-BorgClusterFileResult -Path @(foreach ($move in $moves) { $move['Source'] }) -RestoreId $RestoreId
}
