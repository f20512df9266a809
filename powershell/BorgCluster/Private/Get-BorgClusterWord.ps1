function Get-BorgClusterWord {
    <#
    .SYNOPSIS
    Reads a property as a text; $null when it is missing or empty.
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

    return ConvertTo-BorgClusterWord -Value (Get-BorgClusterProperty -InputObject $InputObject -Name $Name)
}
