function Get-BorgClusterFileState {
    <#
    .SYNOPSIS
    Tells the state of a path on this node (a FileState).
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $native = Resolve-BorgClusterNativePath -Path $Path
    $state = [ordered]@{
        path = $Path
        exists = $false
        is_folder = $false
        length = $null
        modified = $null
        in_use = $null
    }
    if ([System.IO.Directory]::Exists($native)) {
        $state['exists'] = $true
        $state['is_folder'] = $true
        $state['modified'] = ConvertTo-BorgClusterTime -Value ([System.IO.Directory]::GetLastWriteTimeUtc($native))
    } elseif ([System.IO.File]::Exists($native)) {
        $file = [System.IO.FileInfo]::new($native)
        $state['exists'] = $true
        $state['length'] = $file.Length
        $state['modified'] = ConvertTo-BorgClusterTime -Value $file.LastWriteTimeUtc
        $state['in_use'] = Test-BorgClusterFileInUse -Path $Path
    }
    return $state
}
