function Get-BorgClusterVolumeRoot {
    <#
    .SYNOPSIS
    Tells where the volume of a path begins: a Cluster Shared Volume's folder, else the nearest folder above it that is a
    mount point (or another link), else the root.
    .DESCRIPTION
    C:\ClusterStorage\Volume1 and Volume2 share a drive letter but no volume, and moving a file between volumes would be a
    copy.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $root = $Path
    $folder = Get-BorgClusterParentPath -Path $Path
    while ($folder -ne '') {
        $root = $folder
        if ($folder -match '^([A-Za-z]:[\\/]|/(.+/)?)ClusterStorage[\\/][^\\/]+$') {
            break
        }
        $native = Resolve-BorgClusterNativePath -Path $folder
        if ([System.IO.Directory]::Exists($native)) {
            if ([System.IO.File]::GetAttributes($native).HasFlag([System.IO.FileAttributes]::ReparsePoint)) {
                break
            }
        }
        $folder = Get-BorgClusterParentPath -Path $folder
    }
    return $root
}
