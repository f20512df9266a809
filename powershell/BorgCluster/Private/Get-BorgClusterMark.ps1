function Get-BorgClusterMark {
    <#
    .SYNOPSIS
    Tells the name that marks a recovery snapshot as one of a run of ours.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $RunId
    )

    return 'borg-cluster ' + $RunId.ToString('D')
}
