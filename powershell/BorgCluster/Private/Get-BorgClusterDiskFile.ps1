function Get-BorgClusterDiskFile {
    <#
    .SYNOPSIS
    Reports one file of a disk chain (a DiskFile), and why it could not be read, if so.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $native = Resolve-BorgClusterNativePath -Path $Path
    $file = [ordered]@{
        path = $Path
        format = $null
        type = $null
        file_size = $null
        size = $null
        block_size = $null
        logical_sector_size = $null
        identifier = $null
        parent_path = $null
        modified = $null
        exists = [System.IO.File]::Exists($native)
    }
    if ($file['exists']) {
        $info = [System.IO.FileInfo]::new($native)
        $file['file_size'] = $info.Length
        $file['modified'] = ConvertTo-BorgClusterTime -Value $info.LastWriteTimeUtc
    }
    try {
        $vhd = Find-BorgClusterVhd -Path $Path
    } catch {
        $code = Get-BorgClusterErrorCode -ErrorRecord $_
        if (-not $file['exists']) {
            $code = '0x80070002'
        }
        return @{ File = $file; ErrorCode = $code }
    }
    $file['format'] = Get-BorgClusterWord -InputObject $vhd -Name 'VhdFormat'
    $file['type'] = Get-BorgClusterWord -InputObject $vhd -Name 'VhdType'
    $file['file_size'] = Get-BorgClusterScalar -InputObject $vhd -Name 'FileSize'
    $file['size'] = Get-BorgClusterScalar -InputObject $vhd -Name 'Size'
    $file['block_size'] = Get-BorgClusterScalar -InputObject $vhd -Name 'BlockSize'
    $file['logical_sector_size'] = Get-BorgClusterScalar -InputObject $vhd -Name 'LogicalSectorSize'
    $file['identifier'] = Get-BorgClusterWord -InputObject $vhd -Name 'DiskIdentifier'
    $file['parent_path'] = Get-BorgClusterWord -InputObject $vhd -Name 'ParentPath'
    $file['exists'] = $true
    return @{ File = $file; ErrorCode = $null }
}
