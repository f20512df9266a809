function Copy-BorgClusterConfiguration {
    <#
    .SYNOPSIS
    Copies configuration files of a virtual machine aside, before the machine is unregistered.
    .DESCRIPTION
    Removing a registration deletes the configuration, so that only a copy can bring the old machine back. A destination lies
    in the folder of the restore, and appears only once its copy is whole. One that is there is kept: it is the copy of an
    earlier call.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER RestoreId
    The id of the restore.
    .PARAMETER Source
    Full paths of files or folders.
    .PARAMETER Destination
    As many full paths: where each of them goes.
    .EXAMPLE
    Copy-BorgClusterConfiguration -VMId $id -RestoreId $restore -Source $old -Destination $saved
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
        Assert-BorgClusterRestorePath -Path @($pair['Destination']) -RestoreId $RestoreId
    }
    foreach ($pair in $pairs) {
        if (Test-BorgClusterItem -Path $pair['Destination']) {
            continue
        }
        if (-not (Test-BorgClusterItem -Path $pair['Source'])) {
            $record = @{
                ErrorId = 'BorgClusterSourceMissing'
                Category = 'ObjectNotFound'
                Message = "Neither '$($pair['Source'])' nor a copy of it exists."
                TargetObject = $pair['Source']
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        if ($PSCmdlet.ShouldProcess($pair['Source'], "Copy the configuration of $VMId to '$($pair['Destination'])'")) {
            $part = $pair['Destination'] + '.part'
            Clear-BorgClusterItem -Path $part
            Add-BorgClusterFolder -Path $part
            Copy-BorgClusterItem -Source $pair['Source'] -Destination $part
            Move-BorgClusterItem -Source $part -Destination $pair['Destination']
        }
    }
    ConvertTo-BorgClusterFileResult -Path @(foreach ($pair in $pairs) { $pair['Destination'] }) -RestoreId $RestoreId
}
