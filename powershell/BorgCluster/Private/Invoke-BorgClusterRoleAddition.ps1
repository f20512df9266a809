function Invoke-BorgClusterRoleAddition {
    <#
    .SYNOPSIS
    Makes a virtual machine of this node highly available, in the first of three ways that works.
    .DESCRIPTION
    Add-ClusterVirtualMachineRole is documented as not remotable without CredSSP. Called on the node itself it usually works
    under a virtual account. Where it does not, the cluster's WMI provider does the same without a second hop, and at last a
    task of the node's own system account, which is in no remote session at all. If all fail the error tells what each of
    them said.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [string]
        $Name
    )

    $reasons = [System.Collections.Generic.List[string]]::new()
    $role = $null
    foreach ($way in @('Add-ClusterVirtualMachineRole', 'MSCluster_Cluster.AddVirtualMachine', 'a task of the system account')) {
        try {
            switch ($way) {
                'Add-ClusterVirtualMachineRole' {
                    $null = FailoverClusters\Add-ClusterVirtualMachineRole -VMId $VMId -Name $Name -ErrorAction Stop
                }
                'MSCluster_Cluster.AddVirtualMachine' {
                    Invoke-BorgClusterRoleMethod -VMId $VMId
                }
                default {
                    Invoke-BorgClusterRoleTask -VMId $VMId
                }
            }
            $reasons.Add("${way}: no error, but no role.")
        } catch {
            $reasons.Add("${way}: $_ [$($_.FullyQualifiedErrorId)]")
        }
        $role = Find-BorgClusterRole -VMId $VMId
        if ($null -ne $role) {
            break
        }
    }
    if ($null -eq $role) {
        $record = @{
            ErrorId = 'BorgClusterRoleNotAdded'
            Category = 'InvalidResult'
            Message = "The virtual machine $VMId could not be made highly available. $($reasons -join ' ')"
            TargetObject = $VMId
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    if ($role['Group'].Name -cne $Name) {
        $role['Group'].Name = $Name
    }
}
