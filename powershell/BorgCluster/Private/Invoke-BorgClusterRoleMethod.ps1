function Invoke-BorgClusterRoleMethod {
    <#
    .SYNOPSIS
    Makes a virtual machine of this node highly available through the cluster's WMI provider.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId
    )

    $query = @{ Namespace = 'root\MSCluster'; ClassName = 'MSCluster_Cluster'; ErrorAction = 'Stop' }
    foreach ($cluster in @(CimCmdlets\Get-CimInstance @query)) {
        $argument = @{ VirtualMachine = $VMId.ToString('D') }
        $null = Invoke-BorgClusterMethod -InputObject $cluster -MethodName 'AddVirtualMachine' -Argument $argument
    }
}
