function ConvertTo-BorgClusterVMFile {
    <#
    .SYNOPSIS
    Reports a file of a virtual machine that is no disk (a VMFile).
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [string]
        $Kind
    )

    $native = Resolve-BorgClusterNativePath -Path $Path
    $file = [ordered]@{
        path = $Path
        kind = $Kind
        size = $null
        modified = $null
        exists = [System.IO.File]::Exists($native)
    }
    if ($file['exists']) {
        $info = [System.IO.FileInfo]::new($native)
        $file['size'] = $info.Length
        $file['modified'] = ConvertTo-BorgClusterTime -Value $info.LastWriteTimeUtc
    }
    return $file
}
