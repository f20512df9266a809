function Remove-BorgClusterRole {
    <#
    .SYNOPSIS
    Removes the role of a virtual machine. The machine stays, without high availability.
    .DESCRIPTION
    Works on any live node. A missing role is fine. If the group holds anything else (another machine, a clustered disk), that
    would go too: then nothing is removed, and it fails with BorgClusterRoleShared. The machine may be listed by its node only
    some seconds later.
    .PARAMETER VMId
    The id of the virtual machine.
    .EXAMPLE
    Remove-BorgClusterRole -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10'
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

    $role = Find-BorgClusterRole -VMId $VMId
    if ($null -ne $role) {
        $others = @(foreach ($other in $role['Other']) { [string] $other.Name })
        if ($others.Count -gt 0) {
            $record = @{
                ErrorId = 'BorgClusterRoleShared'
                Category = 'ResourceBusy'
                Message = "The role '$($role['Group'].Name)' holds more than this virtual machine: $($others -join ', ')."
                TargetObject = $VMId
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        if ($PSCmdlet.ShouldProcess($role['Group'].Name, 'Remove the role, not the virtual machine')) {
            $how = @{
                RemoveResources = $true
                Force = $true
                Confirm = $false
                ErrorAction = 'Stop'
            }
            if ($null -ne $role['VMResource']) {
                $null = FailoverClusters\Remove-ClusterGroup -VMId $VMId @how
            } else {
                # Half removed before: only the configuration's resource still names the machine
                $null = FailoverClusters\Remove-ClusterGroup -InputObject $role['Group'] @how
            }
        }
    }
    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId)
}
