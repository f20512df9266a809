function Clear-BorgClusterSnapshot {
    <#
    .SYNOPSIS
    Destroys a recovery snapshot. Its disks merge afterwards.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Setting
    )

    $call = @{
        InputObject = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemSnapshotService'
        MethodName = 'DestroySnapshot'
        Argument = @{ AffectedSnapshot = $Setting }
    }
    $null = Invoke-BorgClusterMethod @call
}
