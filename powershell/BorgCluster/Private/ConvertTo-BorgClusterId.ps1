function ConvertTo-BorgClusterId {
    <#
    .SYNOPSIS
    Turns a GUID in any spelling into lower case without braces; anything else, and the empty GUID, into $null.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Value
    )

    $id = [guid]::Empty
    if ([guid]::TryParse([string] $Value, [ref] $id) -and $id -ne [guid]::Empty) {
        return $id.ToString('D')
    }
    return $null
}
