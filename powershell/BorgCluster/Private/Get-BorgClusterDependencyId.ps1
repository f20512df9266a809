function Get-BorgClusterDependencyId {
    <#
    .SYNOPSIS
    Lists the ids of the resources that a resource depends on: by the table of all, or by asking for this one where there is
    none.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Resource,

        [Parameter(Mandatory)]
        [object[]]
        $Candidate,

        [Parameter(Mandatory)]
        [AllowNull()]
        [hashtable]
        $Table
    )

    if ($null -ne $Table) {
        $id = ConvertTo-BorgClusterId -Value $Resource.Id
        if ($null -ne $id -and $Table.ContainsKey($id)) {
            foreach ($one in $Table[$id]) {
                $one
            }
        }
        return
    }
    foreach ($one in @(Get-BorgClusterDependency -Resource $Resource -Candidate $Candidate)) {
        ConvertTo-BorgClusterId -Value $one.Id
    }
}
