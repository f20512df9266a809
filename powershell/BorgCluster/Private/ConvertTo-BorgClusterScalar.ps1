function ConvertTo-BorgClusterScalar {
    <#
    .SYNOPSIS
    Turns the value of a cluster property into what JSON keeps exactly: a whole number, a text, or $null.
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
    if ($Value -is [bool]) {
        return [int] $Value
    }
    if ($Value -is [string]) {
        return [string] $Value
    }
    if ($Value -is [System.ValueType] -and $Value -isnot [System.Enum]) {
        $number = $Value -as [long]
        if ($null -ne $number) {
            return $number
        }
    }
    return ConvertTo-BorgClusterWord -Value $Value
}
