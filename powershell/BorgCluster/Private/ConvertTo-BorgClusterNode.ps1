function ConvertTo-BorgClusterNode {
    <#
    .SYNOPSIS
    Reports a node as the cluster sees it (a ClusterNode).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Node,

        [Parameter(Mandatory)]
        [object]
        $Cluster
    )

    $domain = Get-BorgClusterWord -InputObject $Cluster -Name 'Domain'
    $fqdn = $null
    if ($null -ne $domain) {
        $fqdn = [string] $Node.Name + '.' + $domain
    }
    $build = [System.Collections.Generic.List[string]]::new()
    foreach ($name in @('MajorVersion', 'MinorVersion', 'BuildNumber')) {
        $build.Add([string] (Get-BorgClusterProperty -InputObject $Node -Name $name))
    }
    $information = Get-BorgClusterProperty -InputObject $Node -Name 'StatusInformation'
    $report = [ordered]@{
        name = [string] $Node.Name
        fqdn = $fqdn
        state = [string] $Node.State
        status_information = @(ConvertTo-BorgClusterFlag -Value $information)
        drain_status = Get-BorgClusterWord -InputObject $Node -Name 'DrainStatus'
        build = $null
    }
    if ('' -notin $build.ToArray()) {
        $report['build'] = $build -join '.'
    }
    return $report
}
