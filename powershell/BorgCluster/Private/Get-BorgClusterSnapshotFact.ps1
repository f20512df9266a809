function Get-BorgClusterSnapshotFact {
    <#
    .SYNOPSIS
    Collects the recovery snapshots of a virtual machine of this node, its state, and whether it merges disks (a SnapshotReport).
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        # The id of the snapshot that was made, if one was
        [AllowNull()]
        [object]
        $Made = $null
    )

    $vm = Assert-BorgClusterVM -VMId $VMId
    $system = Get-BorgClusterComputerSystem -VMId $VMId
    $drives = @(Hyper-V\Get-VMHardDiskDrive -VM $vm -ErrorAction Stop)
    $snapshots = [System.Collections.Generic.List[object]]::new()
    $cache = @{}
    foreach ($setting in @(Get-BorgClusterSnapshotSetting -System $system)) {
        $snapshots.Add((ConvertTo-BorgClusterSnapshot -Setting $setting -Drive $drives -Cache $cache))
    }
    $status = @(Get-BorgClusterProperty -InputObject $system -Name 'OperationalStatus')
    return [ordered]@{
        node = [System.Environment]::MachineName
        vm_id = $VMId.ToString('D')
        taken_at = ConvertTo-BorgClusterTime -Value ([datetime]::UtcNow)
        snapshots = $snapshots.ToArray()
        made = ConvertTo-BorgClusterId -Value $Made
        state = [string] $vm.State
        # In service, merging disks
        merging = 32772 -in $status
        disk_paths = @(Get-BorgClusterDrivePath -Drive $drives)
    }
}
