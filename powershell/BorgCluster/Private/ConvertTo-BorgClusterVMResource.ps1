function ConvertTo-BorgClusterVMResource {
    <#
    .SYNOPSIS
    Reports one VM or VM configuration resource (a VMResource).
    #>
    param (
        [Parameter(Mandatory)]
        [hashtable]
        $Found,

        [Parameter(Mandatory)]
        [hashtable]
        $RoleId,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]]
        $DependsOn
    )

    $resource = $Found['Resource']
    $values = $Found['Parameter']
    $report = [ordered]@{
        id = ConvertTo-BorgClusterId -Value $resource.Id
        name = [string] $resource.Name
        resource_type = $Found['Type']
        state = [string] $resource.State
        role_id = [string] $RoleId[[string] (Get-BorgClusterWord -InputObject $resource -Name 'OwnerGroup')]
        owner_node = Get-BorgClusterWord -InputObject $resource -Name 'OwnerNode'
        vm_id = ConvertTo-BorgClusterId -Value $values['VmId']
        vm_store_root_path = $null
        depends_on = @($DependsOn)
        depends_on_shared_volumes = @()
        offline_action = $null
        migration_state = $null
    }
    if ($Found['Type'] -eq 'Virtual Machine') {
        $report['offline_action'] = ConvertTo-BorgClusterScalar -Value $values['OfflineAction']
        $report['migration_state'] = ConvertTo-BorgClusterScalar -Value $values['MigrationState']
    } else {
        $report['vm_store_root_path'] = ConvertTo-BorgClusterWord -Value $values['VmStoreRootPath']
        $shared = @(foreach ($volume in @($values['DependsOnSharedVolumes'])) { if ("$volume" -ne '') { [string] $volume } })
        $report['depends_on_shared_volumes'] = $shared
    }
    return $report
}
