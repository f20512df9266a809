function Get-BorgClusterRoleSettingFact {
    <#
    .SYNOPSIS
    Collects everything of a role that Remove-ClusterGroup loses (a RoleSetting).
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [hashtable]
        $Role
    )

    $group = $Role['Group']
    $names = @(
        'Priority'
        'AutoFailbackType'
        'FailbackWindowStart'
        'FailbackWindowEnd'
        'FailoverThreshold'
        'FailoverPeriod'
        'ColdStartSetting'
        'PersistentState'
        'LockedFromMoving'
        'ResiliencyPeriod'
        'PreferredSite'
        'FaultDomain'
        'PlacementOptions'
    )
    $classes = @(Get-BorgClusterProperty -InputObject $group -Name 'AntiAffinityClassNames')
    $rules = [System.Collections.Generic.List[object]]::new()
    foreach ($rule in @(Get-BorgClusterAffinityRule)) {
        if ($group.Name -in @(Get-BorgClusterProperty -InputObject $rule -Name 'Groups')) {
            $rules.Add([string] $rule.Name)
        }
    }
    $vm = @{ Resource = $Role['VMResource']; Role = $Role; Parameter = $Role['VMParameter'] }
    $configuration = @{ Resource = $Role['ConfigurationResource']; Role = $Role; Parameter = @{} }
    return [ordered]@{
        schema = 1
        vm_id = $VMId.ToString('D')
        name = [string] $group.Name
        description = [string] (Get-BorgClusterProperty -InputObject $group -Name 'Description')
        properties = Get-BorgClusterPropertyTable -InputObject $group -Name $names
        preferred_owners = @(Get-BorgClusterOwner -InputObject $group)
        anti_affinity_class_names = @(foreach ($class in $classes) { if ("$class" -ne '') { [string] $class } })
        group_sets = @(Get-BorgClusterGroupSetName -GroupName $group.Name)
        affinity_rules = $rules.ToArray()
        vm_resource = Get-BorgClusterResourceSetting @vm
        configuration_resource = Get-BorgClusterResourceSetting @configuration
    }
}
