function New-BorgClusterClaim {
    <#
    .SYNOPSIS
    Claims a virtual machine, so that no other backup or restore touches it.
    .DESCRIPTION
    The answer's acquired is true if the claim is this one, made now or before; otherwise the other claim is told.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Folder
    The work folder of the machine's storage: <mount prefix>\.borg-cluster.
    .PARAMETER ClaimId
    The id of the claim.
    .PARAMETER Holder
    Who holds it, for people: a machine and a process.
    .PARAMETER Purpose
    What for, for people.
    .EXAMPLE
    New-BorgClusterClaim -VMId $id -Folder $folder -ClaimId $claim -Holder 'backup1' -Purpose 'backup'
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
        $ClaimId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string]
        $Holder,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string]
        $Purpose
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $path = Resolve-BorgClusterClaimPath -VMId $VMId -Folder $Folder
    $claim = Read-BorgClusterClaim -VMId $VMId -Path $path
    if ($null -eq $claim['claim_id'] -and $PSCmdlet.ShouldProcess($path, 'Create the claim')) {
        $content = [ordered]@{
            vm_id = $VMId.ToString('D')
            claim_id = $ClaimId.ToString('D')
            holder = $Holder
            purpose = $Purpose
            since = ConvertTo-BorgClusterTime -Value ([datetime]::UtcNow)
        }
        Write-BorgClusterClaim -Path $path -Content $content
        $claim = Read-BorgClusterClaim -VMId $VMId -Path $path
    }
    $claim['acquired'] = $claim['claim_id'] -eq $ClaimId.ToString('D')
    ConvertTo-BorgClusterAnswer -Answer $claim
}
