function Get-BorgClusterAffinityRule {
    <#
    .SYNOPSIS
    Lists the cluster's affinity rules; nothing before Windows Server 2019, which has none.
    #>
    if ($null -eq (Microsoft.PowerShell.Core\Get-Command -Name 'Get-ClusterAffinityRule' -ErrorAction SilentlyContinue)) {
        return
    }
    foreach ($rule in @(FailoverClusters\Get-ClusterAffinityRule -ErrorAction Stop)) {
        $rule
    }
}
