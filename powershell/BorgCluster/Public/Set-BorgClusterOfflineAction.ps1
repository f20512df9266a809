function Set-BorgClusterOfflineAction {
    <#
    .SYNOPSIS
    Sets what the cluster does with a virtual machine when its role goes offline.
    .DESCRIPTION
    The cluster keeps the setting, so whoever changes it for one stop puts the previous one back: the answer tells both.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Action
    0 turn off, 1 save, 2 shut down, 3 shut down by force.
    .EXAMPLE
    Set-BorgClusterOfflineAction -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Action 2
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
        [ValidateRange(0, 3)]
        [int]
        $Action
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $role = Assert-BorgClusterRole -VMId $VMId -WithVMResource
    $previous = ConvertTo-BorgClusterScalar -Value $role['VMParameter']['OfflineAction']
    $current = $previous
    if ($previous -ne $Action) {
        if ($PSCmdlet.ShouldProcess($role['VMResource'].Name, "Set OfflineAction to $Action")) {
            $setting = @{
                InputObject = $role['VMResource']
                Name = 'OfflineAction'
                Value = $Action
                ErrorAction = 'Stop'
            }
            $null = FailoverClusters\Set-ClusterParameter @setting
            $role = Assert-BorgClusterRole -VMId $VMId -WithVMResource
            $current = ConvertTo-BorgClusterScalar -Value $role['VMParameter']['OfflineAction']
        }
    }
    $answer = [ordered]@{
        vm_id = $VMId.ToString('D')
        previous = $previous
        current = $current
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
