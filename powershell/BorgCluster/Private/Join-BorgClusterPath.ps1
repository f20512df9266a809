function Join-BorgClusterPath {
    <#
    .SYNOPSIS
    Appends a name to a folder as plain text.
    .DESCRIPTION
    Join-Path wants the drive to exist and looks at wildcards. A slash only where the folder begins with one, so that the
    module's tests run on other systems too.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Folder,

        [Parameter(Mandatory)]
        [string]
        $Name
    )

    $separator = '\'
    if ($Folder.StartsWith('/')) {
        $separator = '/'
    }
    return $Folder.TrimEnd('\', '/') + $separator + $Name.Replace('\', $separator)
}
