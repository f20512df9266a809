function Remove-BorgClusterSavedState {
    <#
    .SYNOPSIS
    Discards the saved memory of a virtual machine of this node, which no longer fits its disks.
    .DESCRIPTION
    A machine without saved state, or one that is not registered here, is left as it is.
    .PARAMETER VMId
    The id of the virtual machine.
    .EXAMPLE
    Remove-BorgClusterSavedState -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10'
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $vm = Find-BorgClusterVM -VMId $VMId
    if ($null -ne $vm -and [string] $vm.State -match 'Saved') {
        if ($PSCmdlet.ShouldProcess($vm.Name, 'Discard the saved state')) {
            $null = Hyper-V\Remove-VMSavedState -VM $vm -Confirm:$false -ErrorAction Stop
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
