function ConvertTo-BorgClusterRegistration {
    <#
    .SYNOPSIS
    Reports a virtual machine as it is registered on this node (a Registration).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    $id = ConvertTo-BorgClusterId -Value $VM.Id
    $table = Get-BorgClusterOperationalStatus -VMId $id
    $drives = @(Hyper-V\Get-VMHardDiskDrive -VM $VM -ErrorAction Stop)
    $checkpoints = [System.Collections.Generic.List[object]]::new()
    foreach ($checkpoint in @(Hyper-V\Get-VMSnapshot -VM $VM -ErrorAction Stop)) {
        $checkpoints.Add((ConvertTo-BorgClusterId -Value $checkpoint.Id))
    }
    return [ordered]@{
        name = [string] $VM.Name
        state = [string] $VM.State
        operational_status = @(Select-BorgClusterOperationalStatus -VM $VM -Table $table)
        is_clustered = Get-BorgClusterProperty -InputObject $VM -Name 'IsClustered'
        configuration_path = Get-BorgClusterConfigurationPath -VM $VM
        disk_paths = @(Get-BorgClusterDrivePath -Drive $drives)
        checkpoint_ids = $checkpoints.ToArray()
        has_saved_state = [string] $VM.State -match 'Saved'
        heartbeat = Get-BorgClusterHeartbeat -VM $VM
    }
}
