function Get-BorgClusterSnapshotSetting {
    <#
    .SYNOPSIS
    Lists a virtual machine's recovery snapshots, ours and others' (Msvm_VirtualSystemSettingData); checkpoints are none.
    #>
    param (
        # Its Msvm_ComputerSystem
        [Parameter(Mandatory)]
        [object]
        $System
    )

    $link = @{
        InputObject = $System
        ClassName = 'Msvm_VirtualSystemSettingData'
        Association = 'Msvm_SnapshotOfVirtualSystem'
    }
    foreach ($setting in @(Get-BorgClusterAssociate @link)) {
        $type = [string] (Get-BorgClusterProperty -InputObject $setting -Name 'VirtualSystemType')
        if ($type -eq 'Microsoft:Hyper-V:Snapshot:Recovery') {
            $setting
        }
    }
}
