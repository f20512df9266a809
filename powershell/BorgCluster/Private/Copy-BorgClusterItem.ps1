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

    $from = Resolve-BorgClusterNativePath -Path $Source
    $to = Resolve-BorgClusterNativePath -Path $Destination
    if ([System.IO.Directory]::Exists($from)) {
        $null = [System.IO.Directory]::CreateDirectory($to)
        foreach ($entry in [System.IO.Directory]::GetFileSystemEntries($from)) {
            $name = [System.IO.Path]::GetFileName($entry)
            $pair = @{
                Source = Join-BorgClusterPath -Folder $Source -Name $name
                Destination = Join-BorgClusterPath -Folder $Destination -Name $name
            }
            Copy-BorgClusterItem @pair
        }
        return
    }
    $share = [System.IO.FileShare]::ReadWrite -bor [System.IO.FileShare]::Delete
    $in = [System.IO.File]::Open($from, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, $share)
    try {
        $out = [System.IO.File]::Open($to, [System.IO.FileMode]::CreateNew, [System.IO.FileAccess]::Write)
        try {
            $in.CopyTo($out)
            $out.Flush($true)
        } finally {
            $out.Dispose()
        }
    } finally {
        $in.Dispose()
    }
    [System.IO.File]::SetLastWriteTimeUtc($to, [System.IO.File]::GetLastWriteTimeUtc($from))
}
