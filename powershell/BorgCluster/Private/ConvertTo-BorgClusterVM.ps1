function ConvertTo-BorgClusterVM {
    <#
    .SYNOPSIS
    Reports a virtual machine that is registered on this node (a VM).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM,

        [Parameter(Mandatory)]
        [hashtable]
        $StatusTable,

        [Parameter(Mandatory)]
        [hashtable]
        $Cache,

        # Only what Get-VM itself tells: for a machine whose storage is lost
        [switch]
        $WithoutParts
    )

    $report = [ordered]@{
        id = ConvertTo-BorgClusterId -Value $VM.Id
        name = [string] $VM.Name
        state = [string] $VM.State
        operational_status = @(Select-BorgClusterOperationalStatus -VM $VM -Table $StatusTable)
        is_clustered = Get-BorgClusterProperty -InputObject $VM -Name 'IsClustered'
        generation = [int] $VM.Generation
        version = [string] $VM.Version
        path = [string] $VM.Path
        configuration_location = [string] $VM.ConfigurationLocation
        snapshot_location = Get-BorgClusterWord -InputObject $VM -Name 'SnapshotFileLocation'
        smart_paging_path = Get-BorgClusterWord -InputObject $VM -Name 'SmartPagingFilePath'
        checkpoint_type = Get-BorgClusterWord -InputObject $VM -Name 'CheckpointType'
        automatic_start_action = Get-BorgClusterWord -InputObject $VM -Name 'AutomaticStartAction'
        notes = [string] (Get-BorgClusterProperty -InputObject $VM -Name 'Notes')
        uptime_seconds = $null
        replication_mode = Get-BorgClusterWord -InputObject $VM -Name 'ReplicationMode'
        replication_state = Get-BorgClusterWord -InputObject $VM -Name 'ReplicationState'
        replication_health = Get-BorgClusterWord -InputObject $VM -Name 'ReplicationHealth'
        disks = @()
        files = @()
        checkpoints = @()
        network_adapters = @()
    }
    $uptime = Get-BorgClusterProperty -InputObject $VM -Name 'Uptime'
    if ($uptime -is [timespan]) {
        $report['uptime_seconds'] = [long] [System.Math]::Floor($uptime.TotalSeconds)
    }
    if ($WithoutParts) {
        return $report
    }

    $drives = @(Hyper-V\Get-VMHardDiskDrive -VM $VM -ErrorAction Stop)
    $report['disks'] = @(foreach ($drive in $drives) { ConvertTo-BorgClusterDisk -Drive $drive -Cache $Cache })
    $checkpoints = @(Hyper-V\Get-VMSnapshot -VM $VM -ErrorAction Stop)
    $report['checkpoints'] = @(foreach ($one in $checkpoints) { ConvertTo-BorgClusterCheckpoint -Checkpoint $one })
    $report['files'] = @(Get-BorgClusterVMFile -VM $VM -Checkpoint $checkpoints -Disk $report['disks'])
    $adapters = [System.Collections.Generic.List[object]]::new()
    foreach ($adapter in @(Hyper-V\Get-VMNetworkAdapter -VM $VM -ErrorAction Stop)) {
        $one = [ordered]@{
            id = [string] $adapter.Id
            name = [string] $adapter.Name
            switch_name = Get-BorgClusterWord -InputObject $adapter -Name 'SwitchName'
            mac_address = Get-BorgClusterWord -InputObject $adapter -Name 'MacAddress'
        }
        $adapters.Add($one)
    }
    $report['network_adapters'] = $adapters.ToArray()
    return $report
}
