function Get-BorgClusterVMStateFact {
    <#
    .SYNOPSIS
    Collects all that decides a restore step about one virtual machine (a VMState).
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [AllowEmptyCollection()]
        [string[]]
        $Path = @()
    )

    $state = [ordered]@{
        schema = 1
        node = [System.Environment]::MachineName
        vm_id = $VMId.ToString('D')
        taken_at = ConvertTo-BorgClusterTime -Value ([datetime]::UtcNow)
        role = $null
        registration = $null
        files = @(foreach ($one in $Path) { Get-BorgClusterFileState -Path $one })
    }
    $role = Find-BorgClusterRole -VMId $VMId
    if ($null -ne $role) {
        $state['role'] = ConvertTo-BorgClusterRoleState -Role $role
    }
    $vm = Find-BorgClusterVM -VMId $VMId
    if ($null -ne $vm) {
        $state['registration'] = ConvertTo-BorgClusterRegistration -VM $vm
    }
    return $state
}
