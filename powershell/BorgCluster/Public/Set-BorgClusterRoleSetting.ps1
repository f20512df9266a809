function Set-BorgClusterRoleSetting {
    <#
    .SYNOPSIS
    Puts the settings of a role back that Get-BorgClusterRoleSetting reported.
    .DESCRIPTION
    Only what differs is changed. A setting that can't be put back does not hinder the others: the answer lists each of them
    singly, beside those that were applied and the settings that hold now.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Setting
    The JSON that Get-BorgClusterRoleSetting answered.
    .EXAMPLE
    Set-BorgClusterRoleSetting -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Setting $saved
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string]
        $Setting
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $wanted = $null
    $reason = $null
    try {
        $wanted = ConvertFrom-Json -InputObject $Setting
    } catch {
        $reason = $_.Exception
    }
    if ((ConvertTo-BorgClusterId -Value (Get-BorgClusterProperty -InputObject $wanted -Name 'vm_id')) -ne $VMId.ToString('D')) {
        $record = @{
            ErrorId = 'BorgClusterSettingOfAnother'
            Category = 'InvalidArgument'
            Message = "These are not the settings of the role of $VMId."
            TargetObject = $VMId
            InnerException = $reason
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    $role = Assert-BorgClusterRole -VMId $VMId
    $now = Get-BorgClusterRoleSettingFact -VMId $VMId -Role $role
    $applied = [System.Collections.Generic.List[object]]::new()
    $failed = [System.Collections.Generic.List[object]]::new()
    foreach ($change in @(Get-BorgClusterRoleSettingChange -Wanted $wanted -Current $now -Role $role)) {
        if (-not $PSCmdlet.ShouldProcess($role['Group'].Name, "Set $($change['Setting'])")) {
            continue
        }
        try {
            Invoke-BorgClusterSettingChange -Change $change
            $applied.Add($change['Setting'])
        } catch {
            $failed.Add([ordered]@{ setting = $change['Setting']; message = [string] $_ })
        }
    }
    if ($applied.Count -gt 0) {
        $now = Get-BorgClusterRoleSettingFact -VMId $VMId -Role (Assert-BorgClusterRole -VMId $VMId)
    }
    $answer = [ordered]@{
        vm_id = $VMId.ToString('D')
        applied = $applied.ToArray()
        failed = $failed.ToArray()
        setting = $now
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
