function Get-BorgClusterRoleSetting {
    <#
    .SYNOPSIS
    Reports everything of a role that its removal would lose.
    .DESCRIPTION
    Set-BorgClusterRoleSetting puts it back. A property that this version of Windows lacks is left out. Without a role it
    fails with BorgClusterRoleMissing.
    .PARAMETER VMId
    The id of the virtual machine.
    .EXAMPLE
    Get-BorgClusterRoleSetting -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10'
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $role = Assert-BorgClusterRole -VMId $VMId
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterRoleSettingFact -VMId $VMId -Role $role)
}
