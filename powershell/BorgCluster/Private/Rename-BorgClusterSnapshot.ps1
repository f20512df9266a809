function Rename-BorgClusterSnapshot {
    <#
    .SYNOPSIS
    Names a recovery snapshot, through WMI or else by Rename-VMSnapshot. Returns why it has another name, if it has.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $System,

        [Parameter(Mandatory)]
        [object]
        $Setting,

        [Parameter(Mandatory)]
        [string]
        $Mark
    )

    $reasons = [System.Collections.Generic.List[string]]::new()
    $id = [string] $Setting.InstanceID
    foreach ($way in @('ModifySystemSettings', 'Rename-VMSnapshot')) {
        try {
            if ($way -eq 'ModifySystemSettings') {
                $property = [ordered]@{ InstanceID = $id; ElementName = $Mark }
                $text = ConvertTo-BorgClusterInstanceText -ClassName 'Msvm_VirtualSystemSettingData' -Property $property
                $call = @{
                    InputObject = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemManagementService'
                    MethodName = $way
                    Argument = @{ SystemSettings = $text }
                }
                $null = Invoke-BorgClusterMethod @call
            } else {
                $snapshot = Hyper-V\Get-VMSnapshot -Id ([guid] (Get-BorgClusterLastId -InstanceId $id)) -ErrorAction Stop
                $null = Hyper-V\Rename-VMSnapshot -VMSnapshot $snapshot -NewName $Mark -Confirm:$false -ErrorAction Stop
            }
        } catch {
            $reasons.Add("${way}: $_")
        }
        foreach ($one in @(Get-BorgClusterSnapshotSetting -System $System)) {
            if ([string] $one.InstanceID -eq $id -and [string] $one.ElementName -ceq $Mark) {
                return
            }
        }
    }
    $reasons.Add('It does not have that name.')
    foreach ($reason in $reasons) {
        $reason
    }
}
