function ConvertTo-BorgClusterDisk {
    <#
    .SYNOPSIS
    Reports a hard disk drive of a virtual machine (a Disk).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Drive,

        [Parameter(Mandatory)]
        [hashtable]
        $Cache
    )

    $path = Get-BorgClusterWord -InputObject $Drive -Name 'Path'
    $number = Get-BorgClusterScalar -InputObject $Drive -Name 'DiskNumber'
    $shared = [bool] (Get-BorgClusterProperty -InputObject $Drive -Name 'SupportPersistentReservations')
    if ($null -ne $number) {
        # A pass-through disk's path is a localized description
        $path = $null
    }
    $chain = @{ Files = @(); ErrorCode = $null }
    if ($null -ne $path) {
        $shared = $shared -or $path -match '\.vhds$'
        $chain = Get-BorgClusterDiskChain -Path $path -Cache $Cache
    }
    return [ordered]@{
        controller_type = [string] $Drive.ControllerType
        controller_number = [int] $Drive.ControllerNumber
        controller_location = [int] $Drive.ControllerLocation
        path = $path
        disk_number = $number
        shared = $shared
        chain = @($chain['Files'])
        chain_error = $chain['ErrorCode']
    }
}
