function Get-BorgClusterOwner {
    <#
    .SYNOPSIS
    Lists the preferred owners of a group, in their order, or the possible owners of a resource.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $InputObject
    )

    $list = FailoverClusters\Get-ClusterOwnerNode -InputObject $InputObject -ErrorAction Stop
    foreach ($node in @($list.OwnerNodes)) {
        if ($null -ne $node) {
            ConvertTo-BorgClusterWord -Value $node
        }
    }
}
