function Get-BorgClusterReport {
    <#
    .SYNOPSIS
    Reports what the cluster knows: nodes, roles, the resources of virtual machines, volumes, clustered disks.
    .DESCRIPTION
    The answer is the same from every live node. Virtual machines are told by their id, states by Windows' words, and what is
    unknown is null.
    .EXAMPLE
    Get-BorgClusterReport
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param ()

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $cluster = FailoverClusters\Get-Cluster -ErrorAction Stop
    $nodes = [System.Collections.Generic.List[object]]::new()
    foreach ($node in @(FailoverClusters\Get-ClusterNode -ErrorAction Stop)) {
        $nodes.Add((ConvertTo-BorgClusterNode -Node $node -Cluster $cluster))
    }

    $roles = [System.Collections.Generic.List[object]]::new()
    $roleId = @{}
    $coreOwner = $null
    foreach ($group in @(FailoverClusters\Get-ClusterGroup -ErrorAction Stop)) {
        $role = ConvertTo-BorgClusterRole -Group $group
        $roles.Add($role)
        $roleId[$role['name']] = $role['id']
        if ($role['group_type'] -eq 'Cluster') {
            $coreOwner = $role['owner_node']
        }
    }

    $volumes = @(Get-BorgClusterVolume)
    $all = @(FailoverClusters\Get-ClusterResource -ErrorAction Stop)
    $table = Get-BorgClusterDependencyTable -Resource $all
    $resources = [System.Collections.Generic.List[object]]::new()
    foreach ($found in @(Get-BorgClusterVMResource -Resource $all)) {
        $dependsOn = @(Get-BorgClusterDependencyId -Resource $found['Resource'] -Candidate $all -Table $table)
        $resources.Add((ConvertTo-BorgClusterVMResource -Found $found -RoleId $roleId -DependsOn $dependsOn))
    }

    $shared = @(foreach ($volume in $volumes) { $volume['id'] })
    $disks = [System.Collections.Generic.List[object]]::new()
    foreach ($resource in $all) {
        $id = ConvertTo-BorgClusterId -Value $resource.Id
        if ((Get-BorgClusterWord -InputObject $resource -Name 'ResourceType') -eq 'Physical Disk' -and $id -notin $shared) {
            $disks.Add((ConvertTo-BorgClusterClusterDisk -Resource $resource -RoleId $roleId))
        }
    }

    $answer = [ordered]@{
        answered_by = [System.Environment]::MachineName
        module_version = Get-BorgClusterModuleVersion
        taken_at = ConvertTo-BorgClusterTime -Value ([datetime]::UtcNow)
        cluster = [string] $cluster.Name
        cluster_id = ConvertTo-BorgClusterId -Value (Get-BorgClusterProperty -InputObject $cluster -Name 'Id')
        functional_level = Get-BorgClusterScalar -InputObject $cluster -Name 'ClusterFunctionalLevel'
        core_owner = $coreOwner
        nodes = $nodes.ToArray()
        roles = $roles.ToArray()
        resources = $resources.ToArray()
        volumes = $volumes
        disks = $disks.ToArray()
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
