function Invoke-BorgClusterSnapshotCreation {
    <#
    .SYNOPSIS
    Makes a recovery snapshot and marks it as ours; returns its id. It fails rather than to fall back to less consistency.
    .DESCRIPTION
    A snapshot that can't be marked is destroyed again: nobody would ever know whose it is.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $System,

        [Parameter(Mandatory)]
        [string]
        $Consistency,

        [Parameter(Mandatory)]
        [string]
        $Mark,

        [Parameter(Mandatory)]
        [int]
        $TimeoutSecond
    )

    $before = @(foreach ($one in @(Get-BorgClusterSnapshotSetting -System $System)) { [string] $one.InstanceID })
    $call = @{
        InputObject = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemSnapshotService'
        MethodName = 'CreateSnapshot'
        Argument = @{
            AffectedSystem = $System
            SnapshotSettings = Get-BorgClusterSnapshotText -Consistency $Consistency
            # A recovery snapshot: hidden from users, for backups only
            SnapshotType = [uint16] 32768
        }
        TimeoutSecond = $TimeoutSecond
    }
    $called = Invoke-BorgClusterMethod @call
    $after = @(Get-BorgClusterSnapshotSetting -System $System)
    $new = @(foreach ($one in $after) { if ([string] $one.InstanceID -notin $before) { $one } })
    $setting = Select-BorgClusterMade -Candidate $new -Called $called -Name 'ResultingSnapshot'
    if ($null -eq $setting) {
        $record = @{
            ErrorId = 'BorgClusterSnapshotMissing'
            Category = 'ObjectNotFound'
            Message = "CreateSnapshot went well, but which of $($new.Count) new recovery snapshots it made can't be told."
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    $id = Get-BorgClusterLastId -InstanceId $setting.InstanceID
    $reasons = @(Rename-BorgClusterSnapshot -System $System -Setting $setting -Mark $Mark)
    if ($reasons.Count -gt 0) {
        Clear-BorgClusterSnapshot -Setting $setting
        $record = @{
            ErrorId = 'BorgClusterSnapshotNotMarked'
            Category = 'InvalidResult'
            Message = "The new snapshot could not be named '$Mark' and was destroyed again. $($reasons -join ' ')"
            TargetObject = $id
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    return $id
}
