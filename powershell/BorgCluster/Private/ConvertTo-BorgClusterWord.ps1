function ConvertTo-BorgClusterWord {
    <#
    .SYNOPSIS
    Turns an enum, a text or an object with a name (a node, a role, a resource type) into a text; nothing and '' into $null.
    .DESCRIPTION
    States leave as words, never as numbers: 2 is Failed for a role and Online for a resource.
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
    $name = Get-BorgClusterProperty -InputObject $Value -Name 'Name'
    if ($null -ne $name) {
        return [string] $name
    }
    $text = [string] $Value
    if ($text -eq '') {
        return $null
    }
    return $text
}
