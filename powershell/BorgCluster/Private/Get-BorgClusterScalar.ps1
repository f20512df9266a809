function Get-BorgClusterScalar {
    <#
    .SYNOPSIS
    Reads a property as a whole number or a text; $null when it is missing.
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

    return ConvertTo-BorgClusterScalar -Value (Get-BorgClusterProperty -InputObject $InputObject -Name $Name)
}
