function Get-BorgClusterVolumeRoot {
    <#
    .SYNOPSIS
    Tells where the volume of a path begins: the nearest folder above it that is a mount point (or another link), else the
    root.
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
    $folder = [System.IO.Path]::GetDirectoryName($Path)
    while (-not [string]::IsNullOrEmpty($folder)) {
        $root = $folder
        if ([System.IO.Directory]::Exists($folder)) {
            if ([System.IO.File]::GetAttributes($folder).HasFlag([System.IO.FileAttributes]::ReparsePoint)) {
                break
            }
        }
        $folder = [System.IO.Path]::GetDirectoryName($folder)
    }
    return $root
}
