function Get-BorgClusterResourceSetting {
    <#
    .SYNOPSIS
    Reports the settings of one of a role's two resources that its removal would lose (a ResourceSetting); $null without
    resource.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Resource,

        [Parameter(Mandatory)]
        [hashtable]
        $Role,

        [Parameter(Mandatory)]
        [hashtable]
        $Parameter
    )

    if ($null -eq $Resource) {
        return $null
    }
    $parameters = [ordered]@{}
    foreach ($name in @('OfflineAction', 'ShutdownAction', 'DefaultMoveType', 'CheckHeartbeat', 'CheckApplicationHealth')) {
        if ($Parameter.ContainsKey($name)) {
            $parameters[$name] = ConvertTo-BorgClusterScalar -Value $Parameter[$name]
        }
    }
    $names = @(
        'PendingTimeout'
        'DeadlockTimeout'
        'RestartAction'
        'RestartDelay'
        'RestartPeriod'
        'RestartThreshold'
        'RetryPeriodOnFailure'
        'EmbeddedFailureAction'
        'SeparateMonitor'
        'LooksAlivePollInterval'
        'IsAlivePollInterval'
    )
    $candidates = @($Role['Other'])
    $others = @(Get-BorgClusterDependency -Resource $Resource -Candidate $candidates)
    return [ordered]@{
        parameters = $parameters
        properties = Get-BorgClusterPropertyTable -InputObject $Resource -Name $names -AsNumber
        possible_owners = @(Get-BorgClusterOwner -InputObject $Resource)
        extra_dependencies = @(foreach ($other in $others) { [string] $other.Name })
    }
}
