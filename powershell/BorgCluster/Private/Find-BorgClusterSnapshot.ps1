function Find-BorgClusterSnapshot {
    <#
    .SYNOPSIS
    Finds a recovery snapshot of ours by its id; $null when there is none. Fails for somebody else's.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $System,

        [Parameter(Mandatory)]
        [guid]
        $SnapshotId
    )

    foreach ($setting in @(Get-BorgClusterSnapshotSetting -System $System)) {
        if ((Get-BorgClusterLastId -InstanceId $setting.InstanceID) -ne $SnapshotId.ToString('D')) {
            continue
        }
        if ($null -ne (Get-BorgClusterMarkedRun -Setting $setting)) {
            return $setting
        }
        $record = @{
            ErrorId = 'BorgClusterSnapshotForeign'
            Category = 'PermissionDenied'
            Message = "The snapshot '$($setting.ElementName)' ($SnapshotId) is not ours, and never touched."
            TargetObject = $SnapshotId
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    return $null
}
