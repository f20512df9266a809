function Remove-BorgClusterClaim {
    <#
    .SYNOPSIS
    Lets a virtual machine go.
    .DESCRIPTION
    Only the claim with this id is removed; another one stays and is told in the answer. It is fine if there is none.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Folder
    The work folder of the machine's storage: <mount prefix>\.borg-cluster.
    .PARAMETER ClaimId
    The id of the claim.
    .EXAMPLE
    Remove-BorgClusterClaim -VMId $id -Folder $folder -ClaimId $claim
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
        $Folder,

        [Parameter(Mandatory)]
        [guid]
        $ClaimId
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $path = Resolve-BorgClusterClaimPath -VMId $VMId -Folder $Folder
    $claim = Read-BorgClusterClaim -VMId $VMId -Path $path
    if ($claim['claim_id'] -eq $ClaimId.ToString('D') -and $PSCmdlet.ShouldProcess($path, 'Remove the claim')) {
        [System.IO.File]::Delete((Resolve-BorgClusterNativePath -Path $path))
        $claim = Read-BorgClusterClaim -VMId $VMId -Path $path
    }
    ConvertTo-BorgClusterAnswer -Answer $claim
}
