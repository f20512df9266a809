function ConvertTo-BorgClusterTime {
    <#
    .SYNOPSIS
    Turns a point in time into ISO 8601 in UTC; a text is taken as it is.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Value
    )

    if ($null -eq $Value) {
        return $null
    }
    if ($Value -is [datetime]) {
        return $Value.ToUniversalTime().ToString('o', [System.Globalization.CultureInfo]::InvariantCulture)
    }
    return [string] $Value
}
