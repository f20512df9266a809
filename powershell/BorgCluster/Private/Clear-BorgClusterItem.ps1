function Clear-BorgClusterItem {
    <#
    .SYNOPSIS
    Deletes a file, or a folder with all that is in it. A link is deleted, never followed; nothing there is fine.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $native = Resolve-BorgClusterNativePath -Path $Path
    if ([System.IO.File]::Exists($native)) {
        [System.IO.File]::SetAttributes($native, [System.IO.FileAttributes]::Normal)
        [System.IO.File]::Delete($native)
        return
    }
    if (-not [System.IO.Directory]::Exists($native)) {
        return
    }
    if (-not [System.IO.File]::GetAttributes($native).HasFlag([System.IO.FileAttributes]::ReparsePoint)) {
        foreach ($entry in [System.IO.Directory]::GetFileSystemEntries($native)) {
            $name = [System.IO.Path]::GetFileName($entry)
            Clear-BorgClusterItem -Path (Join-BorgClusterPath -Folder $Path -Name $name)
        }
    }
    [System.IO.Directory]::Delete($native)
}
