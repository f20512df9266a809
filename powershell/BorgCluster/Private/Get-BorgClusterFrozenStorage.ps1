function Get-BorgClusterFrozenStorage {
    <#
    .SYNOPSIS
    Lists the virtual hard disks of a recovery snapshot (Msvm_StorageAllocationSettingData), each of which has a file.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Setting
    )

    $link = @{
        InputObject = $Setting
        ClassName = 'Msvm_StorageAllocationSettingData'
        Association = 'Msvm_VirtualSystemSettingDataComponent'
    }
    foreach ($storage in @(Get-BorgClusterAssociate @link)) {
        $type = [string] (Get-BorgClusterProperty -InputObject $storage -Name 'ResourceSubType')
        $path = [string] @(Get-BorgClusterProperty -InputObject $storage -Name 'HostResource')[0]
        # The others are images in DVD drives
        if ($type -eq 'Microsoft:Hyper-V:Virtual Hard Disk' -and $path -ne '') {
            $storage
        }
    }
}
