function Get-BorgClusterOwnerChange {
    <#
    .SYNOPSIS
    Compares a list of owner nodes with what holds now. Nodes that left the cluster are told, and do not hinder the others.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]]
        $Wanted,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]]
        $Current,

        [Parameter(Mandatory)]
        [string]
        $Setting,

        [Parameter(Mandatory)]
        [object]
        $Target,

        # Preferred owners have an order, possible owners have none
        [switch]
        $Ordered
    )

    $members = @(foreach ($node in @(FailoverClusters\Get-ClusterNode -ErrorAction Stop)) { [string] $node.Name })
    $owners = [System.Collections.Generic.List[string]]::new()
    foreach ($node in $Wanted) {
        if ($node -in $members) {
            $owners.Add($node)
        } else {
            @{ Setting = $Setting; Kind = 'Refused'; Target = $Target; Name = ''; Value = "'$node' is no node of this cluster." }
        }
    }
    $there = $Current
    $asked = $owners.ToArray()
    if (-not $Ordered) {
        $there = @($Current | Sort-Object)
        $asked = @($asked | Sort-Object)
    }
    if ($asked.Count -gt 0 -and ($asked -join '|') -ne ($there -join '|')) {
        @{ Setting = $Setting; Kind = 'Owner'; Target = $Target; Name = ''; Value = $owners.ToArray() }
    } elseif ($Wanted.Count -eq 0 -and $Current.Count -gt 0) {
        @{ Setting = $Setting; Kind = 'Refused'; Target = $Target; Name = ''; Value = 'A list of owners cannot be emptied.' }
    }
}
