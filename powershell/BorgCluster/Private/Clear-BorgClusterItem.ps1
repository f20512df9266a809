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

    if ([System.IO.File]::Exists($Path)) {
        [System.IO.File]::SetAttributes($Path, [System.IO.FileAttributes]::Normal)
        [System.IO.File]::Delete($Path)
        return
    }
    if (-not [System.IO.Directory]::Exists($Path)) {
        return
    }
    if (-not [System.IO.File]::GetAttributes($Path).HasFlag([System.IO.FileAttributes]::ReparsePoint)) {
        foreach ($entry in [System.IO.Directory]::GetFileSystemEntries($Path)) {
            Clear-BorgClusterItem -Path $entry
        }
    }
    [System.IO.Directory]::Delete($Path)
}
