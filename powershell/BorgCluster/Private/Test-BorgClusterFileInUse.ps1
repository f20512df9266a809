function Test-BorgClusterFileInUse {
    <#
    .SYNOPSIS
    Tells whether a file cannot be opened for writing now; $null: not known.
    .DESCRIPTION
    Everything is shared, and the file is closed at once. Still, a virtual machine that starts in that very moment would fail
    with a sharing violation: ask about the files of stopped ones only.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $native = Resolve-BorgClusterNativePath -Path $Path
    $share = [System.IO.FileShare]::ReadWrite -bor [System.IO.FileShare]::Delete
    try {
        $stream = [System.IO.File]::Open($native, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Write, $share)
        $stream.Dispose()
        return $false
    } catch [System.IO.FileNotFoundException], [System.IO.DirectoryNotFoundException], [System.UnauthorizedAccessException] {
        return $null
    } catch [System.IO.IOException] {
        return $true
    }
}
