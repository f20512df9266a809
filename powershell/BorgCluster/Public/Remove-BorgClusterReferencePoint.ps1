function Remove-BorgClusterReferencePoint {
    <#
    .SYNOPSIS
    Forgets a reference point: changes can't be asked from it any more.
    .DESCRIPTION
    One that is gone is fine.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER ReferencePointId
    The id of the reference point.
    .EXAMPLE
    Remove-BorgClusterReferencePoint -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -ReferencePointId $point
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
        [guid]
        $ReferencePointId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $null = Assert-BorgClusterVM -VMId $VMId
    $system = Get-BorgClusterComputerSystem -VMId $VMId
    foreach ($point in @(Get-BorgClusterSystemPoint -System $system)) {
        if ((Get-BorgClusterLastId -InstanceId $point.InstanceID) -ne $ReferencePointId.ToString('D')) {
            continue
        }
        if ($PSCmdlet.ShouldProcess($ReferencePointId, 'Destroy the reference point')) {
            $call = @{
                InputObject = Get-BorgClusterService -ClassName 'Msvm_VirtualSystemReferencePointService'
                MethodName = 'DestroyReferencePoint'
                Argument = @{ AffectedReferencePoint = $point }
            }
            $null = Invoke-BorgClusterMethod @call
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterReferencePointFact -VMId $VMId)
}
