function Get-BorgClusterReferencePoint {
    <#
    .SYNOPSIS
    Reports the points in time from which the changes of a virtual machine's disks can be asked.
    .DESCRIPTION
    Each disk has an opaque identifier in each of them, which Get-BorgClusterDiskChange takes.
    .PARAMETER VMId
    The id of the virtual machine.
    .EXAMPLE
    Get-BorgClusterReferencePoint -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10'
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

    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterReferencePointFact -VMId $VMId)
}
