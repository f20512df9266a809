function Invoke-BorgClusterConversion {
    <#
    .SYNOPSIS
    Turns a recovery snapshot into a reference point and returns that one's id; $null when it can't be told which it is.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $System,

        [Parameter(Mandatory)]
        [object]
        $Setting
    )

    $before = @(foreach ($one in @(Get-BorgClusterSystemPoint -System $System)) { [string] $one.InstanceID })
    $call = @{
        InputObject = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemSnapshotService'
        MethodName = 'ConvertToReferencePoint'
        Argument = @{ AffectedSnapshot = $Setting; ReferencePointSettings = '' }
    }
    $called = Invoke-BorgClusterMethod @call
    $after = @(Get-BorgClusterSystemPoint -System $System)
    $new = @(foreach ($one in $after) { if ([string] $one.InstanceID -notin $before) { $one } })
    $point = Select-BorgClusterMade -Candidate $new -Called $called -Name 'ResultingReferencePoint'
    return Get-BorgClusterLastId -InstanceId (Get-BorgClusterProperty -InputObject $point -Name 'InstanceID')
}
