function Get-BorgClusterTrackingMove {
    <#
    .SYNOPSIS
    Tells where the change tracking files beside a disk are to be parked: a Source and a Destination for each.
    .DESCRIPTION
    In the folder of the restore on the same volume: one that is there already above the disk, else below the volume's root.
    #>
    param (
        # Full path of the disk
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [guid]
        $RestoreId
    )

    $root = Get-BorgClusterVolumeRoot -Path $Path
    $prefix = $root
    $folder = Get-BorgClusterParentPath -Path $Path
    $wanted = '.borg-cluster\' + $RestoreId.ToString('D')
    while ($folder -ne '' -and -not (Test-BorgClusterSamePath -Path $folder -Other $root)) {
        if (Test-BorgClusterItem -Path (Join-BorgClusterPath -Folder $folder -Name $wanted)) {
            $prefix = $folder
            break
        }
        $folder = Get-BorgClusterParentPath -Path $folder
    }
    $parked = Join-BorgClusterPath -Folder $prefix -Name ($wanted + '\parked')
    $inside = $Path.Substring($prefix.Length).TrimStart('\', '/')
    foreach ($extension in @('.rct', '.mrt')) {
        @{
            Source = $Path + $extension
            Destination = Join-BorgClusterPath -Folder $parked -Name ($inside.Replace('/', '\') + $extension)
        }
    }
}
