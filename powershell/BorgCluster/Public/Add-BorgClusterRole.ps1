function Add-BorgClusterRole {
    <#
    .SYNOPSIS
    Makes a virtual machine of this node highly available.
    .DESCRIPTION
    A role that is there already is fine. Call it on the node where the machine is registered.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Name
    The name of the role.
    .EXAMPLE
    Add-BorgClusterRole -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Name 'web01'
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
        $Name
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    if ($null -eq (Find-BorgClusterRole -VMId $VMId)) {
        $vm = Assert-BorgClusterVM -VMId $VMId
        if ($PSCmdlet.ShouldProcess($vm.Name, "Make the virtual machine highly available as '$Name'")) {
            Invoke-BorgClusterRoleAddition -VMId $VMId -Name $Name
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
