function Get-BorgClusterResourceParameter {
    <#
    .SYNOPSIS
    Reads the private parameters of one cluster resource: a table of name and value.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Resource
    )

    $values = @{}
    foreach ($row in @(FailoverClusters\Get-ClusterParameter -InputObject $Resource -ErrorAction Stop)) {
        $values[[string] $row.Name] = $row.Value
    }
    return $values
}
