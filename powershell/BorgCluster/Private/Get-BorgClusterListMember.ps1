function Get-BorgClusterListMember {
    <#
    .SYNOPSIS
    Lists the texts of a list in a parsed JSON document; nothing when the list is missing.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $InputObject,

        [Parameter(Mandatory)]
        [string]
        $Name
    )

    foreach ($one in @(Get-BorgClusterProperty -InputObject $InputObject -Name $Name)) {
        if ($null -ne $one) {
            [string] $one
        }
    }
}
