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
        $WithoutParts,

        # Parts that can't be read are left out, and the disks tell this code if they have none of their own
        [AllowEmptyString()]
        [string]
        $FailureCode = ''
    )

    $report = [ordered]@{
        id = ConvertTo-BorgClusterId -Value $VM.Id
        name = [string] $VM.Name
        state = [string] $VM.State
        operational_status = @(Select-BorgClusterOperationalStatus -VM $VM -Table $StatusTable)
        is_clustered = Get-BorgClusterProperty -InputObject $VM -Name 'IsClustered'
        generation = [int] (Get-BorgClusterProperty -InputObject $VM -Name 'Generation')
        version = [string] (Get-BorgClusterProperty -InputObject $VM -Name 'Version')
        path = [string] (Get-BorgClusterProperty -InputObject $VM -Name 'Path')
        configuration_location = [string] (Get-BorgClusterProperty -InputObject $VM -Name 'ConfigurationLocation')
        snapshot_location = Get-BorgClusterWord -InputObject $VM -Name 'SnapshotFileLocation'
        smart_paging_path = Get-BorgClusterWord -InputObject $VM -Name 'SmartPagingFilePath'
        checkpoint_type = Get-BorgClusterWord -InputObject $VM -Name 'CheckpointType'
        automatic_start_action = Get-BorgClusterWord -InputObject $VM -Name 'AutomaticStartAction'
        notes = [string] (Get-BorgClusterProperty -InputObject $VM -Name 'Notes')
        uptime_seconds = $null
        memory_startup = Get-BorgClusterProperty -InputObject $VM -Name 'MemoryStartup'
        replication_mode = Get-BorgClusterWord -InputObject $VM -Name 'ReplicationMode'
        replication_state = Get-BorgClusterWord -InputObject $VM -Name 'ReplicationState'
        replication_health = Get-BorgClusterWord -InputObject $VM -Name 'ReplicationHealth'
        disks = @()
        files = @()
        checkpoints = @()
        network_adapters = @()
        fibre_channel_adapters = @()
    }
    $uptime = Get-BorgClusterProperty -InputObject $VM -Name 'Uptime'
    if ($uptime -is [timespan]) {
        $report['uptime_seconds'] = [long] [System.Math]::Floor($uptime.TotalSeconds)
    }
    if ($WithoutParts) {
        return $report
    }

    foreach ($part in @('Disk', 'Checkpoint', 'File', 'Adapter', 'FibreChannel')) {
        try {
            Add-BorgClusterVMPart -Part $part -VM $VM -Report $report -Cache $Cache
        } catch {
            if ($FailureCode -eq '') {
                throw
            }
            Write-Verbose -Message "${part}: $_"
        }
    }
    if ($FailureCode -ne '') {
        Add-BorgClusterDiskError -Report $report -Code $FailureCode
    }
    return $report
}
