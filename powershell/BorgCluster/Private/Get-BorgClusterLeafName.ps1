function Get-BorgClusterLeafName {
    <#
    .SYNOPSIS
    Tells the last part of a path as plain text.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $text = $Path.TrimEnd('\', '/')
    return $text.Substring($text.LastIndexOfAny([char[]] @('\', '/')) + 1)
}
