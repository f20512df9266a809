function ConvertTo-BorgClusterClusterDisk {
    <#
    .SYNOPSIS
    Reports a clustered disk that is no Cluster Shared Volume (a ClusterDisk).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Resource,

        [Parameter(Mandatory)]
        [hashtable]
        $RoleId
    )

    return [ordered]@{
        id = ConvertTo-BorgClusterId -Value $Resource.Id
        name = [string] $Resource.Name
        state = [string] $Resource.State
        role_id = [string] $RoleId[[string] (Get-BorgClusterWord -InputObject $Resource -Name 'OwnerGroup')]
        owner_node = Get-BorgClusterWord -InputObject $Resource -Name 'OwnerNode'
        paths = @(Get-BorgClusterDiskPath -Resource $Resource)
    }
}
