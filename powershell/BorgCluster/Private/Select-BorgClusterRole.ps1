function Select-BorgClusterRole {
    <#
    .SYNOPSIS
    Sorts the resources of a group: the virtual machine's own pair, and the others; $null when none of them names the machine.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [object]
        $Group
    )

    $role = @{
        Group = $Group
        VMResource = $null
        VMParameter = @{}
        ConfigurationResource = $null
        Other = [System.Collections.Generic.List[object]]::new()
    }
    foreach ($resource in @(FailoverClusters\Get-ClusterResource -InputObject $Group -ErrorAction Stop)) {
        if ((Get-BorgClusterWord -InputObject $resource -Name 'OwnerGroup') -ne $Group.Name) {
            continue
        }
        $type = Get-BorgClusterWord -InputObject $resource -Name 'ResourceType'
        $values = @{}
        if ($type -in @('Virtual Machine', 'Virtual Machine Configuration')) {
            $values = Get-BorgClusterResourceParameter -Resource $resource
        }
        if (-not $values.ContainsKey('VmId') -or (ConvertTo-BorgClusterId -Value $values['VmId']) -ne $VMId.ToString('D')) {
            $role['Other'].Add($resource)
        } elseif ($type -eq 'Virtual Machine') {
            $role['VMResource'] = $resource
            $role['VMParameter'] = $values
        } else {
            $role['ConfigurationResource'] = $resource
        }
    }
    if ($null -eq $role['VMResource'] -and $null -eq $role['ConfigurationResource']) {
        return $null
    }
    return $role
}
