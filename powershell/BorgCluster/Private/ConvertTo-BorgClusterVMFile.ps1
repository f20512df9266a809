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

    $file = [ordered]@{
        path = $Path
        kind = $Kind
        size = $null
        modified = $null
        exists = [System.IO.File]::Exists($Path)
    }
    if ($file['exists']) {
        $info = [System.IO.FileInfo]::new($Path)
        $file['size'] = $info.Length
        $file['modified'] = ConvertTo-BorgClusterTime -Value $info.LastWriteTimeUtc
    }
    return $file
}
