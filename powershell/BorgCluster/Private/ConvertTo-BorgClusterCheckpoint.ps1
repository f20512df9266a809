function ConvertTo-BorgClusterCheckpoint {
    <#
    .SYNOPSIS
    Reports a checkpoint (a Checkpoint).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Checkpoint
    )

    $disks = [System.Collections.Generic.List[object]]::new()
    foreach ($drive in @(Get-BorgClusterProperty -InputObject $Checkpoint -Name 'HardDrives')) {
        $path = Get-BorgClusterWord -InputObject $drive -Name 'Path'
        $number = Get-BorgClusterProperty -InputObject $drive -Name 'DiskNumber'
        if ($null -ne $path -and $null -eq $number) {
            $disks.Add($path)
        }
    }
    return [ordered]@{
        id = ConvertTo-BorgClusterId -Value $Checkpoint.Id
        name = [string] $Checkpoint.Name
        type = [string] $Checkpoint.SnapshotType
        parent_id = ConvertTo-BorgClusterId -Value (Get-BorgClusterProperty -InputObject $Checkpoint -Name 'ParentSnapshotId')
        created = ConvertTo-BorgClusterTime -Value (Get-BorgClusterProperty -InputObject $Checkpoint -Name 'CreationTime')
        disk_paths = $disks.ToArray()
    }
}
