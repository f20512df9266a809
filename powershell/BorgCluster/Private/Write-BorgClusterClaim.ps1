function Write-BorgClusterClaim {
    <#
    .SYNOPSIS
    Creates a claim file exclusively: of many nodes that try at the same time one succeeds. The others find it there.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [System.Collections.Specialized.OrderedDictionary]
        $Content
    )

    $json = ConvertTo-Json -InputObject $Content -Depth 2 -Compress
    $bytes = [System.Text.Encoding]::UTF8.GetBytes($json)
    Add-BorgClusterFolder -Path $Path
    $native = Resolve-BorgClusterNativePath -Path $Path
    $write = [System.IO.FileAccess]::Write
    try {
        $stream = [System.IO.File]::Open($native, [System.IO.FileMode]::CreateNew, $write, [System.IO.FileShare]::None)
    } catch [System.IO.IOException] {
        if ([System.IO.File]::Exists($native)) {
            return
        }
        throw
    }
    $whole = $false
    try {
        $stream.Write($bytes, 0, $bytes.Length)
        $stream.Flush($true)
        $whole = $true
    } finally {
        $stream.Dispose()
        if (-not $whole) {
            [System.IO.File]::Delete($native)
        }
    }
}
