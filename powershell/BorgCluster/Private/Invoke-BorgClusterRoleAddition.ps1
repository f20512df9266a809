function Invoke-BorgClusterRoleAddition {
    <#
    .SYNOPSIS
    Makes a virtual machine of this node highly available, by the cmdlet or else by the cluster's WMI provider.
    .DESCRIPTION
    Add-ClusterVirtualMachineRole is documented as not remotable without CredSSP. It is called on the node itself and usually
    works there under a virtual account; where it does not, MSCluster_Cluster.AddVirtualMachine does the same without a second
    hop. If both fail the error tells what each of them said.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [string]
        $Name
    )

    $reasons = @()
    try {
        $null = FailoverClusters\Add-ClusterVirtualMachineRole -VMId $VMId -Name $Name -ErrorAction Stop
    } catch {
        $reasons += "Add-ClusterVirtualMachineRole: $_ [$($_.FullyQualifiedErrorId)]"
    }
    $role = Find-BorgClusterRole -VMId $VMId
    if ($null -eq $role) {
        try {
            $query = @{ Namespace = 'root\MSCluster'; ClassName = 'MSCluster_Cluster'; ErrorAction = 'Stop' }
            foreach ($cluster in @(Get-CimInstance @query)) {
                $call = @{
                    InputObject = $cluster
                    MethodName = 'AddVirtualMachine'
                    Arguments = @{ VirtualMachine = $VMId.ToString('D') }
                    ErrorAction = 'Stop'
                }
                $null = Invoke-CimMethod @call
            }
        } catch {
            $reasons += "MSCluster_Cluster.AddVirtualMachine: $_ [$($_.FullyQualifiedErrorId)]"
        }
        $role = Find-BorgClusterRole -VMId $VMId
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
