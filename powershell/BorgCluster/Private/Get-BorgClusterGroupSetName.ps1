function Get-BorgClusterGroupSetName {
    <#
    .SYNOPSIS
    Lists the sets (dependencies between roles) that a group belongs to.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $GroupName
    )

    foreach ($set in @(FailoverClusters\Get-ClusterGroupSet -ErrorAction Stop)) {
        if ($GroupName -in @(Get-BorgClusterProperty -InputObject $set -Name 'GroupNames')) {
            [string] $set.Name
        }
    }
}
