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
            node = [string] (ConvertTo-BorgClusterWord -Value $row.Node)
            state = [string] $row.StateInfo
            file_system_reason = ConvertTo-BorgClusterWord -Value $row.FileSystemRedirectedIOReason
            block_reason = ConvertTo-BorgClusterWord -Value $row.BlockRedirectedIOReason
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
                owner_node = ConvertTo-BorgClusterWord -Value $volume.OwnerNode
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
