function Get-BorgClusterPropertyTable {
    <#
    .SYNOPSIS
    Reads some properties into a table. One that this version of Windows lacks is left out.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $InputObject,

        [Parameter(Mandatory)]
        [string[]]
        $Name
    )

    $table = [ordered]@{}
    foreach ($one in $Name) {
        $property = $InputObject.PSObject.Properties[$one]
        if ($null -ne $property) {
            $table[$one] = ConvertTo-BorgClusterScalar -Value $property.Value
        }
    }
    return $table
}
