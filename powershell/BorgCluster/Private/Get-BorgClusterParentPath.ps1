function Get-BorgClusterParentPath {
    <#
    .SYNOPSIS
    Tells the folder of a full path as plain text; '' for a root (C:\, \\server\share, /).
    .DESCRIPTION
    Split-Path wants drives to exist, and .NET's Path class means another thing by the same text on other systems.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $text = $Path.TrimEnd('\', '/')
    if ($text -match '^([A-Za-z]:|[\\/]{2}[^\\/]+([\\/]+[^\\/]+)?)?$') {
        return ''
    }
    $end = $text.LastIndexOfAny([char[]] @('\', '/'))
    if ($end -lt 0) {
        return ''
    }
    $folder = $text.Substring(0, $end)
    if ($folder -match '^([A-Za-z]:)?$') {
        # A drive's root keeps its separator: without it, C: is a place in C:
        return $text.Substring(0, $end + 1)
    }
    return $folder
}
