function Assert-BorgClusterRestorePath {
    <#
    .SYNOPSIS
    Fails unless at least one of some paths lies in the folder of the restore.
    #>
    param (
        [Parameter(Mandatory)]
        [string[]]
        $Path,

        [Parameter(Mandatory)]
        [guid]
        $RestoreId,

        [switch]
        $OrTheFolderItself
    )

    foreach ($one in $Path) {
        if (Test-BorgClusterRestorePath -Path $one -RestoreId $RestoreId -OrTheFolderItself:$OrTheFolderItself) {
            return
        }
    }
    $record = @{
        ErrorId = 'BorgClusterPathNotAllowed'
        Category = 'PermissionDenied'
        Message = "'$($Path -join "', '")' does not lie in the folder of the restore $RestoreId."
        TargetObject = $Path[0]
    }
    throw (ConvertTo-BorgClusterErrorRecord @record)
}
