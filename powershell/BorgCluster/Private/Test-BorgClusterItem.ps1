function Test-BorgClusterItem {
    <#
    .SYNOPSIS
    Tells whether a file or a folder is there.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    return [System.IO.File]::Exists($Path) -or [System.IO.Directory]::Exists($Path)
}
