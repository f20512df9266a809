function Get-BorgClusterDiskPath {
    <#
    .SYNOPSIS
    Lists the drive letters and mount points of a clustered disk, whichever node owns it. Nothing when it is offline.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Resource
    )

    $id = ConvertTo-BorgClusterId -Value $Resource.Id
    $query = @{
        Namespace = 'root\MSCluster'
        ClassName = 'MSCluster_Resource'
        Filter = "Id = '$id'"
        ErrorAction = 'Stop'
    }
    try {
        foreach ($instance in @(CimCmdlets\Get-CimInstance @query)) {
            foreach ($disk in @(Get-BorgClusterAssociate -InputObject $instance -ClassName 'MSCluster_Disk')) {
                foreach ($partition in @(Get-BorgClusterAssociate -InputObject $disk -ClassName 'MSCluster_DiskPartition')) {
                    $mounts = @(Get-BorgClusterProperty -InputObject $partition -Name 'MountPoints')
                    foreach ($mount in @(Get-BorgClusterProperty -InputObject $partition -Name 'Path') + $mounts) {
                        if ("$mount" -match '^[A-Za-z]:') {
                            ([string] $mount).TrimEnd('\') + '\'
                        }
                    }
                }
            }
        }
    } catch {
        Write-Verbose -Message "MSCluster_DiskPartition does not answer: $_"
    }
}
