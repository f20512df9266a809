function Get-BorgClusterVolume {
    <#
    .SYNOPSIS
    Reports the Cluster Shared Volumes and how each node reaches them (a list of ClusterVolume).
    #>
    $access = @{}
    foreach ($row in @(FailoverClusters\Get-ClusterSharedVolumeState -ErrorAction Stop)) {
        $key = [string] $row.Name
        if (-not $access.ContainsKey($key)) {
            $access[$key] = [System.Collections.Generic.List[object]]::new()
        }
        $one = [ordered]@{
            node = [string] (Get-BorgClusterWord -InputObject $row -Name 'Node')
            state = [string] $row.StateInfo
            file_system_reason = Get-BorgClusterWord -InputObject $row -Name 'FileSystemRedirectedIOReason'
            block_reason = Get-BorgClusterWord -InputObject $row -Name 'BlockRedirectedIOReason'
        }
        $access[$key].Add($one)
    }
    foreach ($volume in @(FailoverClusters\Get-ClusterSharedVolume -ErrorAction Stop)) {
        $name = [string] $volume.Name
        foreach ($info in @($volume.SharedVolumeInfo)) {
            if ($null -eq $info) {
                continue
            }
            $partition = Get-BorgClusterProperty -InputObject $info -Name 'Partition'
            $rows = @()
            if ($access.ContainsKey($name)) {
                $rows = $access[$name].ToArray()
            }
            [ordered]@{
                id = ConvertTo-BorgClusterId -Value $volume.Id
                name = $name
                state = [string] $volume.State
                owner_node = Get-BorgClusterWord -InputObject $volume -Name 'OwnerNode'
                path = [string] $info.FriendlyVolumeName
                partition = Get-BorgClusterWord -InputObject $partition -Name 'Name'
                file_system = Get-BorgClusterWord -InputObject $partition -Name 'FileSystem'
                size = Get-BorgClusterScalar -InputObject $partition -Name 'Size'
                free = Get-BorgClusterScalar -InputObject $partition -Name 'FreeSpace'
                access = $rows
            }
        }
    }
}
