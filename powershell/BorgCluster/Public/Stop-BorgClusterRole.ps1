function Stop-BorgClusterRole {
    <#
    .SYNOPSIS
    Takes the role of a virtual machine offline and waits for that.
    .DESCRIPTION
    Works on any live node. The answer tells the state that was reached, which may be Pending or Failed; a role that is
    offline or missing is fine.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER TimeoutSecond
    For how many seconds to wait; 0 does not wait.
    .EXAMPLE
    Stop-BorgClusterRole -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -TimeoutSecond 600
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
    # An earlier call that was cut off may still be at work
    $role = Wait-BorgClusterRole -VMId $VMId -Except @('Pending') -Clock $clock -TimeoutSecond $TimeoutSecond
    if ($null -ne $role -and [string] $role['Group'].State -notin @('Offline', 'Pending')) {
        if ($PSCmdlet.ShouldProcess($role['Group'].Name, 'Take the role offline')) {
            $null = FailoverClusters\Stop-ClusterGroup -InputObject $role['Group'] -Wait 0 -ErrorAction Stop
            $null = Wait-BorgClusterRole -VMId $VMId -State @('Offline', 'Failed') -Clock $clock -TimeoutSecond $TimeoutSecond
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
