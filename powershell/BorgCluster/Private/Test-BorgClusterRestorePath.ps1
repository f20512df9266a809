function Test-BorgClusterRestorePath {
    <#
    .SYNOPSIS
    Tells whether a path lies in the folder of a restore, ...\.borg-cluster\<restore id>\...
    .DESCRIPTION
    The path must have gone through Resolve-BorgClusterPath. A link inside of the folder would lead out of it, so a path
    behind one does not lie there.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [guid]
        $RestoreId,

        [switch]
        $OrTheFolderItself
    )

    $below = '[\\/].+'
    if ($OrTheFolderItself) {
        $below = '([\\/].+)?'
    }
    $pattern = '^.+[\\/]\.borg-cluster[\\/]' + $RestoreId.ToString('D') + $below + '$'
    if ($Path -notmatch $pattern) {
        return $false
    }
    return (Get-BorgClusterVolumeRoot -Path $Path) -notmatch '[\\/]\.borg-cluster([\\/]|$)'
}
