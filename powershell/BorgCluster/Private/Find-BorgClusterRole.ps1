function Find-BorgClusterRole {
    <#
    .SYNOPSIS
    Finds the role of a virtual machine by its id: its group, its two resources and the group's others; $null when there is
    none.
    .DESCRIPTION
    The cluster is asked by id first. When that finds nothing, or fails, all resources are looked through: only that tells
    'there is no role' from 'the cluster does not answer', which is an error here and no answer.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $group = $null
    try {
        $group = FailoverClusters\Get-ClusterGroup -VMId $VMId -ErrorAction Stop
    } catch {
        Write-Verbose -Message "Get-ClusterGroup -VMId finds nothing: $_"
    }
    if ($null -ne $group) {
        $role = Select-BorgClusterRole -VMId $VMId -Group $group
        if ($null -ne $role) {
            return $role
        }
    }

    $resources = @(FailoverClusters\Get-ClusterResource -ErrorAction Stop)
    foreach ($found in @(Get-BorgClusterVMResource -Resource $resources)) {
        if ((ConvertTo-BorgClusterId -Value $found['Parameter']['VmId']) -eq $VMId.ToString('D')) {
            $name = ConvertTo-BorgClusterWord -Value $found['Resource'].OwnerGroup
            $group = FailoverClusters\Get-ClusterGroup -Name $name -ErrorAction Stop
            return Select-BorgClusterRole -VMId $VMId -Group $group
        }
    }
    return $null
}
