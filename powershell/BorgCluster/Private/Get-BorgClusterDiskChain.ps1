function Get-BorgClusterDiskChain {
    <#
    .SYNOPSIS
    Follows a disk from its leaf to its base: the files, and why the chain ends early, if so.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        # Files that were read already: machines share parents
        [Parameter(Mandatory)]
        [hashtable]
        $Cache
    )

    $files = [System.Collections.Generic.List[object]]::new()
    $seen = @{}
    $next = $Path
    while ($null -ne $next) {
        if ($seen.ContainsKey($next)) {
            # A disk that is its own ancestor: the identifiers can't agree
            return @{ Files = $files.ToArray(); ErrorCode = '0xC03A000E' }
        }
        $seen[$next] = $true
        if (-not $Cache.ContainsKey($next)) {
            $Cache[$next] = Get-BorgClusterDiskFile -Path $next
        }
        $found = $Cache[$next]
        $files.Add($found['File'])
        if ($null -ne $found['ErrorCode']) {
            $code = $found['ErrorCode']
            if ($files.Count -gt 1 -and $code -eq '0x80070002') {
                $code = '0xC03A000D'
            }
            return @{ Files = $files.ToArray(); ErrorCode = $code }
        }
        $next = $found['File']['parent_path']
    }
    return @{ Files = $files.ToArray(); ErrorCode = $null }
}
