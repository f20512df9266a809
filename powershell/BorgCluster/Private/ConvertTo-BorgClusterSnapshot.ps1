function ConvertTo-BorgClusterSnapshot {
    <#
    .SYNOPSIS
    Reports a recovery snapshot (a Snapshot): whose it is, its frozen disks, its own configuration files.
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

    $words = @{ '0' = 'Unknown'; '1' = 'Application'; '2' = 'Crash' }
    $level = [string] (Get-BorgClusterProperty -InputObject $Setting -Name 'ConsistencyLevel')
    return [ordered]@{
        id = Get-BorgClusterLastId -InstanceId $Setting.InstanceID
        name = [string] (Get-BorgClusterProperty -InputObject $Setting -Name 'ElementName')
        run_id = Get-BorgClusterMarkedRun -Setting $Setting
        created = ConvertTo-BorgClusterTime -Value (Get-BorgClusterProperty -InputObject $Setting -Name 'CreationTime')
        consistency = $words[$level]
        disks = @(Get-BorgClusterFrozenDisk -Setting $Setting -Drive $Drive -Cache $Cache)
        configuration_files = @(Get-BorgClusterSnapshotFile -Setting $Setting)
    }
}
