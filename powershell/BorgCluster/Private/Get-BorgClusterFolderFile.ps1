function Get-BorgClusterFolderFile {
    <#
    .SYNOPSIS
    Lists the files of a folder by a pattern of PowerShell's, in their own spelling; nothing when the folder is not there.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Folder,

        [Parameter(Mandatory)]
        [string]
        $Pattern,

        # Those of the folders below it too
        [switch]
        $Recurse
    )

    $native = Resolve-BorgClusterNativePath -Path $Folder
    if (-not [System.IO.Directory]::Exists($native)) {
        return
    }
    foreach ($path in [System.IO.Directory]::GetFiles($native)) {
        $name = [System.IO.Path]::GetFileName($path)
        if ($name -like $Pattern) {
            Join-BorgClusterPath -Folder $Folder -Name $name
        }
    }
    if ($Recurse) {
        foreach ($path in [System.IO.Directory]::GetDirectories($native)) {
            if (-not [System.IO.File]::GetAttributes($path).HasFlag([System.IO.FileAttributes]::ReparsePoint)) {
                $below = Join-BorgClusterPath -Folder $Folder -Name ([System.IO.Path]::GetFileName($path))
                Get-BorgClusterFolderFile -Folder $below -Pattern $Pattern -Recurse
            }
        }
    }
}
