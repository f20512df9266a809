function Get-BorgClusterFolderFile {
    <#
    .SYNOPSIS
    Lists the files of a folder by a pattern, in their own spelling; nothing when the folder is not there.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Folder,

        [Parameter(Mandatory)]
        [string]
        $Pattern
    )

    if (-not [System.IO.Directory]::Exists($Folder)) {
        return
    }
    foreach ($path in [System.IO.Directory]::GetFiles($Folder, $Pattern)) {
        $path
    }
}
