function Get-BorgClusterStoragePath {
    <#
    .SYNOPSIS
    Tells which file a disk uses, by the InstanceID of its settings: the frozen one while a recovery snapshot freezes it. For
    a disk that is gone, the InstanceID itself: no path is like it.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $InstanceId,

        # Key and file of each disk that a recovery snapshot freezes
        [Parameter(Mandatory)]
        [hashtable]
        $FrozenPath
    )

    $frozen = $FrozenPath[(Get-BorgClusterDiskKey -InstanceId $InstanceId)]
    if ($null -ne $frozen) {
        return $frozen
    }

    $query = @{
        Namespace = 'root\virtualization\v2'
        ClassName = 'Msvm_StorageAllocationSettingData'
        Filter = "InstanceID = '" + ($InstanceId -replace "([\\'])", '\$1') + "'"
        ErrorAction = 'Stop'
    }
    foreach ($storage in @(CimCmdlets\Get-CimInstance @query)) {
        $path = [string] @(Get-BorgClusterProperty -InputObject $storage -Name 'HostResource')[0]
        $id = [string] (Get-BorgClusterProperty -InputObject $storage -Name 'InstanceID')
        if ($path -ne '' -and $id -eq $InstanceId) {
            return $path
        }
    }
    return $InstanceId
}
