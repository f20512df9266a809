function Get-BorgClusterVMResource {
    <#
    .SYNOPSIS
    Lists the cluster's VM and VM configuration resources, each with its type and its private parameters.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Resource
    )

    $needed = @{
        'Virtual Machine' = @('VmId', 'OfflineAction', 'MigrationState')
        'Virtual Machine Configuration' = @('VmId', 'VmStoreRootPath', 'DependsOnSharedVolumes')
    }
    $known = Get-BorgClusterPrivateProperty
    foreach ($one in $Resource) {
        $type = Get-BorgClusterWord -InputObject $one -Name 'ResourceType'
        if ($null -eq $type -or -not $needed.ContainsKey($type)) {
            continue
        }
        $values = $known[[string] (ConvertTo-BorgClusterId -Value $one.Id)]
        $missing = @($needed[$type])
        if ($null -ne $values) {
            $missing = @(foreach ($name in $needed[$type]) { if (-not $values.ContainsKey($name)) { $name } })
        }
        if ($missing.Count -gt 0) {
            $values = Get-BorgClusterResourceParameter -Resource $one
        }
        @{ Resource = $one; Type = $type; Parameter = $values }
    }
}
