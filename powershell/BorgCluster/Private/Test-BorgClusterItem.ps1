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

    $native = Resolve-BorgClusterNativePath -Path $Path
    return [System.IO.File]::Exists($native) -or [System.IO.Directory]::Exists($native)
}
