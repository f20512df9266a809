function Remove-BorgClusterRestoreFolder {
    <#
    .SYNOPSIS
    Deletes the folders of a restore, or parts of them: the only command that deletes an old virtual machine for good.
    .DESCRIPTION
    Each must be ...\.borg-cluster\<restore id> or lie below it. One that is not there is fine; a link is deleted, not
    followed.
    .PARAMETER RestoreId
    The id of the restore.
    .PARAMETER Folder
    Full paths.
    .EXAMPLE
    Remove-BorgClusterRestoreFolder -RestoreId $restore -Folder "C:\ClusterStorage\Volume1\.borg-cluster\$restore"
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $RestoreId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string[]]
        $Folder
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $paths = @(foreach ($one in $Folder) { Resolve-BorgClusterPath -Path $one })
    foreach ($one in $paths) {
        Assert-BorgClusterRestorePath -Path @($one) -RestoreId $RestoreId -OrTheFolderItself
    }
    foreach ($one in $paths) {
        if ($PSCmdlet.ShouldProcess($one, 'Delete for good')) {
            Clear-BorgClusterItem -Path $one
        }
    }
    ConvertTo-BorgClusterFileResult -Path $paths -RestoreId $RestoreId
}
