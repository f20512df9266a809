function Select-BorgClusterMade {
    <#
    .SYNOPSIS
    Tells which of some new instances a method made; $null when that can't be told.
    .DESCRIPTION
    The method names it; or its job is associated with it; or there is only one.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Candidate,

        # What Invoke-BorgClusterMethod returned
        [Parameter(Mandatory)]
        [hashtable]
        $Called,

        # The method's output that names it
        [Parameter(Mandatory)]
        [string]
        $Name
    )

    $named = @(Get-BorgClusterProperty -InputObject $Called['Result'] -Name $Name)
    if ($Candidate.Count -gt 1 -and $null -ne $Called['Job']) {
        $link = @{ InputObject = $Called['Job']; ClassName = 'CIM_ManagedElement'; Association = 'Msvm_AffectedJobElement' }
        $named += @(Get-BorgClusterAssociate @link)
    }
    foreach ($one in $named) {
        $id = Get-BorgClusterProperty -InputObject $one -Name 'InstanceID'
        foreach ($made in $Candidate) {
            if ($null -ne $id -and [string] $made.InstanceID -eq [string] $id) {
                return $made
            }
        }
    }
    if ($Candidate.Count -eq 1) {
        return $Candidate[0]
    }
    return $null
}
