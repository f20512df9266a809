function Move-BorgClusterFile {
    <#
    .SYNOPSIS
    Renames files and folders of a restore: parks the old ones, places the new ones, or brings them back.
    .DESCRIPTION
    A source or its destination lies in the folder of the restore, and both on one volume. Nothing is overwritten: if both
    exist it fails with BorgClusterDestinationExists, if none does with BorgClusterSourceMissing. A rename that was done
    before is fine. The answer tells all sources, then all destinations.
    .PARAMETER RestoreId
    The id of the restore.
    .PARAMETER Source
    Full paths of files or folders.
    .PARAMETER Destination
    As many full paths: where each of them goes.
    .EXAMPLE
    Move-BorgClusterFile -RestoreId $restore -Source $old -Destination $parked
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
        $Source,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string[]]
        $Destination
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $pairs = @(Resolve-BorgClusterPair -Source $Source -Destination $Destination)
    foreach ($pair in $pairs) {
        Assert-BorgClusterRestorePath -Path @($pair['Source'], $pair['Destination']) -RestoreId $RestoreId
    }
    foreach ($pair in $pairs) {
        if ($PSCmdlet.ShouldProcess($pair['Source'], "Rename to '$($pair['Destination'])'")) {
            Move-BorgClusterItem -Source $pair['Source'] -Destination $pair['Destination']
        }
    }
    $paths = @(foreach ($pair in $pairs) { $pair['Source'] }) + @(foreach ($pair in $pairs) { $pair['Destination'] })
    ConvertTo-BorgClusterFileResult -Path $paths -RestoreId $RestoreId
}
