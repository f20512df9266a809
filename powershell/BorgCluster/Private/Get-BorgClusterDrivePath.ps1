function Get-BorgClusterDrivePath {
    <#
    .SYNOPSIS
    Lists the files of hard disk drives. A pass-through disk has none: its path is a localized description.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Drive
    )

    foreach ($one in $Drive) {
        $path = Get-BorgClusterWord -InputObject $one -Name 'Path'
        if ($null -ne $path -and $null -eq (Get-BorgClusterProperty -InputObject $one -Name 'DiskNumber')) {
            $path
        }
    }
}
