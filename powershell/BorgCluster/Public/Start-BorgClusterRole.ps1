function Start-BorgClusterRole {
    <#
    .SYNOPSIS
    Brings the role of a virtual machine online and waits for that.
    .DESCRIPTION
    Works on any live node. The answer tells the state that was reached, which may be Pending or Failed; a role that is online
    is fine. Without a role it fails with BorgClusterRoleMissing.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER TimeoutSecond
    For how many seconds to wait; 0 does not wait.
    .EXAMPLE
    Start-BorgClusterRole -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -TimeoutSecond 600
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
        [ValidateRange(0, 86400)]
        [int]
        $TimeoutSecond
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    $null = Assert-BorgClusterRole -VMId $VMId
    # An earlier call that was cut off may still be at work
    $role = Wait-BorgClusterRole -VMId $VMId -Except @('Pending') -Clock $clock -TimeoutSecond $TimeoutSecond
    if ($null -ne $role -and [string] $role['Group'].State -notin @('Online', 'Pending')) {
        if ($PSCmdlet.ShouldProcess($role['Group'].Name, 'Bring the role online')) {
            $null = FailoverClusters\Start-ClusterGroup -InputObject $role['Group'] -Wait 0 -ErrorAction Stop
            $null = Wait-BorgClusterRole -VMId $VMId -State @('Online', 'Failed') -Clock $clock -TimeoutSecond $TimeoutSecond
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
