function Get-BorgClusterHeartbeat {
    <#
    .SYNOPSIS
    Tells the heartbeat of a virtual machine in Windows' own word, such as OkApplicationsHealthy; $null when there is none.
    .DESCRIPTION
    The component is found by its id, as its name and its status texts are localized.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    $component = '84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47'
    foreach ($service in @(Hyper-V\Get-VMIntegrationService -VM $VM -ErrorAction Stop)) {
        if ([string] (Get-BorgClusterProperty -InputObject $service -Name 'Id') -notmatch $component) {
            continue
        }
        if (-not (Get-BorgClusterProperty -InputObject $service -Name 'Enabled')) {
            return 'Disabled'
        }
        $word = Get-BorgClusterWord -InputObject $VM -Name 'Heartbeat'
        if ($null -ne $word) {
            return $word
        }
        return Get-BorgClusterWord -InputObject $service -Name 'PrimaryOperationalStatus'
    }
    return $null
}
