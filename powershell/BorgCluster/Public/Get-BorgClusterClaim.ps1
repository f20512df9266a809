function Get-BorgClusterClaim {
    <#
    .SYNOPSIS
    Reports who holds a virtual machine.
    .DESCRIPTION
    A claim is a file on the storage of the machine. It is created exclusively, so that of all who try one gets it.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Folder
    The work folder of the machine's storage: <mount prefix>\.borg-cluster.
    .EXAMPLE
    Get-BorgClusterClaim -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Folder 'C:\ClusterStorage\Volume1\.borg-cluster'
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string]
        $Folder
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $path = Resolve-BorgClusterClaimPath -VMId $VMId -Folder $Folder
    ConvertTo-BorgClusterAnswer -Answer (Read-BorgClusterClaim -VMId $VMId -Path $path)
}
