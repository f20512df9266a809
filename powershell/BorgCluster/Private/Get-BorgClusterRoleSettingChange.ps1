function Get-BorgClusterRoleSettingChange {
    <#
    .SYNOPSIS
    Compares saved settings of a role with what holds now, and lists the changes to make. Only what differs is touched.
    #>
    param (
        # The RoleSetting as ConvertFrom-Json reads it
        [Parameter(Mandatory)]
        [object]
        $Wanted,

        # The RoleSetting as it is now
        [Parameter(Mandatory)]
        [System.Collections.IDictionary]
        $Current,

        [Parameter(Mandatory)]
        [hashtable]
        $Role
    )

    $group = $Role['Group']
    foreach ($pair in @(@('name', 'Name'), @('description', 'Description'))) {
        $value = Get-BorgClusterProperty -InputObject $Wanted -Name $pair[0]
        if ($null -ne $value -and [string] $value -cne $Current[$pair[0]]) {
            @{ Setting = $pair[0]; Kind = 'Property'; Target = $group; Name = $pair[1]; Value = [string] $value }
        }
    }
    $table = @{
        Wanted = Get-BorgClusterProperty -InputObject $Wanted -Name 'properties'
        Current = $Current['properties']
        Prefix = 'properties'
        Kind = 'Property'
        Target = $group
    }
    Get-BorgClusterTableChange @table
    $owners = @{
        Wanted = @(Get-BorgClusterListMember -InputObject $Wanted -Name 'preferred_owners')
        Current = $Current['preferred_owners']
        Setting = 'preferred_owners'
        Target = $group
        Ordered = $true
    }
    Get-BorgClusterOwnerChange @owners
    $classes = @(Get-BorgClusterListMember -InputObject $Wanted -Name 'anti_affinity_class_names')
    if (($classes -join '|') -ne ($Current['anti_affinity_class_names'] -join '|')) {
        $change = @{ Setting = 'anti_affinity_class_names'; Kind = 'TextList'; Target = $group; Name = 'AntiAffinityClassNames' }
        $change['Value'] = $classes
        $change
    }
    foreach ($name in @(Get-BorgClusterListMember -InputObject $Wanted -Name 'group_sets')) {
        if ($name -notin $Current['group_sets']) {
            @{ Setting = 'group_sets'; Kind = 'GroupSet'; Target = $group; Name = ''; Value = $name }
        }
    }
    foreach ($name in @(Get-BorgClusterListMember -InputObject $Wanted -Name 'affinity_rules')) {
        if ($name -notin $Current['affinity_rules']) {
            @{ Setting = 'affinity_rules'; Kind = 'AffinityRule'; Target = $group; Name = ''; Value = $name }
        }
    }
    foreach ($pair in @(@('vm_resource', 'VMResource'), @('configuration_resource', 'ConfigurationResource'))) {
        $resource = @{
            Wanted = Get-BorgClusterProperty -InputObject $Wanted -Name $pair[0]
            Current = $Current[$pair[0]]
            Resource = $Role[$pair[1]]
            Prefix = $pair[0]
        }
        Get-BorgClusterResourceSettingChange @resource
    }
}
