function ConvertTo-BorgClusterRoleState {
    <#
    .SYNOPSIS
    Reports the role of a virtual machine (a RoleState).
    #>
    param (
        [Parameter(Mandatory)]
        [hashtable]
        $Role
    )

    $group = $Role['Group']
    $state = [ordered]@{
        id = ConvertTo-BorgClusterId -Value $group.Id
        name = [string] $group.Name
        state = [string] $group.State
        owner_node = Get-BorgClusterWord -InputObject $group -Name 'OwnerNode'
        vm_resource_state = $null
        configuration_resource_state = $null
        offline_action = ConvertTo-BorgClusterScalar -Value $Role['VMParameter']['OfflineAction']
        migration_state = ConvertTo-BorgClusterScalar -Value $Role['VMParameter']['MigrationState']
        depends_on_disks = @()
    }
    foreach ($other in $Role['Other']) {
        if ((Get-BorgClusterWord -InputObject $other -Name 'ResourceType') -eq 'Physical Disk') {
            $state['depends_on_disks'] += [string] $other.Name
        }
    }
    if ($null -ne $Role['VMResource']) {
        $state['vm_resource_state'] = [string] $Role['VMResource'].State
    }
    if ($null -ne $Role['ConfigurationResource']) {
        $state['configuration_resource_state'] = [string] $Role['ConfigurationResource'].State
    }
    return $state
}
