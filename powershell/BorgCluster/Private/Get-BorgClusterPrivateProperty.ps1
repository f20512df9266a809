function Get-BorgClusterPrivateProperty {
    <#
    .SYNOPSIS
    Reads the private parameters of all VM resources with one question: a table of resource id and parameter table.
    .DESCRIPTION
    Get-ClusterParameter takes a call for each resource, which is minutes in a cluster of thousands. MSCluster's WMI provider
    may refuse, as it does for some seconds after a boot: then the table is empty, and the caller asks for each resource.
    #>
    $known = @{}
    $query = @{
        Namespace = 'root\MSCluster'
        ClassName = 'MSCluster_Resource'
        Filter = "Type = 'Virtual Machine' OR Type = 'Virtual Machine Configuration'"
        ErrorAction = 'Stop'
    }
    try {
        $instances = @(CimCmdlets\Get-CimInstance @query)
    } catch {
        Write-Verbose -Message "MSCluster_Resource does not answer: $_"
        return $known
    }
    foreach ($instance in $instances) {
        $id = ConvertTo-BorgClusterId -Value (Get-BorgClusterProperty -InputObject $instance -Name 'Id')
        $private = Get-BorgClusterProperty -InputObject $instance -Name 'PrivateProperties'
        if ($null -eq $id -or $null -eq $private) {
            continue
        }
        $values = @{}
        foreach ($property in $private.PSObject.Properties) {
            $values[[string] $property.Name] = $property.Value
        }
        $known[$id] = $values
    }
    return $known
}
