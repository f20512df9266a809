function Get-BorgClusterFrozenDisk {
    <#
    .SYNOPSIS
    Lists the disks of a recovery snapshot, each by its controller position (a list of FrozenDisk).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Setting,

        # The drives of the machine as they are now
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Drive,

        [Parameter(Mandatory)]
        [hashtable]
        $Cache
    )

    $link = @{
        InputObject = $Setting
        ClassName = 'Msvm_ResourceAllocationSettingData'
        Association = 'Msvm_VirtualSystemSettingDataComponent'
    }
    $resources = @(Get-BorgClusterAssociate @link)
    foreach ($storage in @(Get-BorgClusterFrozenStorage -Setting $Setting)) {
        $path = [string] @($storage.HostResource)[0]
        $position = Get-BorgClusterDiskPosition -Storage $storage -Resource $resources -Drive $Drive
        $chain = Get-BorgClusterDiskChain -Path $path -Cache $Cache
        [ordered]@{
            controller_type = $position['Type']
            controller_number = $position['Number']
            controller_location = $position['Location']
            path = $path
            chain = @(foreach ($file in $chain['Files']) { $file['path'] })
        }
    }
}
