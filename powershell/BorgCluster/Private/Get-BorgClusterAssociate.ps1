function Get-BorgClusterAssociate {
    <#
    .SYNOPSIS
    Lists the WMI instances of a class that an instance is associated with.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $InputObject,

        [Parameter(Mandatory)]
        [string]
        $ClassName
    )

    foreach ($one in @(Get-CimAssociatedInstance -InputObject $InputObject -ResultClassName $ClassName -ErrorAction Stop)) {
        $one
    }
}
