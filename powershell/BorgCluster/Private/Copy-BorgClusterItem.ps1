function Copy-BorgClusterItem {
    <#
    .SYNOPSIS
    Copies a file or a folder, with its times. Files may be open elsewhere. What exists is not overwritten.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Source,

        [Parameter(Mandatory)]
        [string]
        $Destination
    )

    if ([System.IO.Directory]::Exists($Source)) {
        $null = [System.IO.Directory]::CreateDirectory($Destination)
        foreach ($entry in [System.IO.Directory]::GetFileSystemEntries($Source)) {
            $name = [System.IO.Path]::GetFileName($entry)
            Copy-BorgClusterItem -Source $entry -Destination (Join-BorgClusterPath -Folder $Destination -Name $name)
        }
        return
    }
    $share = [System.IO.FileShare]::ReadWrite -bor [System.IO.FileShare]::Delete
    $in = [System.IO.File]::Open($Source, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, $share)
    try {
        $out = [System.IO.File]::Open($Destination, [System.IO.FileMode]::CreateNew, [System.IO.FileAccess]::Write)
        try {
            $in.CopyTo($out)
            $out.Flush($true)
        } finally {
            $out.Dispose()
        }
    } finally {
        $in.Dispose()
    }
    [System.IO.File]::SetLastWriteTimeUtc($Destination, [System.IO.File]::GetLastWriteTimeUtc($Source))
}
