function Get-BorgClusterDiskPosition {
    <#
    .SYNOPSIS
    Tells the controller position of a disk of a snapshot: Type, Number and Location.
    .DESCRIPTION
    The disk and the machine's own drive have the same key. Where there is no such drive any more the disk's parents lead to
    its controller; SCSI controllers are counted, as they have no number of their own.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Storage,

        # The Msvm_ResourceAllocationSettingData of the snapshot
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Resource,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Drive
    )

    $key = Get-BorgClusterDiskKey -InstanceId $Storage.InstanceID
    foreach ($one in $Drive) {
        $id = Get-BorgClusterProperty -InputObject $one -Name 'Id'
        if ($key -ne '' -and (Get-BorgClusterDiskKey -InstanceId $id) -eq $key) {
            return @{
                Type = [string] $one.ControllerType
                Number = [int] $one.ControllerNumber
                Location = [int] $one.ControllerLocation
            }
        }
    }

    # Disk, drive, controller
    $child = $Storage
    $parent = Find-BorgClusterParentResource -Resource $Resource -Child $child
    while ($null -ne $parent) {
        $type = [string] (Get-BorgClusterProperty -InputObject $parent -Name 'ResourceSubType')
        if ($type -match '(IDE|SCSI|Persistent Memory) Controller$') {
            $word = $Matches[1] -replace '^Persistent Memory$', 'PMEM'
            $number = [string] (Get-BorgClusterProperty -InputObject $parent -Name 'Address') -as [int]
            if ($word -ne 'IDE') {
                $number = 0
                foreach ($one in $Resource) {
                    if ($one.InstanceID -eq $parent.InstanceID) {
                        break
                    }
                    if ((Get-BorgClusterWord -InputObject $one -Name 'ResourceSubType') -eq $type) {
                        $number += 1
                    }
                }
            }
            $location = [string] (Get-BorgClusterProperty -InputObject $child -Name 'AddressOnParent') -as [int]
            return @{ Type = $word; Number = [int] $number; Location = [int] $location }
        }
        $child = $parent
        $parent = Find-BorgClusterParentResource -Resource $Resource -Child $child
    }
    return @{ Type = 'Unknown'; Number = -1; Location = -1 }
}
