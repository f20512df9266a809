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
        $Name,

        # Enums too as numbers
        [switch]
        $AsNumber
    )

    $table = [ordered]@{}
    foreach ($one in $Name) {
        $property = $InputObject.PSObject.Properties[$one]
        if ($null -eq $property) {
            continue
        }
        if ($AsNumber -and $null -ne $property.Value) {
            $table[$one] = $property.Value -as [long]
        } else {
            $table[$one] = ConvertTo-BorgClusterScalar -Value $property.Value
        }
    }
    return $table
}
