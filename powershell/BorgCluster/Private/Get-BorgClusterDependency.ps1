function Get-BorgClusterDependency {
    <#
    .SYNOPSIS
    Lists the resources (of those given) that a resource depends on.
    .DESCRIPTION
    The expression is asked for with GUIDs. Names in it would be ambiguous, since they may hold brackets: they are looked at
    only when no GUID is there.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Resource,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Candidate
    )

    $text = ''
    foreach ($row in @(FailoverClusters\Get-ClusterResourceDependency -InputObject $Resource -Guid -ErrorAction Stop)) {
        $text += [string] $row.DependencyExpression
    }
    $guid = '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'
    $ids = @(foreach ($match in [regex]::Matches($text, $guid)) { ConvertTo-BorgClusterId -Value $match.Value })
    foreach ($one in $Candidate) {
        if ($ids.Count -gt 0) {
            if ((ConvertTo-BorgClusterId -Value $one.Id) -in $ids) {
                $one
            }
        } elseif ($text.Contains('[' + $one.Name + ']')) {
            $one
        }
    }
}
